package dev.marmot.sqlite;

/**
 * The SQLite file was set back to an older copy while it was open: `.restore`, the backup API, or
 * bytes that were copied over it. Nothing was applied or captured since; going on would take new
 * writes of the application for those that were sent already.
 */
public final class FileSetBackException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FileSetBackException(String message) {
    super(message);
  }
}
