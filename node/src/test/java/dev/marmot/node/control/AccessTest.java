package dev.marmot.node.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.config.AuthKey;
import dev.marmot.node.control.Access.Caller;
import dev.marmot.node.control.ControlException.Kind;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AccessTest {
  private static final Access OPEN = new Access(AuthKey.NONE);
  private static final Access KEYED = new Access(AuthKey.of("s3cret"));

  private static Caller caller(String remote, String host, @Nullable String authorization)
      throws UnknownHostException {
    return new Caller(InetAddress.getByName(remote), host, null, authorization);
  }

  @Test
  void withoutKey_onlyLoopbackIsAnswered_healthIncluded() throws Exception {
    assertThat(OPEN.refuse(caller("127.0.0.1", "localhost", null), false)).isEmpty();
    assertThat(OPEN.refuse(caller("::1", "::1", null), false)).isEmpty();
    assertThat(OPEN.refuse(caller("::1", "[0:0:0:0:0:0:0:1]", null), false)).isEmpty();
    assertThat(OPEN.refuse(caller("192.0.2.7", "db-1", null), true))
        .hasValueSatisfying(
            refusal -> {
              assertThat(refusal.kind()).isEqualTo(Kind.FORBIDDEN);
              assertThat(refusal)
                  .hasMessageContaining("192.0.2.7")
                  .hasMessageContaining("AUTH_KEY");
            });
  }

  @Test
  void withoutKey_aForeignHostNameIsRefused() throws Exception {
    assertThat(OPEN.refuse(caller("127.0.0.1", "rebound.example", null), false)).isPresent();
    assertThat(OPEN.refuse(caller("::1", "[fd00::1]", null), false)).isPresent();
  }

  @Test
  void withKey_everywhereIsAnsweredThatHasIt() throws Exception {
    assertThat(KEYED.refuse(caller("192.0.2.7", "db-1", "s3cret"), false)).isEmpty();
    assertThat(KEYED.refuse(caller("192.0.2.7", "db-1", null), true)).isEmpty();
    assertThat(KEYED.refuse(caller("127.0.0.1", "localhost", "S3cret"), false)).isPresent();
    assertThat(KEYED.refuse(caller("192.0.2.7", "db-1", "Bearer s3cret"), false)).isEmpty();
    assertThat(KEYED.refuse(caller("192.0.2.7", "db-1", "Bearer s3cre"), false)).isPresent();
    assertThat(KEYED.refuse(caller("192.0.2.7", "db-1", "Basic s3cret"), false)).isPresent();
    assertThat(KEYED.refuse(caller("127.0.0.1", "localhost", null), false)).isPresent();
  }
}
