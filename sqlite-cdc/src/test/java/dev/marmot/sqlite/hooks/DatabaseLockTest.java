package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One Marmot per file, by whatever name; nothing stale after a crash. */
class DatabaseLockTest {
  @TempDir private Path directory;

  private Path file(String name) throws IOException {
    return Files.createFile(directory.resolve(name));
  }

  private static void assertRefused(Path database, String holder) {
    assertThatThrownBy(() -> DatabaseLock.take(database, "node 2"))
        .isInstanceOf(DatabaseFileException.class)
        .hasMessageContaining("cannot use " + database + ": another running Marmot uses it")
        .hasMessageContaining(holder)
        .hasMessageContaining("stop that one first");
  }

  @Test
  void heldByItsPathAndByLinks_untilItIsClosed() throws IOException {
    Path file = file("app.db");
    Path link = Files.createSymbolicLink(directory.resolve("link.db"), file);
    Path elsewhere =
        Files.createSymbolicLink(
            Files.createDirectories(directory.resolve("sub")).resolve("dir"), directory);
    try (DatabaseLock held = DatabaseLock.take(file, "node 1")) {
      assertThat(held).isNotNull();
      assertRefused(file, "this process");
      assertRefused(link, "this process");
      assertRefused(elsewhere.resolve("app.db"), "this process");
      assertRefused(file, "this process"); // still held after those attempts
    }
    DatabaseLock.take(link, "node 1").close();
    assertThat(directory.resolve("app.db-marmot.lock")).exists();
  }

  @Test
  void hardLinks_areRefused() throws IOException {
    Path file = file("app.db");
    Path link = Files.createLink(directory.resolve("same.db"), file);
    assertThatThrownBy(() -> DatabaseLock.take(link, "node 1"))
        .hasMessageContaining("it has 2 names (hard links)")
        .hasMessageContaining("remove the other names");
    Files.delete(link);
    Path leftover = Files.createLink(directory.resolve("app.db.1-2.new"), file);
    DatabaseLock.take(file, "node 1").close();
    assertThat(leftover).doesNotExist();
  }

  @Test
  void aFailureLeavesNothing_aCleanupRemovesIt() throws IOException {
    Path coming = directory.resolve("not yet.db");
    Path lock = directory.resolve("not yet.db-marmot.lock");
    DatabaseLock.take(coming, "node 1").undo();
    assertThat(lock).doesNotExist();
    DatabaseLock.take(coming, "node 1").close();
    DatabaseLock.take(coming, "node 1").undo();
    assertThat(lock).as("was there before").exists();
    DatabaseLock.take(coming, "cleanup").remove();
    assertThat(lock).doesNotExist();
    assertThatThrownBy(() -> DatabaseLock.take(directory.resolve("no/app.db"), "node 1"))
        .hasMessageContaining("there is no directory");
    assertThat(directory.resolve("no")).doesNotExist();
  }

  /** Takes the lock in the name of another process, and is killed. */
  @Test
  void anotherProcessIsNamed_andNothingIsLeftWhenItDies() throws Exception {
    Path file = file("app.db");
    Process other =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said = other.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("held");
      assertRefused(file, "node 7 (process " + other.pid() + ")");
    } finally {
      other.destroyForcibly();
    }
    assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
    DatabaseLock.take(file, "node 1").close();
  }

  /** The other process. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (DatabaseLock held = DatabaseLock.take(Path.of(args[0]), "node 7")) {
        System.out.println(held == null ? "not held" : "held");
        var unused = System.in.read(); // until it is killed
      }
    }
  }
}
