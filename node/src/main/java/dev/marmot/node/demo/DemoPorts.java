package dev.marmot.node.demo;

import dev.marmot.node.config.Address;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Free loopback ports for the nodes 1 to n. Immutable. */
record DemoPorts(List<Integer> raftPorts, List<Integer> panePorts) {
  /** Asks the system, all at once so that none comes twice. */
  static DemoPorts choose(int nodes) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 2 * nodes; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      List<Integer> ports = sockets.stream().map(ServerSocket::getLocalPort).toList();
      return new DemoPorts(ports.subList(0, nodes), ports.subList(nodes, 2 * nodes));
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  Address raft(int node) {
    return new Address("127.0.0.1", raftPorts.get(node - 1));
  }

  Address pane(int node) {
    return new Address("localhost", panePorts.get(node - 1));
  }

  String bootstrap() {
    return IntStream.rangeClosed(1, raftPorts.size())
        .mapToObj(node -> node + "@" + raft(node))
        .collect(Collectors.joining(","));
  }
}
