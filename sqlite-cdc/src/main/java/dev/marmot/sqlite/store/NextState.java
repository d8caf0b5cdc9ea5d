package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.HashMap;
import java.util.Map;

/** The state that an apply transaction leaves when it commits. Confined to the applier thread. */
final class NextState {
  final ReplicaState before;
  final Map<Integer, LastApplied> last;
  final Map<Integer, Long> minEpoch;
  long term;
  long position;
  long windowStart;

  NextState(ReplicaState before) {
    this.before = before;
    this.last = new HashMap<>(before.last());
    this.minEpoch = new HashMap<>(before.minEpoch());
    this.term = before.term();
    this.position = before.position();
    this.windowStart = before.windowStart();
  }

  ReplicaState toState() {
    return new ReplicaState(
        term, position, before.file(), before.schemaVersion(), last, minEpoch, windowStart);
  }
}
