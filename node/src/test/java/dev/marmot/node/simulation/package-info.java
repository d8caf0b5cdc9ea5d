/**
 * The replication protocol under a deterministic simulation: one thread, one seed.
 *
 * <p>{@link dev.marmot.node.simulation.Simulation} runs the production origin and applier of
 * several nodes against {@link dev.marmot.node.simulation.SimulatedLogs} and {@link
 * dev.marmot.node.simulation.MemoryReplicaStore}, which lose, delay, repeat and reorder what real
 * logs and disks may lose, delay, repeat and reorder. After every commit of an apply transaction
 * {@link dev.marmot.node.simulation.StateChecker} compares the node with {@link
 * dev.marmot.node.simulation.OrderReference}, which is what the order log says; at the end {@link
 * dev.marmot.node.simulation.WriteLedger} looks for writes that were lost silently.
 *
 * <p>Everything here is confined to the thread that runs one simulation.
 */
@NullMarked
package dev.marmot.node.simulation;

import org.jspecify.annotations.NullMarked;
