package dev.marmot.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

class NetworkFaultsTest {
  private static String listening(int port, IOException failure) {
    return NetworkFaults.listening("bind-pane", "10.1.2.3", port, failure);
  }

  @Test
  void listening_saysWhatIsInTheWay() {
    assertThat(listening(8080, new BindException("Address already in use")))
        .isEqualTo("another process uses the port; end it, or give bind-pane another port");
    assertThat(listening(80, new BindException("Permission denied")))
        .contains("may not use port 80 (ports below 1024 need a right)")
        .contains("give bind-pane a port from 1024")
        .doesNotContain("another process");
    assertThat(listening(8080, new SocketException("Permission denied")))
        .contains("may not use port 8080;");
    assertThat(listening(8080, new BindException("Cannot assign requested address")))
        .contains("10.1.2.3 is not an address of this machine")
        .doesNotContain("another process");
    assertThat(listening(8080, new SocketException("Unresolved address")))
        .contains("the host name 10.1.2.3 does not resolve");
    assertThat(listening(8080, new UnknownHostException("10.1.2.3")))
        .contains("the host name 10.1.2.3 does not resolve");
    assertThat(listening(8080, new IOException("strange")))
        .isEqualTo("strange; give bind-pane another address");
  }

  @Test
  void causes_areLookedFor() {
    Throwable wrapped = new IOException("x", new RuntimeException(new UnknownHostException("h")));

    assertThat(NetworkFaults.unresolved(wrapped)).isTrue();
    assertThat(NetworkFaults.notConnected(wrapped)).isFalse();
    assertThat(NetworkFaults.unresolved(null)).isFalse();
  }
}
