package dev.marmot.node.simulation;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** How often what was meant to happen in the simulation did happen. Confined to one thread. */
final class Coverage {
  /** What a run must have met to say anything. */
  enum Event {
    STEPS,
    LOCAL_TRANSACTIONS,
    LOCAL_WRITES,
    KEY_CHANGES,
    NO_OPS_WITH_NOTES,
    DISPLACED_LOCALLY,
    CAPTURES,
    SPLIT_CAPTURES,
    CHUNKS,
    MULTI_CHUNK_CHANGE_SETS,
    INLINE_RECORDS,
    FENCES,
    RECORDS_BY_OTHERS,
    MERGED_ENTRIES,
    RAFT_ENTRIES,
    ACCEPTED,
    GAPS,
    DUPLICATES,
    DEAD_RECORDS,
    EPOCHS,
    SUSPICIONS,
    REOPENED_EPOCHS,
    REMOVALS,
    PROPOSALS_LOST,
    PROPOSALS_REFUSED,
    COMMITTED_TWICE,
    COMMITTED_AFTER_TIME_OUT,
    REPLIES_LOST,
    REPLIES_LATE,
    ELECTIONS,
    TRUNCATED_ENTRIES,
    BROKEN_CONNECTIONS,
    LOST_ENTRIES,
    LEADERLESS_LOGS,
    CUT_OFF_NODES,
    STALLED_COPIES,
    APPLY_TRANSACTIONS,
    BATCHES,
    WAITS_FOR_CHUNKS,
    OWN_ECHOES,
    SKIPPED,
    PARKED,
    CONFLICTS,
    CONFLICTS_LEARNED,
    CONFLICTS_NOBODY_KNOWS,
    LOST,
    DISPLACED_BY_APPLY,
    WINDOW_OVERFLOWS,
    CRASHES,
    KILLED_INSIDE,
    FAILED_CALLS,
    INTERLEAVED_THREADS,
    POWER_LOSSES,
    LOST_COMMITS,
    LOST_FILES,
    FILES_SET_BACK,
    LOST_LOG_COPIES,
    SET_BACK,
    SET_BACK_NOTICED,
    RESTARTS,
    DEAD_NODES,
    PURGES,
    FLOORS_MET,
    SKIPS,
    SKIPS_BEFORE_STATE,
    SNAPSHOTS_NEEDED,
    WITHOUT_DONOR,
    DONATIONS,
    DONATIONS_WITH_TAIL,
    DONATIONS_GIVEN_UP,
    INSTALLS,
    INSTALLS_OVER_PENDING,
    INSTALLS_THAT_PARK,
    INSTALLS_THAT_SKIP,
    EXPIRED_EPOCHS,
    STRAY_ENTRIES,
    RECORDS_OF_NOBODY,
    REOPENED_COPIES
  }

  private final Map<Event, Long> counts = new EnumMap<>(Event.class);

  void count(Event event) {
    count(event, 1);
  }

  void count(Event event, long times) {
    counts.merge(event, times, Long::sum);
  }

  long of(Event event) {
    return counts.getOrDefault(event, 0L);
  }

  void add(Coverage other) {
    other.counts.forEach(this::count);
  }

  /** Events that never happened. */
  List<Event> missing() {
    return Arrays.stream(Event.values()).filter(event -> of(event) == 0).toList();
  }

  @Override
  public String toString() {
    return Arrays.stream(Event.values())
        .map(
            event ->
                "%s %,d"
                    .formatted(event.name().toLowerCase(Locale.ROOT).replace('_', ' '), of(event)))
        .collect(Collectors.joining("\n"));
  }
}
