package dev.marmot.node.cli;

import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_CLUSTER;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_MAX_APPLY_MILLIS;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_MAX_CHANGE_SET_ROWS;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_MAX_LOG_ENTRIES;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_MAX_ROW_BYTES;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_PANE;
import static dev.marmot.node.config.NodeConfigLoader.DEFAULT_SHARDS;

import dev.marmot.node.RunningNode;
import dev.marmot.node.Starting;
import dev.marmot.node.Version;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.node.control.PaneServer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/** {@code marmot run}: one node, until a signal ends it. Confined to the main thread. */
final class RunCommand implements Callable<Integer> {
  private static final String TRUE_OR_FALSE = "true|false";

  private final Environment environment;
  private final CommandSpec spec;

  private RunCommand(Environment environment) {
    this.environment = environment;
    this.spec = CommandSpec.wrapWithoutInspection(this);
  }

  /** The options are read as texts: {@link NodeConfigLoader} reports the faults of all together. */
  static CommandSpec spec(Environment environment) {
    CommandSpec spec = new RunCommand(environment).spec;
    spec.usageMessage()
        .description(
            "Replicates a SQLite file. The word run may be left out. Long options take one dash or"
                + " two.")
        .sortOptions(false);
    spec.mixinStandardHelpOptions(true);
    spec.addPositional(
        PositionalParamSpec.builder()
            .type(String.class)
            .arity("0..1")
            .index("0")
            .paramLabel("FILE")
            .description("The SQLite file; required. It must exist.")
            .build());
    value(spec, "db-path", "FILE", "The same.");
    value(spec, "node-id", "N", "This node's number, from 1, for ever; required.");
    value(
        spec,
        "bootstrap",
        "ID@HOST:PORT,...",
        "The nodes of a new cluster; IPv6 in brackets. This one may be left out when bind or advertise"
            + " says where the others reach it. Without it: a cluster of one.");
    value(
        spec,
        "join",
        "HOST:PORT",
        "Join a running cluster: the raft address of any member. Needs bind or advertise. Without"
            + " the SQLite file, or with a copy of one, what is missing is brought.");
    flag(
        spec,
        "replace",
        "With join: take the place of the member that has this number, although it was heard within"
            + " the last minute. It ends, and what it had not sent stays in its file.");
    flag(
        spec,
        "adopt",
        "Let the rows of the file give way to those of the cluster, for a file that was replaced or"
            + " restored; a copy of the file is kept.");
    value(
        spec,
        "seed-from",
        "NODE",
        "At the first start, where the files of the nodes differ: take the content of this node; a"
            + " copy of the file is kept. Without effect once the cluster replicates.");
    value(
        spec,
        "bind",
        "HOST:PORT",
        "Where to listen for the other nodes; default: all addresses, this node's port in"
            + " bootstrap.");
    value(
        spec,
        "advertise",
        "HOST:PORT",
        "Where the others reach this node; default: its entry in bootstrap, else bind.");
    more(spec);
    return spec;
  }

  private static void more(CommandSpec spec) {
    value(
        spec,
        "bind-pane",
        "HOST:PORT",
        "The control pane; default " + DEFAULT_PANE + ". Beyond loopback it needs AUTH_KEY.");
    value(
        spec,
        "raft-path",
        "DIR",
        "Where the raft logs live, in DIR/node-<id>; default: <db-path>-raft.");
    value(spec, "cluster", "NAME", "Name of the cluster; default " + DEFAULT_CLUSTER + ".");
    value(spec, "shards", "N", "Data shards, the same on all nodes; default " + DEFAULT_SHARDS);
    value(
        spec,
        "max-log-entries",
        "N",
        "Entries that a raft log keeps for nodes that lag; default " + DEFAULT_MAX_LOG_ENTRIES);
    value(
        spec,
        "inline-limit",
        "BYTES",
        "Smaller change sets travel in the order log, one round trip; default 0: none.");
    value(
        spec,
        "max-change-set-rows",
        "N",
        "What is committed together stays together up to so many rows, or 16 MiB; default "
            + DEFAULT_MAX_CHANGE_SET_ROWS);
    value(
        spec,
        "max-row-bytes",
        "BYTES",
        "Larger rows stay on the node where they are written, see marmot held; default "
            + DEFAULT_MAX_ROW_BYTES
            + ". Each node needs 16 times as much heap, at least 128 MiB.");
    value(
        spec,
        "max-apply-millis",
        "N",
        "How long one apply transaction should hold the write lock at most; default "
            + DEFAULT_MAX_APPLY_MILLIS
            + ". It then leaves it free as long.");
    values(
        spec,
        "exclude",
        "PATTERN,...",
        "Tables that do not replicate, as in sessions,cache_* (GLOB, any case); may be repeated."
            + " The same on all nodes.");
    flag(
        spec,
        "follow",
        "Wait, with the control pane only, until `marmot join` says which cluster to join.");
    flag(spec, "cleanup", "Remove every trace of Marmot from the file, then end.");
    optional(
        spec,
        "replicate",
        "NAME,...",
        "Deprecated, does nothing: every table replicates, except those in exclude.");
  }

