package dev.marmot.node.replication;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ApplyTransaction.Parked;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.RowRefusedException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What an accepted change set does to the rows of this node (protocol.md §1, "Apply"). Works on the
 * primitives of one apply transaction; confined to the applier thread.
 *
 * <p>The images of a change set are one consistent state, so they never collide with each other.
 * They are applied in three passes: first every image is compared with what it replaces, then the
 * rows that go or change their unique values make room, then the images are written. Otherwise two
 * rows that swap a unique value would displace each other.
 */
final class RowRules {
  private final ApplyTransaction tx;
  private final WriterWindow window;
  private final int self;
  private final long file;
  private final ProtocolRules rules;

  RowRules(ApplyTransaction tx, WriterWindow window, int self, long file, ProtocolRules rules) {
    this.tx = tx;
    this.window = window;
    this.self = self;
    this.file = file;
    this.rules = rules;
  }

  /** Applies the rows of one accepted change set at its position. */
  void apply(ChangeSet changes, long position, int slot) {
    boolean own =
        changes.origin() == self && (changes.file() == file || !rules.keep(Rule.FILE_IDENTITY));
    List<Step> steps = new ArrayList<>(changes.rows().size());
    for (RowImage image : changes.rows()) {
      steps.add(compare(changes, own, image, position));
    }
    long[] hashes = changes.rows().stream().mapToLong(RowImage::keyHash).toArray();
    WriterEntry writer = new WriterEntry(position, slot, changes.origin(), changes.file(), hashes);
    window.add(writer);
    tx.addWriters(writer);
    List<Step> left = new ArrayList<>(steps.size());
    for (Step step : steps) {
      if (judged(step, changes.origin(), () -> makeRoom(step))) {
        left.add(step);
      }
    }
    left.sort(Comparator.comparing(step -> tx.isWrittenLast(step.image().table())));
    for (Step step : left) {
      judged(step, changes.origin(), () -> write(changes, step, position));
    }
  }

  /**
   * Does a part of what an image needs. Where SQLite refuses it, the image is held, unless a local
   * row stands in its place anyway.
   *
   * @return false when it was refused
   */
  @CanIgnoreReturnValue
  private boolean judged(Step step, int origin, Runnable part) {
    try {
      part.run();
      return true;
    } catch (RowRefusedException e) {
      if (!step.pending() && !step.unchanged()) {
        tx.hold(step.image(), origin, e.reason());
      }
      return false;
    }
  }

  /** Rules 1 and 2: settles the key, and keeps a stored row that loses without having been seen. */
  private Step compare(ChangeSet changes, boolean own, RowImage image, long position) {
    RowKey key = tx.key(image);
    OptionalLong newest = tx.pendingSeq(key);
    boolean wasPending = newest.isPresent();
    boolean pending = wasPending && !settles(changes, own, key, newest.getAsLong());
    WriterEntry writer = window.lastWriter(image.keyHash());
    boolean over = image.over() && rules.keep(Rule.OVER);
    boolean unseen =
        writer == null
            ? changes.base() + 1 < window.start() || over
            : (writer.origin() != changes.origin() || writer.file() != changes.file())
                && (writer.position() > changes.base() || over);
    if (unseen && rules.keep(Rule.CONFLICTS_EVERYWHERE)) {
      RowImage loser = ordered(key, image, wasPending);
      if (loser != null && !loser.tombstone()) {
        reason(image, loser).ifPresent(why -> lost(loser, changes.origin(), position, why));
      }
    }
    boolean unchanged = own && !pending && tx.stored(image).filter(image::sameContent).isPresent();
    if (own && !pending) {
      tx.unskip(key);
    }
    return new Step(image, key, pending, own, unchanged);
  }

  /**
   * Why a row loses against an image whose writer had not seen it: if its own was new, these are
   * two different rows. A row that is only sent again, and is the same, takes nothing from anybody.
   */
  private static Optional<Reason> reason(RowImage winner, RowImage loser) {
    if (winner.tombstone()) {
      return Optional.of(Reason.DELETED);
    }
    if (winner.sameContent(loser)) {
      return winner.resent() ? Optional.empty() : Optional.of(Reason.EQUAL);
    }
    return Optional.of(winner.inserted() ? Reason.INSERTED_TWICE : Reason.OVERWRITTEN);
  }

  private boolean settles(ChangeSet changes, boolean own, RowKey key, long newest) {
    boolean newer = newest > changes.maxSeq() && rules.keep(Rule.SETTLE_BY_MAX_SEQ);
    if (!own || newer) {
      return false;
    }
    tx.settle(key);
    return true;
  }

  /**
   * What the order log has under the key, a tombstone or null for nothing. Null, too, when a local
   * row is on top of it and this node never saw it: the others know it, and tell.
   */
  private @Nullable RowImage ordered(RowKey key, RowImage image, boolean pending) {
    Optional<RowImage> aside =
        tx.parked(key).map(Parked::image).or(() -> tx.held(image).map(Held::image));
    if (aside.isPresent()) {
      return aside.get();
    }
    return (pending ? tx.hidden(key) : tx.stored(image)).orElse(null);
  }

  private void makeRoom(Step step) {
    // A newer image of the key is here: the older one is not in the way, nor waited for.
    tx.unpark(step.key());
    tx.unhold(step.image());
    if (step.pending()) {
      hide(step.image());
    } else {
      tx.unhide(step.key());
    }
    if (step.pending() || step.unchanged()) {
      return;
    }
    if (step.image().tombstone()) {
      tx.delete(step.image());
    } else if (tx.hasUniqueIndexes(step.image().table()) && rules.keep(Rule.MAKE_ROOM_FIRST)) {
      tx.vacate(step.image());
    }
  }

