package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NetworkFaults;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.GroupManagementRequest;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.util.AtomicFileOutputStream;
import org.apache.ratis.util.ExitUtils;

/** Builds and checks servers of Ratis. Stateless. */
final class RatisServers {
  private RatisServers() {}

  /** A server with the logs on disk, not yet on the network. */
  static RaftServer build(
      RaftOptions options, RaftPeerId self, LogGroups groups, LogCopies copies, PeerService service)
      throws IOException {
    keepProcessAlive();
    checkOwnFileWriter();
    Parameters parameters = new Parameters();
    SyncedRpc.serve(parameters, groups, copies);
    GrpcConfigKeys.Server.setServicesCustomizer(
        parameters,
        (builder, types) ->
            builder
                .addService(service.definition())
                .intercept(new LeaderMessages(groups, copies))
                .permitKeepAliveTime(3, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true));
    RaftServer server =
        RaftServer.newBuilder()
            .setServerId(self)
            .setProperties(RatisOptions.properties(options))
            .setParameters(parameters)
            .setOption(RaftStorage.StartupOption.RECOVER)
            .setStateMachineRegistry(copies::open)
            .build();
    // Addresses of today come first: the ones on disk are those of the first start.
    server
        .getServerRpc()
        .addRaftPeers(
            founders(options).stream().filter(peer -> !peer.getId().equals(self)).toList());
    return server;
  }

  /**
   * Creates the logs that do not exist.
   *
   * @param members of the new logs; none when this node waits to be added
   */
  static void createMissing(
      RaftServer server, LogGroups groups, List<LogId> logs, List<RaftPeer> members)
      throws IOException {
    Set<RaftGroupId> present = new HashSet<>();
    server.getGroupIds().forEach(present::add);
    ClientId client = ClientId.randomId();
    for (LogId log : logs) {
      if (!present.contains(groups.groupId(log))) {
        RaftGroup group = RaftGroup.valueOf(groups.groupId(log), members);
        GroupManagementRequest request =
            GroupManagementRequest.newAdd(client, server.getId(), log.number(), group, false);
        try {
          RaftClientReply reply = server.groupManagementAsync(request).join();
          if (!reply.isSuccess()) {
            throw new CompletionException(reply.getException());
          }
        } catch (CompletionException e) {
          throw new IOException(
              "cannot create the raft log of %s: %s".formatted(log, e.getCause()), e);
        }
      }
    }
  }

  /** Takes part from now on. */
  static void start(RaftServer server, RaftOptions options) throws IOException {
    try {
      server.start();
    } catch (ExitUtils.ExitException e) {
      throw new IOException(
          "cannot listen on %s port %d: %s"
              .formatted(
                  options.bindHost(),
                  options.bindPort(),
                  NetworkFaults.listening("bind", options.bindHost(), options.bindPort(), root(e))),
          e);
    } catch (CompletionException e) {
      throw new IOException(
          "cannot open the raft logs in %s: %s; are they damaged, or made for other members?"
              .formatted(options.directory(), e.getCause()),
          e);
    }
  }

  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** With whom the logs of a new cluster begin. */
  static List<RaftPeer> founders(RaftOptions options) {
    return options.members().stream().map(LogGroups::founder).toList();
  }

  /** Ratis itself only logs the ones that did not load. */
  static void checkLoaded(RaftServer server, LogGroups groups, Collection<LogId> logs)
      throws IOException {
    for (LogId log : logs) {
      try {
        server.getDivision(groups.groupId(log));
      } catch (IOException e) {
        throw new IOException("cannot open the raft log of " + log + ": " + e.getMessage(), e);
      }
    }
  }

  /** Says clearly what Ratis would say late and at length. */
  static void checkPort(String host, int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    try (ServerSocket probe = new ServerSocket()) {
      probe.setReuseAddress(true);
      probe.bind(address);
    } catch (IOException e) {
      throw new IOException(
          "cannot listen on %s port %d: %s"
              .formatted(host, port, NetworkFaults.listening("bind", host, port, e)),
          e);
    }
  }

  /** Votes are not safe on a full disk with the one of Ratis. */
  private static void checkOwnFileWriter() {
    boolean own;
    try {
      own = AtomicFileOutputStream.keepsFileAfterFailedWrite();
    } catch (NoSuchMethodError e) {
      own = false;
    }
    if (!own) {
      throw new IllegalStateException(
          "cannot start: the class path has Ratis before Marmot; put Marmot's jar first");
    }
  }

  /** Ratis would end the process when the port is taken, and on any uncaught exception. */
  private static void keepProcessAlive() {
    Thread.UncaughtExceptionHandler handler = Thread.getDefaultUncaughtExceptionHandler();
    ExitUtils.disableSystemExit();
    // Loading that class has replaced the handler of the whole process.
    Thread.setDefaultUncaughtExceptionHandler(handler);
  }
}
