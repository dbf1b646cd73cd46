// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.GeneralCodingRules;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import dev.tealight.house.Repository.Module;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Who may use what. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS) // reading all classes takes a while
class DependencyTest {
  /** The kinds of modules, and the kinds that each may use. */
  private enum Kind {
    CORE,
    POSIX,
    BACKEND,
    DEVICE,
    TESTKIT,
    LAUNCH,
    PROGRAM;

    Set<Kind> mayUse() {
      return switch (this) {
        case CORE -> Set.of();
        case POSIX, TESTKIT -> Set.of(CORE);
        case BACKEND, DEVICE -> Set.of(CORE, POSIX);
        case LAUNCH -> Set.of(CORE, POSIX, BACKEND, LAUNCH);
        case PROGRAM -> Set.of(CORE, POSIX, BACKEND, DEVICE, LAUNCH);
      };
    }

    static Kind of(Module module) {
      return switch (module.folder()) {
        case "core" -> CORE;
        case "ffi-posix" -> POSIX;
        case "softcpu" -> BACKEND;
        case "testkit" -> TESTKIT;
        case "launch", "options", "build" -> LAUNCH;
        case "tender", "examples", "bench" -> PROGRAM;
        case String folder when folder.startsWith("ffi-") -> BACKEND;
        case String folder when folder.startsWith("devices/") -> DEVICE;
        default -> throw new AssertionError(module + " has no kind: give it one here");
      };
    }
  }

  /** Methods that the JVM allows only to modules with native access. */
  private static final Set<String> RESTRICTED =
      Set.of(
          "java.lang.foreign.AddressLayout.withTargetLayout",
          "java.lang.foreign.Linker.downcallHandle",
          "java.lang.foreign.Linker.upcallStub",
          "java.lang.foreign.MemorySegment.reinterpret",
          "java.lang.foreign.SymbolLookup.libraryLookup",
          "java.lang.ModuleLayer$Controller.enableNativeAccess",
          "java.lang.Runtime.load",
          "java.lang.Runtime.loadLibrary",
          "java.lang.System.load",
          "java.lang.System.loadLibrary");

  private final List<Module> modules = Repository.modules();
  private final JavaClasses classes =
      new ClassFileImporter().importPaths(modules.stream().map(Module::classes).toList());

  @Test
  void modulesUseOnlyTheModulesBelowThem() {
    assertThat(uses().filter(use -> !Kind.of(use.from()).mayUse().contains(Kind.of(use.to()))))
        .isEmpty();
  }

  @Test
  void nobodyUsesTheInternalsOfAnotherModule() {
    assertThat(uses().filter(use -> use.target().getPackageName().contains(".internal"))).isEmpty();
  }

  @Test
  void internalPackagesHaveNoCycles() {
    check(
        SlicesRuleDefinition.slices()
            .matching("dev.tealight..internal.(**)")
            .should()
            .beFreeOfCycles());
  }

  @Test
  void onlyProgramsWriteToTheStandardStreams() {
    assertThat(
            GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS
                .allowEmptyShould(true)
                .evaluate(classes.that(in(Kind.PROGRAM).or(in(Kind.LAUNCH)).negate()))
                .getFailureReport()
                .getDetails())
        .isEmpty();
  }

  @Test
  void onlyTheDoorToTheLibraryCallsNativeCode() {
    check(
        noClasses()
            .that(in(Kind.POSIX).negate())
            .should()
            .callMethodWhere(
                DescribedPredicate.describe(
                    "the method is restricted",
                    call -> RESTRICTED.contains(name(call.getTarget())))));
  }

  @Test
  void nobodyThrowsExceptionsThatSayNothing() {
    check(GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS);
  }

  private void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(classes);
  }

  private DescribedPredicate<JavaClass> in(Kind kind) {
    return DescribedPredicate.describe(
        "are in a module of kind " + kind, type -> Kind.of(owner(type)) == kind);
  }

  /** A class of one module that uses a class of another. */
  private record Use(Module from, Module to, JavaClass target, String description) {
    @Override
    public String toString() {
      return from + " uses " + to + ": " + description;
    }
  }

  private Stream<Use> uses() {
    return classes.stream()
        .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
        .filter(dependency -> classes.contain(dependency.getTargetClass().getName()))
        .map(
            dependency ->
                new Use(
                    owner(dependency.getOriginClass()),
                    owner(dependency.getTargetClass()),
                    dependency.getTargetClass(),
                    dependency.getDescription()))
        .filter(use -> !use.from().equals(use.to()));
  }

  private Module owner(JavaClass type) {
    String source = type.getSource().orElseThrow().getUri().toString();
    return modules.stream()
        .filter(module -> source.startsWith(module.classes().toUri().toString()))
        .findFirst()
        .orElseThrow(() -> new AssertionError(source + " belongs to no module"));
  }

  private static String name(AccessTarget target) {
    return target.getOwner().getName() + "." + target.getName();
  }
}
