package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.Record;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/** Node 2, whose change sets another node is to apply. Confined to the test's thread. */
final class ForeignNode implements AutoCloseable {
  private static final int NODE = 2;

  private final Side side;
  private int sent;

  private ForeignNode(Side side) {
    this.side = side;
  }

  static ForeignNode open(Path directory, String... schema) throws SQLException {
    return new ForeignNode(Side.open(directory, NODE, schema));
  }

  /** The rows that a statement changes. */
  ByteString rows(String sql) throws SQLException {
    side.run(sql);
    CapturedChanges changes = side.capture();
    side.apply(side, changes, rows -> rows);
    return ByteString.copyFrom(ChangeSetCodec.encode(changes.rows()));
  }

  int sent() {
    return sent;
  }

  /** Sends rows as the next change set, written in sight of everything before. */
  void send(OrderedLogs logs, ByteString rows) {
    if (sent == 0) {
      Epoch first = Epoch.newBuilder().setOrigin(NODE).setEpoch(1).build();
      order(logs, OrderItem.newBuilder().setEpoch(first).build());
    }
    sent++;
    Record record =
        Record.newBuilder()
            .setId(new ChangeSetId(NODE, 1, sent).toWire())
            .setFile(NODE)
            .setMaxSeq(sent)
            .setBase(Long.MAX_VALUE - 1)
            .setInlineRows(rows)
            .build();
    order(logs, OrderItem.newBuilder().setRecord(record).build());
  }

  private static void order(OrderedLogs logs, OrderItem item) {
    var unused = logs.propose(LogId.ORDER, Entries.order(List.of(item)));
  }

  @Override
  public void close() throws SQLException {
    side.close();
  }
}
