package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The checker of the guarantees finds anomalies in hand-made histories. */
class GuaranteesJudgeTest {
  @Test
  void judgeFindsWhatItMustFind() throws Exception {
    ProcessBuilder tests =
        new ProcessBuilder(
            List.of("python3", "-B", "-m", "unittest", "guarantees.test_judge", "-v"));
    tests.environment().put("PYTHONPATH", "../scripts");
    Process running = tests.redirectErrorStream(true).start();
    String output =
        new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(running.waitFor()).as(output).isZero();
    assertThat(output).endsWith("OK").contains("two_nodes_disagree_about_two_others");
  }
}
