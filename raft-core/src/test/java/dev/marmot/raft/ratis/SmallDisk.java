package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system of its own for a directory, which can be filled. Confined to the test thread. */
final class SmallDisk implements AutoCloseable {
  private final Path directory;

  private SmallDisk(Path directory) {
    this.directory = directory;
  }

  /** The test is skipped, and says so, where this process may not mount anything. */
  static SmallDisk mount(Path directory, int mebibytes) throws IOException {
    Files.createDirectories(directory);
    int failed = run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", directory);
    assumeTrue(failed == 0, "may not mount a tmpfs: run as root to test a full disk");
    return new SmallDisk(directory);
  }

  private static int run(Object... command) throws IOException {
    String[] words = new String[command.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = command[i].toString();
    }
    return new ProcessBuilder(words).inheritIO().start().onExit().join().exitValue();
  }

  /** Takes everything that is free. */
  void fill() throws IOException {
    try (OutputStream filler = Files.newOutputStream(filler())) {
      byte[] block = new byte[4096];
      while (true) {
        filler.write(block);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left on device");
    }
  }

  void free() throws IOException {
    Files.delete(filler());
  }

  private Path filler() {
    return directory.resolve("filler");
  }

  @Override
  public void close() throws IOException {
    assertThat(run("umount", directory)).isZero();
  }
}
