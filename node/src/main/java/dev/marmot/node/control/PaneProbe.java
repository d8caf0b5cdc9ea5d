package dev.marmot.node.control;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Finds out whether something answers at an address, and what. Stateless. */
final class PaneProbe {
  private static final int WAIT_MILLIS = 2_000;
  private static final int MOST_BYTES = 4_096;

  private PaneProbe() {}

  /** What was found. */
  enum Found {
    /** A control pane of Marmot. */
    PANE,
    /** Something that is none. */
    OTHER,
    /** Something that takes connections and says nothing. */
    SILENT,
    /** Nothing takes connections. */
    NOBODY
  }

  static boolean takesConnections(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, WAIT_MILLIS);
      return true;
    } catch (IOException e) {
      return false; // that is what was asked
    }
  }

  static Found look(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      try {
        socket.connect(address, WAIT_MILLIS);
      } catch (IOException e) {
        return Found.NOBODY;
      }
      socket.setSoTimeout(WAIT_MILLIS);
      socket
          .getOutputStream()
          .write(
              "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      return isPane(head(socket.getInputStream())) ? Found.PANE : Found.OTHER;
    } catch (SocketTimeoutException e) {
      return Found.SILENT;
    } catch (IOException e) {
      return Found.OTHER; // it broke off instead of answering
    }
  }

  private static boolean isPane(String head) {
    return head.startsWith("HTTP/1.")
        && head.toLowerCase(Locale.ROOT).contains("\r\nserver: " + HttpApi.SERVER + "\r\n");
  }

  /** The status line and the headers. */
  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    int next = in.read();
    while (next >= 0 && head.length() < MOST_BYTES && head.indexOf("\r\n\r\n") < 0) {
      head.append((char) next);
      next = in.read();
    }
    return head.toString();
  }
}
