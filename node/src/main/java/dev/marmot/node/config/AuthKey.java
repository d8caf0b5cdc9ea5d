package dev.marmot.node.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** The secret of the control pane, or none. Never printed. Immutable. */
public final class AuthKey {
  /** No secret: the pane answers on loopback only. */
  public static final AuthKey NONE = new AuthKey("");

  private final String secret;

  private AuthKey(String secret) {
    this.secret = secret;
  }

  /** An empty text is no secret. */
  public static AuthKey of(String secret) {
    return secret.isEmpty() ? NONE : new AuthKey(secret);
  }

  public boolean isSet() {
    return !secret.isEmpty();
  }

  /** Compares in a time that does not depend on where the texts differ. */
  public boolean matches(String given) {
    return isSet()
        && MessageDigest.isEqual(
            secret.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
  }

  /** The secret itself, for the client that sends it. */
  public String reveal() {
    return secret;
  }

  @Override
  public String toString() {
    return isSet() ? "set" : "not set";
  }
}
