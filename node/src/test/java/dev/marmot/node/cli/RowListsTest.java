package dev.marmot.node.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.FakeControlPlane;
import dev.marmot.node.control.PaneServer;
import dev.marmot.proto.v1.HeldRow;
import dev.marmot.proto.v1.NotSentRow;
import dev.marmot.proto.v1.RetryReply;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The commands that list rows which were kept aside: against a pane over HTTP. */
final class RowListsTest {
  private final StringWriter out = new StringWriter();
  private final FakeControlPlane plane = new FakeControlPlane();

  private int marmot(String... arguments) {
    Environment environment =
        new Environment(
            new PrintWriter(out, true),
            new PrintWriter(new StringWriter(), true),
            Map.of(),
            (config, progress) -> {
              throw new IllegalStateException("no node is started here");
            },
            database -> {
              throw new IllegalStateException("nothing is cleaned up here");
            });
    return Main.run(environment, arguments);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void conflicts_areATableOrJsonLines_andTheNewestWhenLimited() throws IOException {
    Address address = new Address("localhost", freePort());
    plane.conflict(1, "first");
    plane.conflict(2, "it's\nme");
    try (PaneServer pane = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(pane.port()).isPositive();
      assertThat(marmot("conflicts", "--pane", address.toString())).isZero();
      assertThat(out.toString().lines()).hasSize(3);
      assertThat(out.toString())
          .contains("LOST VALUES")
          .contains("v='first'")
          .contains("v='it''s\ufffdme'")
          .contains("OVERWRITTEN");

      out.getBuffer().setLength(0);
      assertThat(marmot("conflicts", "--json", "--limit=1", "--pane", address.toString())).isZero();
      assertThat(out.toString().lines())
          .singleElement()
          .asString()
          .startsWith("{\"id\":2,")
          .contains("\"losingOrigin\":1");
      assertThat(marmot("conflicts", "--limit=-1", "--pane", address.toString())).isEqualTo(2);
    }
  }

  @Test
  void conflicts_followed_comeAsTheyHappenUntilTheNodeIsGone() throws IOException {
    Address address = new Address("localhost", freePort());
    plane.conflict(1, "first");
    AtomicInteger looks = new AtomicInteger();
    plane.onConflicts =
        () -> {
          int look = looks.incrementAndGet();
          if (look == 3) {
            plane.conflict(2, "second");
          } else if (look == 5) {
            throw new ControlException(Kind.UNAVAILABLE, "the node stops");
          }
        };
    try (PaneServer pane = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(pane.port()).isPositive();
      assertThat(marmot("conflicts", "--follow", "--json", "--pane", address.toString()))
          .isEqualTo(3);
    }
    assertThat(out.toString().lines()).hasSize(2);
    assertThat(out.toString()).contains("first").contains("second");
  }

  @Test
  void held_andRetry_sayWhatIsLeft() throws IOException {
    Address address = new Address("localhost", freePort());
    try (PaneServer pane = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(pane.port()).isPositive();
      assertThat(marmot("held", "--pane", address.toString())).isZero();
      assertThat(out.toString()).contains("no rows are held");
      assertThat(marmot("retry", "--pane", address.toString())).isZero();

      plane.held.add(
          HeldRow.newBuilder()
              .setId(3)
              .setTable("late")
              .addKey(FakeControlPlane.value("k", "TEXT", "a"))
              .setOrigin(2)
              .setReason("there is no such table here")
              .build());
      plane.retried = RetryReply.newBuilder().setHeld(1).build();
      assertThat(marmot("held", "--pane", address.toString())).isZero();
      assertThat(out.toString()).contains("k='a'").contains("n2").contains("no such table");
      out.getBuffer().setLength(0);
      assertThat(marmot("held", "--json", "--pane", address.toString())).isZero();
      assertThat(out.toString().lines()).singleElement().asString().startsWith("{\"id\":3,");
      assertThat(marmot("retry", "--pane", address.toString())).isEqualTo(1);
      assertThat(out.toString()).contains("1 are; see marmot held");
    }
  }

  @Test
  void held_namesRowsThatAreTooLargeToBeSent() throws IOException {
    Address address = new Address("localhost", freePort());
    plane.notSent.add(
        NotSentRow.newBuilder()
            .setTable("files")
            .addKey(FakeControlPlane.value("k", "TEXT", "a"))
            .setBytes(40_000_000)
            .build());
    try (PaneServer pane = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(pane.port()).isPositive();
      assertThat(marmot("held", "--pane", address.toString())).isZero();
      assertThat(out.toString())
          .contains("no rows are held")
          .contains("1 rows of this node are larger than max-row-bytes and are not sent")
          .contains("files  k='a'  40,000,000");
      out.getBuffer().setLength(0);
      assertThat(marmot("held", "--json", "--pane", address.toString())).isZero();
      assertThat(out.toString()).contains("\"bytes\":").contains("40000000");
    }
  }
}
