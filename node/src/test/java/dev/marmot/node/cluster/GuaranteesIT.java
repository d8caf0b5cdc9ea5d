package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The checker of the guarantees, in its short form; see docs/testing.md. */
class GuaranteesIT {
  @Test
  void killsAndPausesUnderLoad_everyReaderSeesOneOrderOfWholeTransactions() throws Exception {
    List<String> command = NodeProcess.script("check-guarantees");
    command.addAll(List.of("--short", "--minutes=0.2", "--seed=3"));
    assertThat(Tools.run(command, "")).endsWith("no anomaly");
  }
}
