package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.CanonicalKey.Encoding;
import java.util.Arrays;

/**
 * Converts UTF-16 to UTF-8 the way SQLite does it. Pure.
 *
 * <p>For valid text that is the standard's way. A surrogate without its partner is joined with
 * whatever follows, which no Java decoder does, but equal keys must come out equal for such text
 * too.
 */
final class Utf16 {
  private Utf16() {}

  static byte[] toUtf8(byte[] in, Encoding encoding) {
    int even = in.length & ~1;
    byte[] out = new byte[even * 2];
    int n = 0;
    for (int i = 0; i < even; ) {
      int c = unit(in, i, encoding);
      i += 2;
      if (c >= 0xD800 && c < 0xE000 && i < even) {
        int low = unit(in, i, encoding);
        i += 2;
        c = (low & 0x3FF) + ((c & 0x3F) << 10) + (((c & 0x3C0) + 0x40) << 10);
      }
      n = put(out, n, c);
    }
    return Arrays.copyOf(out, n);
  }

  private static int unit(byte[] in, int at, Encoding encoding) {
    int first = in[at] & 0xFF;
    int second = in[at + 1] & 0xFF;
    return encoding == Encoding.UTF_16BE ? (first << 8) | second : (second << 8) | first;
  }

  private static int put(byte[] out, int n, int c) {
    if (c < 0x80) {
      out[n++] = (byte) c;
    } else if (c < 0x800) {
      out[n++] = (byte) (0xC0 | (c >> 6));
      out[n++] = (byte) (0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      out[n++] = (byte) (0xE0 | (c >> 12));
      out[n++] = (byte) (0x80 | ((c >> 6) & 0x3F));
      out[n++] = (byte) (0x80 | (c & 0x3F));
    } else {
      out[n++] = (byte) (0xF0 | ((c >> 18) & 7));
      out[n++] = (byte) (0x80 | ((c >> 12) & 0x3F));
      out[n++] = (byte) (0x80 | ((c >> 6) & 0x3F));
      out[n++] = (byte) (0x80 | (c & 0x3F));
    }
    return n;
  }
}
