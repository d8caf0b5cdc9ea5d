package dev.marmot.node.control;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.control.Access.Caller;
import dev.marmot.raft.NetworkFaults;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.core.net.SocketAddress;
import io.vertx.grpcio.server.GrpcIoServer;
import io.vertx.grpcio.server.GrpcIoServiceBridge;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control pane's one port: HTTP/1.1 and HTTP/2 in clear, gRPC told from JSON by its content
 * type. Thread-safe.
 */
public final class PaneServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PaneServer.class);
  private static final int THREADS = 2;
  private static final int WAITING_REQUESTS = 128;

  private final Vertx vertx;
  private final HttpServer server;
  private final ExecutorService pool;

  private PaneServer(Vertx vertx, HttpServer server, ExecutorService pool) {
    this.vertx = vertx;
    this.server = server;
    this.pool = pool;
  }

  /**
   * Binds and answers from now on.
   *
   * @param name of the node, for its threads
   * @throws IOException when the address cannot be used; the message says which and why
   */
  public static PaneServer open(String name, PaneConfig config, ControlPlane plane)
      throws IOException {
    SocketAddress address;
    try {
      address = resolve(config.bind());
    } catch (IOException e) {
      throw cannotBind(config.bind(), e);
    }
    ExecutorService pool = pool(name);
    Vertx vertx = PaneVertx.open();
    HttpServer server = vertx.createHttpServer(options());
    PaneServer pane = new PaneServer(vertx, server, pool);
    server.requestHandler(
        pane.dispatcher(new Access(config.authKey()), new ControlCalls(plane, pool)));
    try {
      var unused = await(server.listen(address));
    } catch (IOException e) {
      pane.close();
      throw cannotBind(config.bind(), e);
    }
    log.atInfo()
        .addKeyValue("address", new Address(config.bind().host(), pane.port()))
        .log("pane open");
    return pane;
  }

  private static IOException cannotBind(Address bind, IOException failure) {
    return new IOException(
        "cannot bind the control pane to %s: %s"
            .formatted(
                bind, NetworkFaults.listening("bind-pane", bind.host(), bind.port(), failure)),
        failure);
  }

  /** The port that is bound. */
  public int port() {
    return server.actualPort();
  }

  private io.vertx.core.Handler<HttpServerRequest> dispatcher(Access access, ControlCalls calls) {
    HttpApi http = new HttpApi(calls);
    GrpcIoServer grpc = GrpcIoServer.server(vertx);
    GrpcIoServiceBridge.bridge(new ControlService(calls)).bind(grpc);
    return request -> {
      boolean isGrpc = isGrpc(request);
      Optional<ControlException> refusal =
          access.refuse(caller(request), !isGrpc && HttpApi.isHealth(request.path()));
      log.atDebug()
          .addKeyValue("method", request.method())
          .addKeyValue("path", request.path())
          .addKeyValue("refused", refusal.isPresent())
          .log("asked");
      if (refusal.isPresent() && isGrpc) {
        refuseGrpc(request, refusal.get());
      } else if (refusal.isPresent()) {
        http.refuse(request, refusal.get());
      } else if (isGrpc) {
        grpc.handle(request);
      } else {
        http.handle(request);
      }
    };
  }

  private static boolean isGrpc(HttpServerRequest request) {
    String type = request.getHeader("Content-Type");
    return type != null && type.startsWith("application/grpc");
  }

  private static Caller caller(HttpServerRequest request) {
    HostAndPort authority = request.authority();
    String remote = request.connection().remoteAddress(true).hostAddress();
    return new Caller(
        literal(remote),
        authority == null ? null : authority.host(),
        request.getHeader("Origin"),
        request.getHeader("Authorization"));
  }

  private static InetAddress literal(String address) {
    return new InetSocketAddress(address, 0).getAddress();
  }

  /** A gRPC refusal is a response without a body whose headers are its trailers. */
  private static void refuseGrpc(HttpServerRequest request, ControlException refusal) {
    String message = String.valueOf(refusal.getMessage());
    var unused =
        request
            .response()
            .putHeader("Content-Type", "application/grpc")
            .putHeader(Faults.ANSWER_NAME, refusal.kind().name())
            .putHeader("grpc-status", String.valueOf(refusal.kind().grpc().value()))
            .putHeader(
                "grpc-message",
                URLEncoder.encode(message, StandardCharsets.UTF_8).replace("+", "%20"))
            .end();
  }

  private static HttpServerOptions options() {
    return new HttpServerOptions().setMaxInitialLineLength(8_192).setIdleTimeout(0);
  }

  private static SocketAddress resolve(Address bind) throws IOException {
    return SocketAddress.inetSocketAddress(
        bind.port(), InetAddress.getByName(bind.host()).getHostAddress());
  }

  private static ExecutorService pool(String name) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING_REQUESTS),
            task -> {
              Thread thread = new Thread(task, name + "-pane-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private static <T> T await(io.vertx.core.Future<T> future) throws IOException {
    try {
      return future.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException(String.valueOf(cause.getMessage()), cause);
    } catch (TimeoutException e) {
      throw new IOException("no answer within 10 s", e);
    }
  }

  @Override
  public void close() {
    try {
      var unused = await(vertx.close());
    } catch (IOException e) {
      log.atWarn().setCause(e).log("pane did not close in time");
    } finally {
      pool.shutdownNow();
    }
  }
}
