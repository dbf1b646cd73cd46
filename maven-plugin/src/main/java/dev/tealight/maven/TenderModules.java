// SPDX-License-Identifier: ISC
package dev.tealight.maven;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.maven.RepositoryUtils;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.descriptor.PluginDescriptor;
import org.eclipse.aether.RepositorySystem;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.collection.CollectRequest;
import org.eclipse.aether.graph.Dependency;
import org.eclipse.aether.resolution.ArtifactResult;
import org.eclipse.aether.resolution.DependencyRequest;
import org.eclipse.aether.resolution.DependencyResolutionException;

/**
 * Tealight's modules, of the plugin's own version. They are not dependencies of the plugin: Maven
 * would load them into its own JVM, and leave out those that it has itself, such as SLF4J.
 */
final class TenderModules {
  private final RepositorySystem repositories;
  private final MavenSession session;

  TenderModules(RepositorySystem repositories, MavenSession session) {
    this.repositories = repositories;
    this.session = session;
  }

  /**
   * Finds or downloads them.
   *
   * @param plugin whose version they have; what the build adds to its dependencies is there too
   * @return the jars
   * @throws MojoExecutionException if one cannot be had; names it
   */
  List<Path> resolve(PluginDescriptor plugin) throws MojoExecutionException {
    List<Dependency> wanted = new ArrayList<>();
    wanted.add(
        new Dependency(
            new DefaultArtifact("dev.tealight", "tealight-tender", "jar", plugin.getVersion()),
            "runtime"));
    for (org.apache.maven.model.Dependency added : plugin.getPlugin().getDependencies()) {
      wanted.add(
          RepositoryUtils.toDependency(
              added, session.getRepositorySession().getArtifactTypeRegistry()));
    }
    CollectRequest request =
        new CollectRequest(
            wanted, List.of(), session.getCurrentProject().getRemotePluginRepositories());
    try {
      return repositories
          .resolveDependencies(session.getRepositorySession(), new DependencyRequest(request, null))
          .getArtifactResults()
          .stream()
          .map(ArtifactResult::getArtifact)
          .map(artifact -> artifact.getFile().toPath())
          .toList();
    } catch (DependencyResolutionException e) {
      throw new MojoExecutionException("Tealight's modules are missing: " + e.getMessage(), e);
    }
  }
}
