package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.HashMap;
import java.util.Map;

/**
 * What the order log has decided up to some entry: the newest change set and the lowest live epoch
 * of each origin. A mutable copy that runs ahead of the committed state while entries are planned;
 * confined to the applier thread.
 */
final class OrderState {
  private final Map<Integer, LastApplied> last;
  private final Map<Integer, Long> minEpoch;
  private final ProtocolRules rules;

  OrderState(ReplicaState committed, ProtocolRules rules) {
    last = new HashMap<>(committed.last());
    minEpoch = new HashMap<>(committed.minEpoch());
    this.rules = rules;
  }

  /** Acceptance: a function of the order log alone. */
  Verdict judge(ChangeSetId id) {
    if (minEpoch(id.origin()) == 0 && rules.keep(Rule.RECORDS_OF_MEMBERS)) {
      return Verdict.NOBODY;
    }
    if (id.epoch() < minEpoch(id.origin()) && rules.keep(Rule.OLD_EPOCHS_ARE_DEAD)) {
      return Verdict.DEAD;
    }
    LastApplied applied = last(id.origin());
    if (covers(applied, id)) {
      return rules.keep(Rule.EACH_ONCE) ? Verdict.DUPLICATE : Verdict.ACCEPTED;
    }
    long previous = applied.epoch() == id.epoch() ? applied.number() : 0;
    boolean follows = id.number() == previous + 1 || !rules.keep(Rule.NO_GAPS);
    return follows ? Verdict.ACCEPTED : Verdict.GAP;
  }

  /** What judging needs of it; its base is none of that. */
  void accept(ChangeSetId id, long maxSeq, long file) {
    last.put(id.origin(), new LastApplied(id.epoch(), id.number(), maxSeq, file, -1));
  }

  /** Returns the origin's lowest live epoch after an Epoch item. */
  long openEpoch(int origin, long epoch) {
    return minEpoch.merge(origin, epoch, Math::max);
  }

  LastApplied last(int origin) {
    return last.getOrDefault(origin, LastApplied.NONE);
  }

  private long minEpoch(int origin) {
    return minEpoch.getOrDefault(origin, 0L);
  }

  /** Whether a change set is consumed or dead: its chunks are of no more use. */
  static boolean settled(ReplicaState state, ChangeSetId id) {
    return id.epoch() < state.minEpochOf(id.origin()) || covers(state.lastOf(id.origin()), id);
  }

  /** Whether this or a later change set of the origin is applied. */
  static boolean covers(LastApplied applied, ChangeSetId id) {
    return id.epoch() < applied.epoch()
        || (id.epoch() == applied.epoch() && id.number() <= applied.number());
  }
}
