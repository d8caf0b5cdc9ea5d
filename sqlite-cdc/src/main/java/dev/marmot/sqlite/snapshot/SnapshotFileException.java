package dev.marmot.sqlite.snapshot;

import org.jspecify.annotations.Nullable;

/** A snapshot file cannot be written, or is not what it should be. Nothing was changed. */
public final class SnapshotFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SnapshotFileException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
