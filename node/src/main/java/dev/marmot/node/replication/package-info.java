/**
 * The replication protocol: origin, order log, applier.
 *
 * <p>A row travels hook → change log → {@link dev.marmot.node.replication.Origin} (capture, change
 * set, chunks to the data shards, record to the order log) → {@link
 * dev.marmot.node.replication.Applier} (walks the order log, judges, finds the chunks) → {@link
 * dev.marmot.node.replication.RowRules} (what to do with each row) → row. Written against {@link
 * dev.marmot.raft.OrderedLogs} and {@link dev.marmot.sqlite.ReplicaStore} only, so that the
 * simulation runs the same code. The rules are those of docs/replication.md.
 *
 * <p>Threads: the origin and the applier are each confined to a thread of their own; {@link
 * dev.marmot.node.replication.ChunkIndex} is shared and thread-safe.
 */
@NullMarked
package dev.marmot.node.replication;

import org.jspecify.annotations.NullMarked;
