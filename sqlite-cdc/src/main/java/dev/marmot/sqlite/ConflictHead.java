package dev.marmot.sqlite;

/**
 * What tells an entry of the conflict log from all others, on every node. Immutable.
 *
 * @param id of the entry in the log that it was read from
 */
public record ConflictHead(long id, long position, RowKey key, String reason, int losingOrigin) {}
