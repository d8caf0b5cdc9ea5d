package dev.marmot.sqlite.hooks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The right to be the one Marmot that writes a SQLite file, held until it is closed or the process
 * ends. Thread-safe.
 *
 * <p>It is a lock of the operating system on a file beside the database, {@code FILE-marmot.lock}:
 * never on the database itself, because closing any descriptor of it would drop SQLite's own locks.
 * The file stays behind; only the lock on it means something, so a crash leaves nothing stale.
 */
public final class DatabaseLock implements AutoCloseable {
  /** End of the name of the file. */
  public static final String SUFFIX = "-marmot.lock";

  private static final int MOST_TEXT = 200;

  // Within one process the operating system grants a second lock, and closing it drops the first.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;
  private final boolean created;

  private DatabaseLock(Path file, FileChannel channel, boolean created) {
    this.file = file;
    this.channel = channel;
    this.created = created;
  }

  /**
   * Takes the right at once, or says who has it.
   *
   * @param database need not exist yet, but its directory must
   * @param holder who takes it, for those who come in vain, as in {@code node 2}
   * @throws DatabaseFileException when somebody else has it, or the file has several names
   */
  public static DatabaseLock take(Path database, String holder) {
    try {
      Path real = canonical(database);
      removeLeftovers(real);
      refuseSeveralNames(real);
      Path file = real.resolveSibling(real.getFileName() + SUFFIX);
      if (!HELD.add(file)) {
        throw inUse(database, "this process");
      }
      DatabaseLock taken = null;
      try {
        taken = attempt(database, file, holder);
        return taken;
      } finally {
        if (taken == null) {
          HELD.remove(file);
        }
      }
    } catch (IOException e) {
      throw new DatabaseFileException(
          "cannot use %s: %s; check the path, and that this user may write its directory"
              .formatted(database, reason(e)),
          e);
    }
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException missing) {
      return "there is no directory " + missing.getFile();
    }
    return e instanceof FileSystemException && e.getMessage() != null
        ? e.getClass().getSimpleName().replace("Exception", "") + " " + e.getMessage()
        : e.toString();
  }

  /** The path without symbolic links, so that all names of a database mean the same lock. */
  private static Path canonical(Path database) throws IOException {
    Path path = database.toAbsolutePath().normalize();
    if (Files.exists(path)) {
      return path.toRealPath();
    }
    Path directory = Objects.requireNonNull(path.getParent());
    return directory.toRealPath().resolve(Objects.requireNonNull(path.getFileName()));
  }

  /**
   * SQLite keeps a WAL beside each name of a file: who opens it by another name does not see what
   * is in this one's, and destroys the file.
   */
  private static void refuseSeveralNames(Path real) throws IOException {
    if (names(real) > 1) {
      throw new DatabaseFileException(
          "cannot use %s: it has %d names (hard links), and SQLite keeps a WAL beside each, so who"
                  .formatted(real, names(real))
              + " opens it by another name would damage it; remove the other names (find -samefile),"
              + " or make a copy");
    }
  }

  private static long names(Path real) throws IOException {
    return Files.exists(real)
            && real.getFileSystem().supportedFileAttributeViews().contains("unix")
            && Files.getAttribute(real, "unix:nlink") instanceof Number names
        ? names.longValue()
        : 1;
  }

  /**
   * A file that was put in its place by a link, in the instant of a crash, has its first name yet.
   */
  private static void removeLeftovers(Path real) throws IOException {
    if (names(real) == 1) {
      return;
    }
    try (DirectoryStream<Path> leftovers =
        Files.newDirectoryStream(
            Objects.requireNonNull(real.getParent()),
            path -> name(path).startsWith(name(real) + ".") && name(path).endsWith(".new"))) {
      for (Path leftover : leftovers) {
        if (Files.isSameFile(leftover, real)) {
          Files.delete(leftover);
        }
      }
    }
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static DatabaseLock attempt(Path database, Path file, String holder) throws IOException {
    while (true) {
      Optional<Object> before = key(file);
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      boolean kept = false;
      try {
        FileLock lock = channel.tryLock();
        if (lock == null) {
          throw inUse(database, text(channel));
        }
        // A cleanup may have removed the file in between; then the lock means nothing.
        Optional<Object> now = key(file);
        if (now.isPresent() && (before.isEmpty() || now.equals(before))) {
          write(channel, "%s (process %d)".formatted(holder, ProcessHandle.current().pid()));
          kept = true;
          return new DatabaseLock(file, channel, before.isEmpty());
        }
      } finally {
        if (!kept) {
          channel.close();
        }
      }
    }
  }

  /** Which file a name means at the moment; found without opening it. */
  private static Optional<Object> key(Path file) throws IOException {
    try {
      return Optional.ofNullable(Files.readAttributes(file, BasicFileAttributes.class).fileKey());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static void write(FileChannel channel, String text) throws IOException {
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
  }

  private static @Nullable String text(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MOST_TEXT);
    int length = channel.read(bytes, 0);
    return length <= 0 ? null : new String(bytes.array(), 0, length, StandardCharsets.UTF_8);
  }

  private static DatabaseFileException inUse(Path database, @Nullable String holder) {
    return new DatabaseFileException(
        "cannot use %s: another running Marmot uses it%s; stop that one first, or give another file"
            .formatted(database, holder == null ? "" : ", " + holder));
  }

  /** Releases it and removes the file: nothing of Marmot shall stay. */
  public void remove() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new DatabaseFileException(
          "cannot remove %s: %s; remove it by hand".formatted(file, e), e);
    } finally {
      close();
    }
  }

  /** Releases it after a failure; the file goes with it when it was not there before. */
  public void undo() {
    if (created) {
      remove();
    } else {
      close();
    }
  }

  @Override
  public void close() {
    if (!channel.isOpen()) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      throw new DatabaseFileException("cannot release %s: %s".formatted(file, e), e);
    } finally {
      HELD.remove(file);
    }
  }
}
