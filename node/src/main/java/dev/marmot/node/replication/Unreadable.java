package dev.marmot.node.replication;

import dev.marmot.raft.LogId;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The entries that were passed over because they are none, since the start. Thread-safe. */
public final class Unreadable {
  private static final Logger logger = LoggerFactory.getLogger(Unreadable.class);

  private record Place(LogId log, long index) {}

  private final Set<Place> places = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Place last;

  /** Such an entry was met; one that is met again counts once. */
  void met(LogId log, long index) {
    Place place = new Place(log, index);
    if (places.add(place)) {
      last = place;
      logger
          .atWarn()
          .addKeyValue("log", log)
          .addKeyValue("index", index)
          .log("passing over an entry that no node of this version wrote");
    }
  }

  /** For the operator; empty when there were none. */
  public Optional<String> warning() {
    Place newest = last;
    return newest == null
        ? Optional.empty()
        : Optional.of(
            "%d entries of the raft logs cannot be read and are passed over, here as on every node; the newest is entry %d of %s: find out what wrote to the raft port"
                .formatted(places.size(), newest.index(), newest.log()));
  }
}
