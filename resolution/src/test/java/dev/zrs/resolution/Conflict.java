package dev.zrs.resolution;

import dev.zrs.testkit.HexLines;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;

/**
 * The three data records of a conflict.
 *
 * @param old what both changes are based on
 * @param committed the change that came first
 * @param changed the other one
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Conflict(byte[] old, byte[] committed, byte[] changed) {
  /** Small ones of many kinds, made by conflicts.py; each as {@link #of} reads it. */
  static List<byte[]> kept() {
    return HexLines.of(Conflict.class, "fuzz-conflicts.txt");
  }

  /** Reads three records with their lengths. Any bytes are some conflict. */
  static Conflict of(byte[] input) {
    ByteBuffer in = ByteBuffer.wrap(input);
    return new Conflict(next(in), next(in), next(in));
  }

  private static byte[] next(ByteBuffer in) {
    int announced = in.remaining() < Integer.BYTES ? 0 : in.getInt() & Integer.MAX_VALUE;
    byte[] record = new byte[Math.min(announced, in.remaining())];
    in.get(record);
    return record;
  }

  int length() {
    return old.length + committed.length + changed.length;
  }

  Resolution resolve() {
    return ConflictResolver.resolve(old, committed, changed);
  }

  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return "%s %s %s"
        .formatted(hex.formatHex(old), hex.formatHex(committed), hex.formatHex(changed));
  }
}
