package dev.marmot.node.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StartsTest {
  private static final SplittableRandom RANDOM = new SplittableRandom(1);
  private static final Optional<StartNumber> NEVER = Optional.empty();

  private static Optional<String> refusal(Starts directory, Optional<StartNumber> file) {
    return directory.refusal(3, Path.of("app.db"), Path.of("raft"), file);
  }

  /** A start that went well. */
  private static Starts start(Starts before) {
    return before.intending(before.done(), RANDOM).begun();
  }

  @Test
  void aCrashAtAnyStepOfAStart_isNoContradiction() {
    Starts first = start(Starts.NONE);
    assertThat(first.done().orElseThrow().number()).isEqualTo(1);
    Starts intending = first.intending(first.done(), RANDOM);
    assertThat(refusal(intending, first.done())).as("before the file was written").isEmpty();
    assertThat(refusal(intending, intending.intended())).as("after it").isEmpty();
    Starts again = intending.intending(intending.intended(), RANDOM);
    assertThat(refusal(again, intending.intended())).as("and the same once more").isEmpty();
    assertThat(again.intended().orElseThrow().number()).isEqualTo(3);
    assertThat(refusal(again.begun(), again.intended())).isEmpty();
  }

  @Test
  void anOlderFile_isRefused() {
    Starts first = start(Starts.NONE);
    Starts second = start(first);
    assertThat(refusal(second, first.done()).orElseThrow())
        .contains("app.db is an older copy of itself (of start 1, the last was 2)")
        .contains("--adopt");
    assertThat(refusal(second, NEVER)).isPresent();
  }

  @Test
  void anOlderDirectory_isRefused_alsoByOneStart() {
    Starts first = start(Starts.NONE);
    Starts second = start(first);
    assertThat(refusal(first, second.done()).orElseThrow())
        .contains("directory raft is an older copy of itself (of start 1, app.db knows start 2)")
        .contains("--join HOST:PORT --replace");
    assertThat(refusal(first.intending(first.done(), RANDOM), second.done()))
        .as("a start that was refused says the same the next time")
        .isPresent();
  }

  @Test
  void twoLivesFromTheSameCopy_doNotMatch() {
    Starts first = start(Starts.NONE);
    assertThat(refusal(start(first), start(first).done()).orElseThrow())
        .contains("knows another start 2");
  }

  @Test
  void text_isReadBack() {
    Starts first = start(Starts.NONE);
    Starts intending = first.intending(first.done(), RANDOM);
    assertThat(Starts.parse(intending.toString())).isEqualTo(intending);
    assertThat(Starts.parse(first.toString())).isEqualTo(first);
  }
}
