package dev.marmot.sqlite.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleShopTest {
  @TempDir private Path directory;

  @Test
  void create_twice_makesEqualContent() {
    SampleShop.create(directory.resolve("a.db"));
    SampleShop.create(directory.resolve("b.db"));

    try (SampleShop a = SampleShop.open(directory.resolve("a.db"));
        SampleShop b = SampleShop.open(directory.resolve("b.db"))) {
      assertThat(a.digest()).isEqualTo(b.digest());
      assertThat(a.digest().rows()).isEqualTo(70);
    }
  }

  @Test
  void placeOrder_changesTheDigestAndIsWhole() {
    SampleShop.create(directory.resolve("a.db"));

    try (SampleShop shop = SampleShop.open(directory.resolve("a.db"))) {
      ContentDigest before = shop.digest();
      shop.placeOrder("n1-1", 3, List.of(1, 2));

      assertThat(shop.itemsOf("n1-1")).isEqualTo(2);
      assertThat(shop.digest().rows()).isEqualTo(73);
      assertThat(shop.digest()).isNotEqualTo(before);
    }
  }

  @Test
  void placeOrder_ofAnUnknownCustomer_leavesNothingBehind() {
    SampleShop.create(directory.resolve("a.db"));

    try (SampleShop shop = SampleShop.open(directory.resolve("a.db"))) {
      ContentDigest before = shop.digest();

      assertThatThrownBy(() -> shop.placeOrder("n1-1", 999, List.of(1)))
          .isInstanceOf(SampleShopException.class)
          .hasMessageContaining("FOREIGN KEY");
      assertThat(shop.digest()).isEqualTo(before);
    }
  }

  @Test
  void create_overAFile_isRefused() {
    SampleShop.create(directory.resolve("a.db"));

    assertThatThrownBy(() -> SampleShop.create(directory.resolve("a.db")))
        .hasMessageContaining("it exists");
  }
}
