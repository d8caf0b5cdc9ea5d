/**
 * Ordered logs on Multi-Raft: the public API of raft-core.
 *
 * <p>A node is a member of one Raft group per data shard and of one more for the order log. The
 * main types are {@link dev.marmot.raft.OrderedLogs} (propose, read) and {@link
 * dev.marmot.raft.RaftNode} (life cycle, leadership, calls between nodes). Entries are opaque bytes
 * here. Nothing in this package mentions the Raft library; only {@code dev.marmot.raft.ratis} does.
 */
@NullMarked
package dev.marmot.raft;

import org.jspecify.annotations.NullMarked;
