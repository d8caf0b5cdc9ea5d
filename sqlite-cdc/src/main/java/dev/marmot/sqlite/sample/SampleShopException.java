package dev.marmot.sqlite.sample;

import java.sql.SQLException;

/** The shop's statement was refused and left nothing behind; SQLite's own words say why. */
public final class SampleShopException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SampleShopException(String doing, SQLException cause) {
    super("cannot " + doing + ": " + cause.getMessage(), cause);
  }
}
