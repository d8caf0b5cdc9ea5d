package dev.marmot.node.demo;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How to show it. Immutable.
 *
 * @param directory where to work; empty: a temporary directory, deleted at the end
 * @param once end after the comparison instead of waiting for Ctrl-C
 * @param nodeCommand how to start a {@code marmot} process, without its arguments
 * @param launcher what a person types, for the hints
 */
public record DemoOptions(
    Optional<Path> directory, boolean once, List<String> nodeCommand, String launcher) {
  public DemoOptions {
    nodeCommand = List.copyOf(nodeCommand);
  }
}
