package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What an operator reads with {@code --verbose}: every step of a change, and no value of a row. */
class VerboseTest {
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";

  @TempDir private Path directory;

  @Test
  void everyStepIsLogged_withoutValues() throws Exception {
    Logger logger = (Logger) LoggerFactory.getLogger("dev.marmot");
    Level before = logger.getLevel();
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    logger.setLevel(Level.DEBUG);
    logger.addAppender(lines);
    try (Side side = Side.open(directory, 1, TABLE);
        Replicator replicator =
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT)) {
      replicator.start(new LocalLogs(replicator), () -> true);
      side.run("INSERT INTO t VALUES(1,'secret')");
      await().until(() -> side.store.newestSeq() > 0 && side.store.pendingChanges() == 0);
    } finally {
      logger.detachAppender(lines);
      logger.setLevel(before);
    }

    List<String> texts =
        lines.list.stream()
            .map(event -> event.getFormattedMessage() + " " + event.getKeyValuePairs())
            .toList();
    for (String step : List.of("captured", "committed", "applied")) {
      assertThat(texts).as(step).anyMatch(text -> text.startsWith(step + " "));
    }
    assertThat(texts).noneMatch(text -> text.contains("secret"));
  }
}
