package dev.marmot.node.control;

import com.google.protobuf.MessageOrBuilder;
import dev.marmot.node.control.ControlException.Kind;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** The HTTP/JSON side of the pane. Thread-safe. */
final class HttpApi {
  /** Tells a client that it has reached a pane, and nothing else. */
  static final String SERVER = "marmot";

  private final Map<String, Route> routes;

  HttpApi(ControlCalls calls) {
    Map<String, Route> all = new HashMap<>(clusterRoutes(calls));
    all.putAll(
        Map.of(
            "/healthz",
                new Route(HttpMethod.GET, request -> calls.alive().thenApply(HttpApi::alive)),
            "/readyz",
                new Route(HttpMethod.GET, request -> calls.readiness().thenApply(HttpApi::ready)),
            "/api/v1/status",
                new Route(
                    HttpMethod.GET,
                    request -> calls.status().thenApply(reply -> ok(ProtoJson.object(reply)))),
            "/api/v1/barrier",
                new Route(
                    HttpMethod.POST,
                    request ->
                        calls
                            .barrier(timeout(request))
                            .thenApply(reply -> ok(ProtoJson.object(reply)))),
            "/api/v1/conflicts",
                new Route(
                    HttpMethod.GET,
                    request ->
                        calls
                            .conflicts(number(request, "after"), number(request, "limit"))
                            .thenApply(reply -> ok(ProtoJson.object(reply)))),
            "/api/v1/held",
                new Route(
                    HttpMethod.GET,
                    request ->
                        calls
                            .held(number(request, "after"), number(request, "limit"))
                            .thenApply(reply -> ok(ProtoJson.object(reply)))),
            "/api/v1/retry",
                new Route(
                    HttpMethod.POST,
                    request -> calls.retry().thenApply(reply -> ok(ProtoJson.object(reply))))));
    routes = Map.copyOf(all);
  }

  private static Map<String, Route> clusterRoutes(ControlCalls calls) {
    return Map.of(
        "/api/v1/shards",
        answering(HttpMethod.GET, request -> calls.shards()),
        "/api/v1/shards/set",
        answering(HttpMethod.POST, request -> calls.setShards(integer(request, "shards"))),
        "/api/v1/move",
        answering(
            HttpMethod.POST, request -> calls.move(shardList(request), integer(request, "to"))),
        "/api/v1/drain",
        answering(HttpMethod.POST, request -> calls.drain(integer(request, "node"))),
        "/api/v1/join",
        answering(HttpMethod.POST, request -> calls.join(request.getParam("to", ""))),
        "/api/v1/rebalance",
        answering(HttpMethod.POST, request -> calls.rebalance()),
        "/api/v1/remove",
        answering(
            HttpMethod.POST,
            request -> calls.remove(integer(request, "node"), flag(request, "force"))));
  }

  private static Route answering(
      HttpMethod method,
      Function<HttpServerRequest, CompletionStage<? extends MessageOrBuilder>> call) {
    return new Route(
        method, request -> call.apply(request).thenApply(reply -> ok(ProtoJson.object(reply))));
  }

  static boolean isHealth(String path) {
    return path.equals("/healthz") || path.equals("/readyz");
  }

  void handle(HttpServerRequest request) {
    Route route = routes.get(request.path());
    if (route == null) {
      send(request, error(404, "no such path: " + request.path()));
    } else if (!route.accepts(request.method())) {
      request.response().putHeader("Allow", route.method().name());
      send(
          request,
          error(405, request.path() + " takes " + route.method() + ", not " + request.method()));
    } else {
      var unused =
          answer(route, request)
              .whenComplete(
                  (reply, thrown) -> send(request, thrown == null ? reply : error(thrown)));
    }
  }

  void refuse(HttpServerRequest request, ControlException refusal) {
    if (refusal.kind() == Kind.UNAUTHENTICATED) {
      request.response().putHeader("WWW-Authenticate", Access.CHALLENGE);
    }
    send(request, error(refusal));
  }

  private static CompletionStage<Reply> answer(Route route, HttpServerRequest request) {
    try {
      return route.handler().apply(request);
    } catch (ControlException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static long number(HttpServerRequest request, String name) {
    String text = request.getParam(name, "0");
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new ControlException(
          Kind.INVALID, name + ": must be a whole number (got " + text + ")", e);
    }
  }

  private static int integer(HttpServerRequest request, String name) {
    String text = request.getParam(name, "0");
    try {
      return Integer.parseUnsignedInt(text);
    } catch (NumberFormatException e) {
      throw new ControlException(
          Kind.INVALID, name + ": must be a whole number from 0 (got " + text + ")", e);
    }
  }

  private static List<Integer> shardList(HttpServerRequest request) {
    String text = request.getParam("shards", "");
    try {
      return text.isEmpty() ? List.of() : ShardRanges.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ControlException(Kind.INVALID, "shards: " + e.getMessage(), e);
    }
  }

  private static boolean flag(HttpServerRequest request, String name) {
    String text = request.getParam(name, "false");
    if (!text.equals("true") && !text.equals("false")) {
      throw new ControlException(Kind.INVALID, name + ": must be true or false (got " + text + ")");
    }
    return text.equals("true");
  }

  private static long timeout(HttpServerRequest request) {
    String text = request.getParam("timeout", "");
    try {
      return text.isEmpty() ? 0 : Durations.parse(text).toMillis();
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Kind.INVALID, "timeout: " + e.getMessage() + " (got " + text + ")", e);
    }
  }

  private static Reply alive(boolean alive) {
    return new Reply(alive ? 200 : 503, new JsonObject().put("alive", alive));
  }

  private static Reply ready(Readiness readiness) {
    return new Reply(
        readiness.ready() ? 200 : 503,
        new JsonObject()
            .put("ready", readiness.ready())
            .put("reasons", new JsonArray(readiness.reasons()))
            .put("warnings", new JsonArray(readiness.warnings())));
  }

  private static Reply ok(JsonObject body) {
    return new Reply(200, body);
  }

  private static Reply error(Throwable thrown) {
    ControlException fault = Faults.of(thrown);
    return error(fault.kind().http(), String.valueOf(fault.getMessage()));
  }

  private static Reply error(int status, String message) {
    return new Reply(status, new JsonObject().put("status", status).put("error", message));
  }

  private static void send(HttpServerRequest request, Reply reply) {
    var unused =
        request
            .response()
            .setStatusCode(reply.status())
            .putHeader("Content-Type", "application/json")
            .putHeader("Cache-Control", "no-store")
            .putHeader("Server", SERVER)
            .end(reply.body().encodePrettily() + "\n");
  }

  /** What a path does. Immutable. */
  private record Route(
      HttpMethod method, Function<HttpServerRequest, CompletionStage<Reply>> handler) {
    boolean accepts(HttpMethod given) {
      return given.equals(method)
          || (given.equals(HttpMethod.HEAD) && method.equals(HttpMethod.GET));
    }
  }

  /** A status and its body. Immutable by convention: nobody changes the body. */
  private record Reply(int status, JsonObject body) {}
}
