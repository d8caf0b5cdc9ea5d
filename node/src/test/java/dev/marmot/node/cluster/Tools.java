package dev.marmot.node.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Other programs that applications use: the {@code sqlite3} tool and Python. */
final class Tools {
  private Tools() {}

  /** Removes a directory with all that is in it. */
  static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Runs SQL in the {@code sqlite3} tool, with a busy time-out as an application would. */
  /** The whole tree, as it is. */
  static void copy(Path from, Path to) throws IOException, InterruptedException {
    run(List.of("cp", "-a", from.toString(), to.toString()), "");
  }

  static String sqlite(Path database, String sql) throws IOException, InterruptedException {
    return run(List.of("sqlite3", "-bail", "-cmd", ".timeout 20000", database.toString()), sql);
  }

  /** Starts a Python program; its output goes to this process's. */
  static Process python(String program, Object... arguments) throws IOException {
    List<String> command = new java.util.ArrayList<>(List.of("python3", "-c", program));
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** The output of a process that must end well. */
  static String output(Process process) throws IOException, InterruptedException {
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (process.waitFor() != 0) {
      throw new IOException("exit code " + process.exitValue() + ": " + output);
    }
    return output;
  }

  /** Runs a command to its end; it must end well. */
  static String run(List<String> command, String input) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    Thread feeder =
        new Thread(
            () -> {
              try (var in = process.getOutputStream()) {
                in.write(input.getBytes(StandardCharsets.UTF_8));
              } catch (IOException e) {
                // the process ended early: its exit code and output tell why
                System.err.println("input not read to its end: " + e.getMessage());
              }
            },
            "feeder");
    feeder.start();
    try {
      return output(process);
    } catch (IOException e) {
      throw new IOException(command + ": " + e.getMessage(), e);
    } finally {
      feeder.join();
    }
  }
}
