package dev.marmot.sqlite.store;

/**
 * What a start compares with what the node remembers elsewhere, to find out that the file is
 * another one or an older one. Immutable.
 *
 * @param file identity of the file
 * @param position position at which it stands
 * @param newestSeq newest change log row; a file that has sent more than it has is an older copy
 * @param mustInstall its rows are not those of its position: a snapshot must be installed
 */
public record StoreFacts(long file, long position, long newestSeq, boolean mustInstall) {}
