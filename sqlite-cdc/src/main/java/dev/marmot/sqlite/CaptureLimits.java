package dev.marmot.sqlite;

/**
 * The size up to which a change set stays whole. Immutable.
 *
 * @param rows most rows of one change set
 * @param bytes most bytes of values of one change set, uncompressed; one row may exceed it
 */
public record CaptureLimits(int rows, long bytes) {}
