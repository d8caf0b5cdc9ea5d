package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.RaftMessage.Entry;
import dev.marmot.raft.LogId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.ObjLongConsumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The raft groups of all logs. Confined to the simulation's thread. */
final class RaftGroups {
  /** Told what becomes of entries that were proposed. */
  interface Proposers {
    void committed(int log, long term, long index);

    void lostLead(int log, int node);
  }

  private final List<RaftGroup> groups = new ArrayList<>();
  private final Coverage coverage;
  private @Nullable Proposers proposers;

  /**
   * @param ordered sees each entry of the order log when it is committed, with its index
   * @param stored sees each entry of a data shard when it is committed
   */
  RaftGroups(
      World world, ObjLongConsumer<@Nullable ByteString> ordered, Consumer<ByteString> stored) {
    this.coverage = world.coverage();
    RaftGroup.Observer observer =
        new RaftGroup.Observer() {
          @Override
          public void committed(int log, long index, Entry entry) {
            if (log == LogId.ORDER.number()) {
              ordered.accept(entry.bytes(), index);
            } else if (entry.bytes() != null) {
              stored.accept(entry.bytes());
            }
            if (proposers != null) {
              proposers.committed(log, entry.term(), index);
            }
          }

          @Override
          public void lostLead(int log, int node) {
            if (proposers != null) {
              proposers.lostLead(log, node);
            }
          }

          @Override
          public void happened(Event event) {
            coverage.count(event);
          }
        };
    for (int log = 0; log <= world.setup().shards(); log++) {
      groups.add(new RaftGroup(log, world.setup().nodes(), world, observer));
    }
  }

  void tell(Proposers those) {
    proposers = those;
  }

  int shards() {
    return groups.size() - 1;
  }

  int logs() {
    return groups.size();
  }

  RaftGroup log(int log) {
    return groups.get(log);
  }

  /** Something happens in one of the groups. */
  void step(RandomGenerator random) {
    groups.get(random.nextInt(groups.size())).step(random);
  }

  /** Everything that can arrive does, in all groups. */
  void settle(IntFunction<IntPredicate> mayLead) {
    groups.forEach(group -> group.settle(mayLead.apply(group.log())));
  }

  void started(int node, RandomGenerator random) {
    groups.forEach(group -> group.copy(node).start(random));
  }

  void stopped(int node) {
    groups.forEach(group -> group.stopped(node));
  }

  void lostPower(int node, RandomGenerator random) {
    groups.forEach(
        group -> {
          boolean some = group.copy(node).losePower(random);
          coverage.count(Event.LOST_ENTRIES, some ? 1 : 0);
        });
  }

  void lost(int node) {
    groups.forEach(group -> group.lost(node));
  }
}
