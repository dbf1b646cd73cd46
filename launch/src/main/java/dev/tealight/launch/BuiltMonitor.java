// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.BackendOptions;
import dev.tealight.ImageException;
import dev.tealight.Monitor;
import dev.tealight.VmmException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A monitor that was built for one unikernel, from inside: finds image and settings beside the Java
 * runtime that it was linked with.
 */
public final class BuiltMonitor {

  /**
   * Set to the seconds that a run may take which is there to record what a start needs: it is not
   * confined, so that the record can be written. With 0 the guest is not run at all.
   */
  public static final String TRAINING_PROPERTY = "tealight.training";

  /** Set to the backend to be used; the first that is available unless set. */
  public static final String BACKEND_PROPERTY = "tealight.backend";

  /** Set to tell which backend was chosen and why. */
  public static final String VERBOSE_PROPERTY = "tealight.verbose";

  /** Attaches the devices that a command line asks for. */
  public interface Devices {

    /**
     * Attaches them.
     *
     * @param defaults the settings' options for devices
     * @param words of the command line
     * @param builder gets the devices
     * @return the words that are the guest's
     * @throws VmmException if an option cannot be
     */
    String[] attach(List<String> defaults, String[] words, Monitor.Builder builder);
  }

  private BuiltMonitor() {}

  /**
   * Runs the unikernel and ends the JVM with its status.
   *
   * @param words of the command line
   * @param devices attaches devices, or null if the unikernel has none
   */
  public static void main(String[] words, @Nullable Devices devices) {
    StderrLogging.use();
    int status = GuestProcess.FAILED;
    try {
      status = "0".equals(System.getProperty(TRAINING_PROPERTY)) ? 0 : run(words, devices);
    } catch (RuntimeException | Error e) {
      System.err.println("tealight: internal error");
      Thread.currentThread().getThreadGroup().uncaughtException(Thread.currentThread(), e);
    }
    // Everything is closed and written: no need for the JVM's orderly and slower way out.
    Runtime.getRuntime().halt(status);
  }

  private static int run(String[] words, @Nullable Devices devices) {
    GuestProcess process = new GuestProcess(new FileOutputStream(FileDescriptor.out), System.err);
    try {
      Path folder = Path.of(System.getProperty("java.home")).resolveSibling("");
      MonitorSettings settings = MonitorSettings.read(folder);
      byte[] image = image(folder, settings);
      Monitor.Builder builder = Monitor.builder();
      String[] arguments = words;
      if (devices != null) {
        arguments = devices.attach(settings.deviceOptions(), words, builder);
      }
      if (arguments.length == 0) {
        arguments = settings.arguments().toArray(new String[0]);
      }
      builder.image(settings.image(), image).arguments(arguments);
      return process.run(builder, how(settings));
    } catch (VmmException e) {
      process.say(e.getMessage());
    } catch (InterruptedException e) {
      process.say("interrupted");
    }
    return GuestProcess.FAILED;
  }

  private static byte[] image(Path folder, MonitorSettings settings) {
    Path file = folder.resolve(settings.image());
    byte[] image;
    try {
      image = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new ImageException("image %s cannot be read: %s".formatted(file, e), e);
    }
    long checksum = MonitorSettings.checksum(image);
    if (checksum != settings.imageChecksum()) {
      throw new ImageException(
          "image %s was changed after this monitor was built: its checksum is 0x%08x, not 0x%08x; build the monitor again"
              .formatted(file, checksum, settings.imageChecksum()));
    }
    return image;
  }

  private static GuestProcess.Settings how(MonitorSettings settings) {
    Integer training = Integer.getInteger(TRAINING_PROPERTY);
    Optional<? extends BackendOptions> options = Optional.empty();
    String backend = System.getProperty(BACKEND_PROPERTY);
    if (!settings.ring3().isEmpty()) {
      options = KvmChoice.of(settings.ring3());
      backend = "kvm";
    }
    return new GuestProcess.Settings(
        Optional.ofNullable(backend),
        options,
        settings.memoryMib(),
        training == null
            ? settings.deadline()
            : Optional.of(Duration.ofSeconds(training.longValue())),
        System.getProperty(VERBOSE_PROPERTY) != null,
        settings.confined() && training == null);
  }
}
