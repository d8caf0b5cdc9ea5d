package dev.marmot.node.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.verify.Repair.Part;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which keys have to be sent again. */
class RepairTest {
  private static final TableShape SHAPE = new TableShape("t", false, List.of("id"), List.of("v"));

  /** Keys as numbers, what their rows hash to as texts. */
  private static Part part(Map<Long, String> rows) {
    Map<Long, RowImage> keys = new HashMap<>();
    rows.keySet()
        .forEach(
            id ->
                keys.put(
                    id,
                    new RowImage(
                        SHAPE, List.of(new SqliteValue.Int(id)), List.of(), true, false, id)));
    return new Part(keys, rows);
  }

  @Test
  void keysThatDiffer_orThatOneSideLacks_onceEach() {
    Part right = part(Map.of(1L, "a", 2L, "b", 3L, "c"));
    Part falsified = part(Map.of(1L, "a", 2L, "x", 4L, "only here"));
    Part lost = part(Map.of(1L, "a", 2L, "y", 3L, "c"));
    assertThat(right.differing(List.of(falsified, lost)))
        .extracting(RowImage::keyHash)
        .containsExactlyInAnyOrder(2L, 3L, 4L);
  }

  @Test
  void sameRows_needNothing() {
    Part right = part(Map.of(1L, "a"));
    assertThat(right.differing(List.of(part(Map.of(1L, "a"))))).isEmpty();
    assertThat(right.differing(List.of())).isEmpty();
  }
}
