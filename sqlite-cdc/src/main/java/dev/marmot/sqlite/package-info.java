/**
 * Everything that touches a SQLite file: schema, hooks, capture, apply, bookkeeping.
 *
 * <p>The public face is {@link dev.marmot.sqlite.ReplicaStore}, one of the two interfaces against
 * which the replication protocol is written. Only this module opens SQLite files, and only through
 * SQLite.
 */
@NullMarked
package dev.marmot.sqlite;

import org.jspecify.annotations.NullMarked;
