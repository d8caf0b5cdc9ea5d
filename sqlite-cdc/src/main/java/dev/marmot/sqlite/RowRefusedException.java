package dev.marmot.sqlite;

/**
 * SQLite refused one row, such as one for which an index that only this file has cannot be
 * computed. The statement is undone, the transaction goes on.
 */
public final class RowRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * @param what completes "cannot ..."
   * @param reason SQLite's own words
   */
  public RowRefusedException(String what, String reason, Throwable cause) {
    super("cannot " + what + ": " + reason, cause);
    this.reason = reason;
  }

  /** SQLite's own words. */
  public String reason() {
    return reason;
  }
}
