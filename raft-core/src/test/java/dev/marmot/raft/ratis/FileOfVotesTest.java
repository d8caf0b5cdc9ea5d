package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.ratis.util.AtomicFileOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file in which a member writes whom it voted for, written as Ratis does. */
final class FileOfVotesTest {
  @TempDir Path directory;

  private static void vote(Path file, int term) throws IOException {
    Properties vote = new Properties();
    vote.setProperty("term", String.valueOf(term));
    try (BufferedWriter out =
        new BufferedWriter(
            new OutputStreamWriter(
                new AtomicFileOutputStream(file.toFile()), StandardCharsets.UTF_8))) {
      vote.store(out, "");
    }
  }

  @Test
  void fullDisk_keepsTheLastVote() throws IOException {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 1)) {
      Path file = directory.resolve("disk").resolve("raft-meta");
      vote(file, 1);
      disk.fill();
      assertThatThrownBy(() -> vote(file, 2)).hasMessageContaining("No space left");
      assertThat(file).content().contains("term=1");
      assertThat(directory.resolve("disk").resolve("raft-meta.tmp")).doesNotExist();
      disk.free();
      vote(file, 3);
      assertThat(file).content().contains("term=3");
    }
  }

  @Test
  void ratisUsesTheFileWriterOfMarmot() {
    assertThat(AtomicFileOutputStream.keepsFileAfterFailedWrite()).isTrue();
  }
}
