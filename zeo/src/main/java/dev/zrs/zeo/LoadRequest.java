package dev.zrs.zeo;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.stream.IntStream;

/**
 * The request that makes up most of the traffic, a loadBefore whose message id is its arguments, as
 * ZEO 5 and 6 clients encode it: always the same bytes but for oid and tid, twice. Reading it here
 * saves the objects of a general decoding; a message of any other form is left to that.
 */
final class LoadRequest {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  // PROTO 3, MARK, the message id: two bytes objects and TUPLE2, False, the name, the arguments.
  static final LoadRequest PICKLED =
      new LoadRequest(
          "800328"
              + "43080000000000000000"
              + "43080000000000000000"
              + "8689"
              + "580a0000006c6f61644265666f7265"
              + "43080000000000000000"
              + "43080000000000000000"
              + "86742e",
          5,
          42);

  // An array of four: an array of two binaries, false, the name, an array of two binaries.
  static final LoadRequest MSGPACK =
      new LoadRequest(
          "9492"
              + "c4080000000000000000"
              + "c4080000000000000000"
              + "c2"
              + "aa6c6f61644265666f7265"
              + "92"
              + "c4080000000000000000"
              + "c4080000000000000000",
          4,
          37);

  /** From one of two numbers to the other: eight bytes, and two that say so. */
  private static final int STEP = Long.BYTES + 2;

  private final byte[] template;
  private final int id;
  private final int arguments;

  /** Bytes that count: those that are not part of a number. */
  private final int[] fixed;

  private LoadRequest(String template, int id, int arguments) {
    this.template = HexFormat.of().parseHex(template);
    this.id = id;
    this.arguments = arguments;
    this.fixed =
        IntStream.range(0, this.template.length)
            .filter(i -> !isNumber(i, id) && !isNumber(i, arguments))
            .toArray();
  }

  private static boolean isNumber(int i, int first) {
    int within = i - first;
    return within >= 0 && within < STEP + Long.BYTES && within % STEP < Long.BYTES;
  }

  boolean matches(byte[] buffer, int offset, int length) {
    if (length != template.length) {
      return false;
    }
    for (int i : fixed) {
      if (buffer[offset + i] != template[i]) {
        return false;
      }
    }
    return true;
  }

  long oid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + arguments);
  }

  long tid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + arguments + STEP);
  }

  long idOid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + id);
  }

  long idTid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + id + STEP);
  }

  /** Such a message, for tests and clients. */
  byte[] of(long oid, long tid) {
    byte[] message = template.clone();
    LONG.set(message, id, oid);
    LONG.set(message, id + STEP, tid);
    LONG.set(message, arguments, oid);
    LONG.set(message, arguments + STEP, tid);
    return message;
  }
}
