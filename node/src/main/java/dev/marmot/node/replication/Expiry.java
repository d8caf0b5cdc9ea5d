package dev.marmot.node.replication;

import dev.marmot.proto.v1.Epoch;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds origins that left chunks behind and make no progress: nobody can purge below those chunks.
 * Ending the origin's epoch makes them dead; should the origin live, it opens another epoch and
 * sends its rows again (protocol.md §1, "Expiry"). Confined to the origin's thread.
 */
public final class Expiry {
  private final int self;
  private final long patienceMillis;
  private final Map<Integer, Sighting> sightings = new HashMap<>();

  /** How an origin looked, and since when. */
  private record Sighting(int openChunks, LastApplied last, long minEpoch, long since) {
    boolean sameAs(Sighting other) {
      return openChunks == other.openChunks
          && minEpoch == other.minEpoch
          && last.equals(other.last);
    }
  }

  /**
   * @param patience how long an origin may make no progress
   */
  public Expiry(int self, Duration patience) {
    this.self = self;
    this.patienceMillis = patience.toMillis();
  }

  /**
   * The epochs to end now.
   *
   * @param openChunks chunks that are not settled in this state, of each origin that has any
   * @param now milliseconds of a clock that never goes back
   */
  public List<Epoch> due(Map<Integer, Integer> openChunks, ReplicaState state, long now) {
    sightings.keySet().retainAll(openChunks.keySet());
    List<Epoch> due = new ArrayList<>();
    openChunks.forEach(
        (origin, open) -> {
          Sighting seen = new Sighting(open, state.lastOf(origin), state.minEpochOf(origin), now);
          Sighting before = sightings.get(origin);
          if (before == null || !before.sameAs(seen)) {
            sightings.put(origin, seen);
          } else if (origin != self && now - before.since() >= patienceMillis) {
            sightings.put(origin, seen); // patience begins again
            long ending = EpochNumber.ending(seen.minEpoch());
            due.add(Epoch.newBuilder().setOrigin(origin).setEpoch(ending).build());
          }
        });
    return due;
  }
}
