/**
 * Which node should lead which raft log: pure decisions, without threads and without Raft.
 *
 * <p>{@link dev.marmot.raft.shard.Placement} computes moves, {@link
 * dev.marmot.raft.shard.LeaderBalancer} decides when they are due.
 */
@NullMarked
package dev.marmot.raft.shard;

import org.jspecify.annotations.NullMarked;
