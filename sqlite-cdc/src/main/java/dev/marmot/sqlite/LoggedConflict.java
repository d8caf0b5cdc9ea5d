package dev.marmot.sqlite;

/**
 * An entry of the conflict log. Immutable.
 *
 * @param id ascends by one in the order of the log
 * @param timeMillis when this node noted it, since 1970
 */
public record LoggedConflict(long id, long timeMillis, Conflict conflict) {}
