package dev.marmot.sqlite;

/**
 * A row of this file that is too large to be sent. Immutable.
 *
 * @param key the row without its values
 * @param bytes its size when it was last looked at
 * @param sinceMillis when it was
 */
public record HeldBackRow(RowImage key, long bytes, long sinceMillis) {}
