package dev.marmot.node.cli;

import dev.marmot.node.control.ProtoJson;
import dev.marmot.sqlite.FileFaults;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;

/**
 * A command that was not done: what the process ends with, and what the operator reads. Immutable.
 */
record Failure(ExitCode code, String message) {
  /**
   * What became of a command.
   *
   * @param command as in {@code marmot status}
   */
  static Failure of(String command, Throwable thrown) {
    return new Failure(ExitCode.of(thrown), message(command, thrown));
  }

  private static String message(String command, Throwable thrown) {
    IOException file = thrown instanceof IOException io ? io : null;
    if (thrown instanceof UncheckedIOException unchecked) {
      file = unchecked.getCause();
    }
    String message = String.valueOf(thrown.getMessage());
    if (message.startsWith("cannot ") || (file == null && thrown.getMessage() != null)) {
      return message;
    }
    return "cannot do `%s`: ".formatted(command)
        + (file != null
            ? FileFaults.advice(file)
            : thrown + "; this is an error in Marmot: report it with what --verbose says");
  }

  /** As text, or on one line as JSON: {@code {"error":{"code":3,"kind":...,"message":...}}}. */
  void print(PrintWriter err, boolean json) {
    if (json) {
      err.println(ProtoJson.failure(code.number(), code.name(), message));
    } else {
      message.lines().forEach(text -> err.println("marmot: " + text));
    }
  }
}
