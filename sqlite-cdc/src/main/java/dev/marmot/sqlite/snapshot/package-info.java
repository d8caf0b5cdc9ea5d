/**
 * Backups: snapshots as ordinary SQLite files that anybody may keep, read and restore.
 *
 * <p>{@link dev.marmot.sqlite.snapshot.SnapshotFile} writes, inspects and restores them. It works
 * on files that no store has open. How snapshots are made of a live file, and installed in one, is
 * in {@code dev.marmot.sqlite.store}.
 */
@NullMarked
package dev.marmot.sqlite.snapshot;

import org.jspecify.annotations.NullMarked;
