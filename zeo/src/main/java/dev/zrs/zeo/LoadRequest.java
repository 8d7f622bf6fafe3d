package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * The request that makes up most of the traffic, a loadBefore whose message id is its arguments, as
 * ZEO 5 and 6 clients pickle it: always the same 63 bytes but for oid and tid, twice. Reading it
 * here saves the objects of a general unpickling; a message of any other form is left to that.
 */
final class LoadRequest {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  // PROTO 3, MARK, the message id: two bytes objects and TUPLE2, False, the name, the arguments.
  private static final byte[] TEMPLATE =
      HexFormat.of()
          .parseHex(
              "800328"
                  + "43080000000000000000"
                  + "43080000000000000000"
                  + "8689"
                  + "580a0000006c6f61644265666f7265"
                  + "43080000000000000000"
                  + "43080000000000000000"
                  + "86742e");

  private static final int ID_OID = 5;
  private static final int ID_TID = 15;
  private static final int OID = 42;
  private static final int TID = 52;

  private LoadRequest() {}

  static boolean matches(byte[] buffer, int offset, int length) {
    if (length != TEMPLATE.length) {
      return false;
    }
    int from = 0;
    for (int value : new int[] {ID_OID, ID_TID, OID, TID, length}) {
      for (int i = from; i < value; i++) {
        if (buffer[offset + i] != TEMPLATE[i]) {
          return false;
        }
      }
      from = value + Long.BYTES;
    }
    return true;
  }

  static long oid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + OID);
  }

  static long tid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + TID);
  }

  static long idOid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + ID_OID);
  }

  static long idTid(byte[] buffer, int offset) {
    return (long) LONG.get(buffer, offset + ID_TID);
  }

  /** Writes such a message, for tests and clients. */
  static void write(PickleWriter out, long oid, long tid) {
    out.start().mark().bytes8(oid).bytes8(tid).tuple2().bool(false).text("loadBefore");
    out.bytes8(oid).bytes8(tid).tuple2().tuple().stop();
  }
}
