package dev.marmot.sqlite.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Makes what is committed survive a power loss. Confined to its caller's lock.
 *
 * <p>Why an fsync of the {@code -wal} file is enough, and opening the database file is not needed
 * (it must not be: closing it would drop SQLite's locks). A committed frame is in the WAL until a
 * checkpoint has copied it. With {@code synchronous} NORMAL or FULL the checkpointer, whichever
 * connection it is, syncs the WAL, writes the pages, syncs the database file, and only then lets
 * the WAL be restarted, truncated or deleted (sqlite.org/wal.html, walCheckpoint and
 * walRestartHdr). So at any moment each commit is either in the present WAL file, which is synced
 * here, or was made durable in the database file before its frame could go away. A missing or empty
 * WAL file means that all is in the database file. A restart between a read of the frame and this
 * sync changes nothing: it too is preceded by the sync of the database file. An application with
 * {@code synchronous=OFF} gives this up, for itself and for what it checkpoints.
 *
 * <p>A new WAL file also needs its directory entry: SQLite syncs the directory only at its own
 * first sync of the file, so the first time a file is met, the directory is synced here.
 */
final class WalSync {
  private final Path wal;
  private @Nullable Object known;

  WalSync(Path wal) {
    this.wal = wal;
  }

  void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(wal, StandardOpenOption.WRITE)) {
      channel.force(true);
    } catch (NoSuchFileException e) {
      return;
    }
    Object file = Files.readAttributes(wal, BasicFileAttributes.class).fileKey();
    if (file != null && !file.equals(known)) {
      force(wal.toAbsolutePath().resolveSibling(""));
      known = file;
    }
  }

  /**
   * Makes a directory's entries durable, or the content of a file that SQLite does not have open in
   * this process.
   */
  static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
