package dev.marmot.node.cli;

import dev.marmot.node.NodeLauncher;
import dev.marmot.node.config.AuthKey;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** What the commands see of the world. Immutable. */
record Environment(
    PrintWriter out,
    PrintWriter err,
    Map<String, String> variables,
    NodeLauncher launcher,
    Consumer<Path> cleanup) {
  AuthKey authKey() {
    return AuthKey.of(variables.getOrDefault("AUTH_KEY", ""));
  }
}
