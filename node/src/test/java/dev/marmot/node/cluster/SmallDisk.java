package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Puts the directory of a stopped node on a small file system of its own, which can be filled. */
final class SmallDisk implements AutoCloseable {
  private final Path directory;

  private SmallDisk(Path directory) {
    this.directory = directory;
  }

  /** Empty where this process may not mount anything. */
  static Optional<SmallDisk> under(Path directory, int mebibytes) throws IOException {
    Path aside = aside(directory);
    assertThat(run("cp", "-a", directory, aside)).isZero();
    if (run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", directory) != 0) {
      return Optional.empty();
    }
    assertThat(run("cp", "-a", aside + "/.", directory)).isZero();
    assertThat(run("rm", "-r", aside)).isZero();
    return Optional.of(new SmallDisk(directory));
  }

  private static Path aside(Path directory) {
    return directory.resolveSibling(directory.getFileName() + "-aside");
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
    Files.deleteIfExists(filler());
  }

  private Path filler() {
    return directory.resolve("filler");
  }

  /** Back to the disk that was there before; the node is stopped. */
  @Override
  public void close() throws IOException {
    free();
    Path aside = aside(directory);
    assertThat(run("cp", "-a", directory, aside)).isZero();
    assertThat(run("umount", directory)).isZero();
    // What was there before must not come back: a raft log would have its old files beside the new.
    assertThat(run("rm", "-r", directory)).isZero();
    assertThat(run("mv", aside, directory)).isZero();
  }
}
