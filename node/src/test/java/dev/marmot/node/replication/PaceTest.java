package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PaceTest {
  private final Pace pace = new Pace(20_000, Duration.ofSeconds(1));

  @Test
  void rows_thatAreQuick_asManyAsAllowed() {
    assertThat(pace.rows()).isEqualTo(20_000);
    pace.held(20_000, 300_000_000);
    assertThat(pace.rows()).isEqualTo(20_000);
    assertThat(pace.longestMillis()).isEqualTo(300);
  }

  @Test
  void rows_thatAreSlow_fewerUntilTheyFit() {
    for (int i = 0; i < 20; i++) {
      pace.held(pace.rows(), pace.rows() * 1_000_000L);
    }
    assertThat(pace.rows()).isBetween(990, 1_010);
    for (int i = 0; i < 40; i++) {
      pace.held(pace.rows(), pace.rows() * 10_000L);
    }
    assertThat(pace.rows()).isEqualTo(20_000);
  }

  @Test
  void rows_neverSoFewThatNothingMoves() {
    pace.held(1_000, 3_600_000_000_000L);
    assertThat(pace.rows()).isEqualTo(200);
  }

  @Test
  void smallTransactions_teachNothing() {
    pace.held(1, 5_000_000_000L);
    assertThat(pace.rows()).isEqualTo(20_000);
  }
}