  /** Rules 3 and 4: displaces colliders, then writes, parks or keeps the image away. */
  private void write(ChangeSet changes, Step step, long position) {
    RowImage image = step.image();
    if (step.pending() && !step.own()) {
      tx.skip(step.key());
    }
    boolean displaces =
        !image.tombstone() && (!step.pending() || rules.keep(Rule.SKIPPED_DISPLACES));
    boolean blocked = displaces && displace(changes, step, position);
    if (step.pending()) {
      return;
    }
    if (image.tombstone() || step.unchanged()) {
      return;
    }
    if (blocked) {
      tx.delete(image);
      tx.park(image, changes.origin());
    } else {
      store(image, changes.origin());
    }
  }

  /** Removes what collides with the image; whether a pending row blocks it. */
  private boolean displace(ChangeSet changes, Step step, long position) {
    RowImage image = step.image();
    if (!tx.hasUniqueIndexes(image.table())) {
      return false;
    }
    boolean blocked = false;
    if (!step.unchanged()) {
      for (RowImage collider : tx.colliders(image)) {
        if (tx.pendingSeq(tx.key(collider)).isPresent()) {
          blocked = true;
        } else {
          lost(collider, changes.origin(), position, Reason.DISPLACED);
          tx.delete(collider);
        }
      }
    }
    List<Parked> parkedColliders =
        rules.keep(Rule.PARKED_IS_DISPLACED) ? tx.parkedColliders(image) : List.of();
    for (Parked parked : parkedColliders) {
      lost(parked.image(), changes.origin(), position, Reason.DISPLACED);
      tx.unpark(parked.key());
    }
    List<RowImage> hiddenColliders =
        rules.keep(Rule.HIDDEN_IS_DISPLACED) ? tx.hiddenColliders(image) : List.of();
    for (RowImage hidden : hiddenColliders) {
      lost(hidden, changes.origin(), position, Reason.DISPLACED);
      tx.hide(gone(hidden));
    }
    return blocked;
  }

  /** After the last record of a transaction: parked images whose obstacle is gone are stored. */
  void rejudgeParked() {
    for (RowKey key : tx.parkedKeys()) {
      Parked parked = tx.parked(key).orElseThrow();
      if (tx.pendingSeq(parked.key()).isPresent() && rules.keep(Rule.PARKED_GIVES_WAY)) {
        hide(parked.image());
        tx.unpark(parked.key());
        tx.skip(parked.key());
      } else {
        rejudge(parked);
      }
    }
  }

  private void rejudge(Parked parked) {
    try {
      if (tx.colliders(parked.image()).isEmpty()) {
        tx.unpark(parked.key());
        store(parked.image(), parked.origin());
      }
    } catch (RowRefusedException e) {
      tx.unpark(parked.key());
      tx.hold(parked.image(), parked.origin(), e.reason());
    }
  }

  /**
   * Tries a held image again, outside any change set. Whatever came for its key since has ended the
   * holding, so the image still is what the order log put under the key.
   *
   * @return whether it is not held any more
   */
  boolean retry(Held held) {
    try {
      return tryAgain(held);
    } catch (RowRefusedException e) {
      tx.stillHeld(held.image(), e.reason());
      return false;
    }
  }

  private boolean tryAgain(Held held) {
    RowImage image = held.image();
    RowKey key = tx.key(image);
    if (tx.pendingSeq(key).isPresent()) {
      hide(image);
      tx.skip(key);
      tx.unhold(image);
      return true;
    }
    List<RowImage> colliders = tx.colliders(image);
    boolean decided = colliders.stream().anyMatch(row -> tx.pendingSeq(tx.key(row)).isEmpty());
    if (decided || !tx.parkedColliders(image).isEmpty()) {
      // Which of the two came later in the order is not known any more: neither is dropped.
      tx.stillHeld(image, "another row here has the same value in a UNIQUE column");
      return false;
    }
    if (!colliders.isEmpty()) {
      tx.delete(image);
      tx.park(image, held.origin());
    } else if (tx.write(image) instanceof WriteResult.Refused refused) {
      tx.stillHeld(image, refused.reason());
      return false;
    }
    tx.unhold(image);
    return true;
  }

  private void store(RowImage image, int origin) {
    if (tx.write(image) instanceof WriteResult.Refused refused) {
      tx.hold(image, origin, refused.reason());
    }
  }

  private void hide(RowImage image) {
    if (rules.keep(Rule.HIDDEN_IS_REMEMBERED)) {
      tx.hide(image);
    }
  }

  private static RowImage gone(RowImage row) {
    return new RowImage(row.shape(), row.key(), List.of(), true, false, row.keyHash());
  }

  /** The window says who wrote the image: on every node the same, whatever kept it aside. */
  private void lost(RowImage image, int winner, long position, Reason reason) {
    WriterEntry writer = window.lastWriter(image.keyHash());
    int loser = writer == null ? 0 : writer.origin();
    RowImage row =
        new RowImage(image.shape(), image.key(), image.values(), false, false, image.keyHash());
    tx.conflict(new Conflict(row, loser, winner, position, reason));
  }

  /**
   * One row on its way through the passes.
   *
   * @param unchanged an own image that equals the stored row: nothing to write
   */
  private record Step(
      RowImage image, RowKey key, boolean pending, boolean own, boolean unchanged) {}
}