  private static void value(CommandSpec spec, String name, String label, String description) {
    spec.addOption(
        OptionSpec.builder("--" + name)
            .type(String.class)
            .arity("1")
            .paramLabel(label)
            .description(description)
            .build());
  }

  /** May be given several times; joined by commas. */
  private static void values(CommandSpec spec, String name, String label, String description) {
    spec.addOption(
        OptionSpec.builder("--" + name)
            .type(String[].class)
            .arity("1")
            .paramLabel(label)
            .description(description)
            .build());
  }

  /** Reads as a text what picocli would read as a boolean; see {@link Arguments}. */
  private static void flag(CommandSpec spec, String name, String description) {
    optional(spec, name, TRUE_OR_FALSE, description);
  }

  private static void optional(CommandSpec spec, String name, String label, String description) {
    spec.addOption(
        OptionSpec.builder("--" + name)
            .type(String.class)
            .arity("0..1")
            .fallbackValue("true")
            .paramLabel(label)
            .description(description)
            .build());
  }

  /** The options that need no value. */
  static Set<String> flags(CommandSpec spec) {
    return spec.options().stream()
        .filter(option -> option.paramLabel().equals(TRUE_OR_FALSE))
        .map(OptionSpec::longestName)
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public Integer call() throws Exception {
    Map<String, String> options = new HashMap<>();
    ParseResult given = spec.commandLine().getParseResult();
    for (OptionSpec option : given.matchedOptions()) {
      Object value = option.getValue();
      if (value instanceof String text) {
        options.put(option.longestName().substring(2), text);
      } else if (value instanceof String[] texts) {
        options.put(option.longestName().substring(2), String.join(",", texts));
      }
    }
    Optional<String> word = Optional.ofNullable(given.matchedPositionalValue(0, (String) null));
    DatabaseOption.one("db-path", Optional.ofNullable(options.get("db-path")), word)
        .ifPresent(file -> options.put("db-path", file));
    if ("true".equals(options.remove("cleanup"))) {
      String file = options.getOrDefault("db-path", "");
      return CleanupCommand.cleanup(environment, DatabaseOption.existing(file));
    }
    run(NodeConfigLoader.load(options, environment.variables()));
    return ExitCode.OK.number();
  }

  private void run(NodeConfig config) throws Exception {
    Logger log = LoggerFactory.getLogger("marmot");
    log.atInfo()
        .addKeyValue("version", Version.current())
        .addKeyValue("node", config.self())
        .addKeyValue("cluster", config.cluster())
        .addKeyValue("database", config.database())
        .addKeyValue("raft", config.raft())
        .addKeyValue("pane", config.pane())
        .addKeyValue("replication", config.replication())
        .log("node starting");
    config.notes().forEach(note -> log.atWarn().log(note));
    // The pane first: whoever probes it must not kill a node that brings its database.
    Starting starting = new Starting(config);
    try (PaneServer pane = PaneServer.open(config.self().toString(), config.pane(), starting)) {
      if (config.raft().follow()) {
        log.atInfo().log("waiting to be told which cluster to join");
      }
      NodeConfig now = starting.await();
      now.raft()
          .join()
          .ifPresent(member -> log.atInfo().addKeyValue("member", member).log("joining"));
      try (RunningNode node = environment.launcher().start(now, starting::progress)) {
        starting.became(node.control());
        awaitEnd(log, config, pane, node);
      }
    }
  }

  private static void awaitEnd(Logger log, NodeConfig config, PaneServer pane, RunningNode node)
      throws InterruptedException {
    Thread atExit = new Thread(() -> stop(log, pane, node), config.self() + "-shutdown");
    Runtime.getRuntime().addShutdownHook(atExit);
    node.awaitTermination();
    forget(atExit);
  }

  /** On SIGTERM and SIGINT; the virtual machine then ends with 143 or 130. */
  private static void stop(Logger log, PaneServer pane, RunningNode node) {
    log.atInfo().log("node stopping");
    pane.close();
    node.close();
    log.atInfo().log("node stopped");
  }

  private static void forget(Thread atExit) {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      LoggerFactory.getLogger("marmot").atDebug().log("shutdown is under way");
    }
  }
}
