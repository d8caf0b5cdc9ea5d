package org.apache.ratis.util;

import java.io.File;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Takes the place of the class of this name in Ratis 3.3.0, which writes the files that say in
 * which term a member voted for whom, and who the members are. Confined to one thread.
 *
 * <p>Ratis' own class replaces the file when it is closed, also after a write that failed: on a
 * full disk an empty file took the place of the last vote. Nor does it sync the directory, so that
 * a vote that was given could be gone after a power loss, and be given again. Ratis has no other
 * place where this could be mended. {@code RatisServers} refuses to start with the wrong one.
 */
public final class AtomicFileOutputStream extends FilterOutputStream {
  public static final String TMP_EXTENSION = ".tmp";

  private final Path file;
  private final Path temporary;
  private final FileChannel channel;
  private boolean failed;
  private boolean closed;

  /** What is written replaces the file when this is closed. */
  public AtomicFileOutputStream(File file) throws IOException {
    this(file.toPath().toAbsolutePath(), getTemporaryFile(file).toPath().toAbsolutePath());
  }

  private AtomicFileOutputStream(Path file, Path temporary) throws IOException {
    this(
        file,
        temporary,
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE));
  }

  private AtomicFileOutputStream(Path file, Path temporary, FileChannel channel) {
    super(Channels.newOutputStream(channel));
    this.file = file;
    this.temporary = temporary;
    this.channel = channel;
  }

  /** Where the content of a file is written first. */
  public static File getTemporaryFile(File file) {
    return new File(file.getParentFile(), file.getName() + TMP_EXTENSION);
  }

  /** Only this class has it: whoever calls it finds out whether Ratis uses this one. */
  public static boolean keepsFileAfterFailedWrite() {
    return true;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int count) throws IOException {
    if (failed) {
      throw new IOException("cannot write " + file + ": an earlier write of it failed");
    }
    failed = true;
    out.write(bytes, from, count);
    failed = false;
  }

  /** The file is replaced and on disk when this returns, or it is what it was. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    boolean complete = false;
    try (channel) {
      if (!failed) {
        channel.force(true);
        complete = true;
      }
    } finally {
      if (!complete) {
        Files.deleteIfExists(temporary);
      }
    }
    if (complete) {
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel directory = FileChannel.open(parent(), StandardOpenOption.READ)) {
        directory.force(true);
      }
    }
  }

  private Path parent() throws IOException {
    Path parent = file.getParent();
    if (parent == null) {
      throw new IOException("cannot sync the directory of " + file + ": it has none");
    }
    return parent;
  }
}
