package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The checker of the guarantees finds anomalies in hand-made histories, and cuts the power. */
class GuaranteesJudgeTest {
  @Test
  void judgeFindsWhatItMustFind() throws Exception {
    assertThat(run("guarantees.test_judge"))
        .endsWith("OK")
        .contains("two_nodes_disagree_about_two_others");
  }

  /** Left out where there is no C compiler. */
  @Test
  void aLossOfPowerTakesWhatWasNotSynced() throws Exception {
    assertThat(run("guarantees.test_power")).contains("OK").contains("sqlite_keeps_what_it_synced");
  }

  private static String run(String module) throws Exception {
    ProcessBuilder tests =
        new ProcessBuilder(List.of("python3", "-B", "-m", "unittest", module, "-v"));
    tests.environment().put("PYTHONPATH", "../scripts");
    Process running = tests.redirectErrorStream(true).start();
    String output =
        new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(running.waitFor()).as(output).isZero();
    return output;
  }
}
