package dev.marmot.sqlite.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Another process, with another SQLite and without a busy timeout: the sqlite3 shell. */
final class Shell {
  private Shell() {}

  /** What it prints, errors too. */
  static String run(Path file, String sql) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sqlite3", "-batch", file.toString(), sql)
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return out.strip();
  }
}
