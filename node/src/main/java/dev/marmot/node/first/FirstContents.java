package dev.marmot.node.first;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.TableContent;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a file held when its changes began to be logged, and whether the nodes have agreed on it:
 * kept in the file itself, so that it is lost and copied together with the rows. Stateless.
 */
public final class FirstContents {
  private static final String NOTE = "first_content";

  private FirstContents() {}

  /** Nothing to compare: the rows come from the cluster, or it has begun long ago. */
  public static FirstContent taken() {
    return FirstContent.newBuilder().setTaken(true).build();
  }

  /**
   * Whether a file is bound to its cluster for good: nothing was ever replicated from or to one
   * that is not, so that its options may still change.
   */
  public static boolean bound(SqliteReplicaStore store) {
    return store.state().position() >= 0
        || read(store).filter(content -> content.getAgreed() || content.getTaken()).isPresent();
  }

  /** What the file says; empty when it says nothing. */
  public static Optional<FirstContent> read(SqliteReplicaStore store) {
    return store.meta(NOTE).map(FirstContents::parse);
  }

  private static FirstContent parse(String text) {
    try {
      return FirstContent.parseFrom(Base64.getDecoder().decode(text));
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new IllegalStateException(
          "cannot read what the file says of its first content: %s; check the file with PRAGMA"
                  .formatted(e.getMessage())
              + " integrity_check, or restore it from a backup",
          e);
    }
  }

  /** Durably. */
  public static void write(SqliteReplicaStore store, FirstContent content) {
    FirstContent kept = content.toBuilder().clearIdentity().clearSeed().build();
    store.meta(NOTE, Base64.getEncoder().encodeToString(kept.toByteArray()));
    store.sync();
  }

  /**
   * Reads what was there before changes began to be logged, and keeps that.
   *
   * @param progress told which table is being read
   */
  public static FirstContent begin(
      dev.marmot.sqlite.store.FirstContent reading,
      SqliteReplicaStore store,
      Consumer<String> progress) {
    List<TableContent> tables =
        reading.tables(progress).stream()
            .map(
                table ->
                    TableContent.newBuilder()
                        .setName(table.table())
                        .setRows(table.rows())
                        .setHash(table.hash())
                        .setColumns(String.join(",", table.columns()))
                        .build())
            .toList();
    FirstContent content = FirstContent.newBuilder().addAllTables(tables).build();
    write(store, content);
    return content;
  }
}
