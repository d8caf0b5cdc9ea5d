package dev.marmot.sqlite.hooks;

/**
 * The SQLite file cannot be used as it is. The message says why and what to do; trying again is
 * safe, and helps once that is done.
 */
public final class DatabaseFileException extends RuntimeException {
  public DatabaseFileException(String message) {
    super(message);
  }

  public DatabaseFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
