package dev.marmot.sqlite;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/**
 * What the file system refused, in words for operators: its own exceptions often carry nothing but
 * the path. Pure functions.
 */
public final class FileFaults {
  private FileFaults() {}

  /** Why, with the path. */
  public static String reason(IOException failure) {
    if (failure instanceof FileSystemException fault) {
      return fault.getFile() + ": " + bare(fault);
    }
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /** Why, with the path, and what to do. */
  public static String advice(IOException failure) {
    return reason(failure) + "; " + remedy(failure);
  }

  private static String bare(FileSystemException fault) {
    if (fault instanceof AccessDeniedException) {
      return "permission denied";
    } else if (fault instanceof NoSuchFileException) {
      return "no such file or directory";
    } else if (fault instanceof FileAlreadyExistsException) {
      return "it exists, and is not what is needed here";
    } else if (fault instanceof DirectoryNotEmptyException) {
      return "the directory is not empty";
    } else if (fault instanceof NotDirectoryException) {
      return "not a directory";
    }
    return fault.getReason() == null
        ? "refused (" + fault.getClass().getSimpleName() + ")"
        : fault.getReason();
  }

  private static String remedy(IOException failure) {
    if (failure instanceof AccessDeniedException) {
      return "give this user the right to read and write there, or give another path";
    }
    String reason =
        failure instanceof FileSystemException fault && fault.getReason() != null
            ? fault.getReason()
            : String.valueOf(failure.getMessage());
    if (reason.contains("No space left") || reason.contains("quota")) {
      return "make room on that disk, then try again";
    }
    if (reason.contains("Read-only file system")) {
      return "mount it for writing, or give another path";
    }
    return "check the path";
  }
}
