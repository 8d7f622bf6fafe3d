package dev.zrs.pickle;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * What storages around a file storage make of data records: {@code .z} and zlib data
 * (zc.zlibstorage), {@code .h} and hexadecimal digits (ZODB's hexstorage, which tests use). No
 * pickle begins with a point, so a record tells its form. Any thread may call.
 */
public final class RecordForm {
  /** Bytes that a record may have; zlib data can stand for a thousand times as many as they are. */
  public static final int MAX_PLAIN = 256 << 20;

  /** zc.zlibstorage leaves shorter ones alone. */
  private static final int SHORTEST_COMPRESSED = 21;

  private static final int PREFIX = 2;
  private static final int MAX_LAYERS = 4;
  private static final int CHUNK = 16 << 10;

  private RecordForm() {}

  /** Whether it is in one of the forms. */
  public static boolean isTransformed(byte[] record) {
    return isOf(record, 'z') || isOf(record, 'h');
  }

  private static boolean isOf(byte[] record, char form) {
    return record.length >= PREFIX && record[0] == '.' && record[1] == form;
  }

  /**
   * The two pickles, whatever form they have; the array itself if it has none.
   *
   * @throws PickleException if they can't be made out, or are longer than {@link #MAX_PLAIN}
   */
  public static byte[] plain(byte[] record) {
    byte[] plain = record;
    for (int i = 0; isTransformed(plain); i++) {
      if (i == MAX_LAYERS) {
        throw new PickleException("a record that was transformed more than four times");
      }
      plain = isOf(plain, 'z') ? decompressed(plain) : unhexed(plain);
    }
    return plain;
  }

  /**
   * One layer of compression less; the array itself if it is not compressed.
   *
   * @throws PickleException as {@link #plain}
   */
  public static byte[] decompressed(byte[] record) {
    if (!isOf(record, 'z')) {
      return record;
    }
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(record, PREFIX, record.length - PREFIX);
      ByteArrayOutputStream out = new ByteArrayOutputStream(4 * record.length);
      byte[] chunk = new byte[CHUNK];
      while (!inflater.finished()) {
        int count = inflater.inflate(chunk);
        if (count == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
          throw new PickleException("compressed data that end too early");
        }
        if (out.size() + count > MAX_PLAIN) {
          throw new PickleException("compressed data of more than " + MAX_PLAIN + " bytes");
        }
        out.write(chunk, 0, count);
      }
      return out.toByteArray();
    } catch (DataFormatException e) {
      throw new PickleException("compressed data that are none: " + e.getMessage());
    }
  }

  /**
   * Compressed as zc.zlibstorage does: not if it is short, or would not become shorter, or begins
   * as compressed data do; the array itself then. So is what is longer than {@link #MAX_PLAIN}.
   */
  public static byte[] compressed(byte[] record) {
    if (record.length < SHORTEST_COMPRESSED || record.length > MAX_PLAIN || isOf(record, 'z')) {
      return record;
    }
    try (Deflater deflater = new Deflater()) {
      deflater.setInput(record);
      deflater.finish();
      byte[] out = new byte[record.length];
      out[0] = '.';
      out[1] = 'z';
      int length = PREFIX;
      while (!deflater.finished() && length < out.length) {
        length += deflater.deflate(out, length, out.length - length);
      }
      return deflater.finished() && length < record.length ? Arrays.copyOf(out, length) : record;
    }
  }

  /**
   * In hexadecimal digits, as zc.zrs's hexstorage writes it; the array itself if it is so already.
   */
  public static byte[] hexed(byte[] record) {
    if (isOf(record, 'h')) {
      return record;
    }
    return (".h" + HexFormat.of().formatHex(record)).getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A plain record in the form that another one has. */
  public static byte[] asForm(byte[] record, byte[] other) {
    if (isOf(other, 'h')) {
      return hexed(asForm(record, unhexed(other)));
    }
    return isOf(other, 'z') ? compressed(record) : record;
  }

  /**
   * One layer of digits less; the array itself if it has none.
   *
   * @throws PickleException if it can't be made out
   */
  public static byte[] unhexed(byte[] record) {
    if (!isOf(record, 'h')) {
      return record;
    }
    try {
      return HexFormat.of()
          .parseHex(
              new String(record, PREFIX, record.length - PREFIX, StandardCharsets.ISO_8859_1));
    } catch (IllegalArgumentException e) {
      throw new PickleException("hexadecimal data that are none");
    }
  }
}
