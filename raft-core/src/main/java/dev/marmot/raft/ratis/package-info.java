/**
 * The ordered logs on Apache Ratis: the only package that knows this library.
 *
 * <p>Main type: {@link dev.marmot.raft.ratis.RatisNode}. Each log is one Ratis group; its state
 * machine hands committed entries to the listener and completes at once. Calls between nodes share
 * the port of Ratis: one stream per pair of nodes and direction. Ratis and gRPC threads only hand
 * over; retries, timeouts and balancing run on the node's one timer thread.
 */
@NullMarked
package dev.marmot.raft.ratis;

import org.jspecify.annotations.NullMarked;
