package dev.marmot.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

class FileFaultsTest {
  @Test
  void advice_saysWhatWhyAndWhatToDo() {
    assertThat(FileFaults.advice(new AccessDeniedException("/data/a.db-raft")))
        .isEqualTo(
            "/data/a.db-raft: permission denied; give this user the right to read and write there,"
                + " or give another path");
    assertThat(FileFaults.advice(new NoSuchFileException("/data/x")))
        .isEqualTo("/data/x: no such file or directory; check the path");
    assertThat(FileFaults.advice(new NotDirectoryException("/data/x")))
        .isEqualTo("/data/x: not a directory; check the path");
    assertThat(FileFaults.advice(new FileAlreadyExistsException("/data/x")))
        .startsWith("/data/x: it exists, and is not");
    assertThat(FileFaults.advice(new DirectoryNotEmptyException("/data/x")))
        .startsWith("/data/x: the directory is not empty");
    assertThat(FileFaults.advice(new FileSystemException("/x", null, "Read-only file system")))
        .isEqualTo("/x: Read-only file system; mount it for writing, or give another path");
    assertThat(FileFaults.advice(new FileSystemException("/x", null, "No space left on device")))
        .isEqualTo("/x: No space left on device; make room on that disk, then try again");
    assertThat(FileFaults.advice(new IOException("No space left on device")))
        .isEqualTo("No space left on device; make room on that disk, then try again");
    assertThat(FileFaults.reason(new FileSystemException("/x"))).startsWith("/x: refused (");
    assertThat(FileFaults.reason(new IOException("other"))).isEqualTo("other");
  }
}
