/**
 * The production {@link dev.marmot.sqlite.ReplicaStore}: capture, apply and bookkeeping on a SQLite
 * file that an application is using.
 *
 * <p>Main type: {@link dev.marmot.sqlite.store.SqliteReplicaStore}. It holds three connections,
 * each confined to one thread or lock: the write connection (applier thread), the capture
 * connection (origin thread) and the status connection (any thread, under the store's lock). Only
 * SQLite opens the database and {@code -shm} files: closing any other descriptor of them would drop
 * SQLite's locks. The {@code -wal} file is opened for fsync only.
 */
@NullMarked
package dev.marmot.sqlite.store;

import org.jspecify.annotations.NullMarked;
