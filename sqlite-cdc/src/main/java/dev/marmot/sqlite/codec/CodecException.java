package dev.marmot.sqlite.codec;

/**
 * Rows that cannot be put into bytes, or bytes that are not rows. Trying again does not help: the
 * same input fails in the same way.
 */
public final class CodecException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CodecException(String message) {
    super(message);
  }

  CodecException(String message, Throwable cause) {
    super(message, cause);
  }
}
