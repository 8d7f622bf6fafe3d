package dev.zrs.replication;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.util.Arrays;

/** What a primary sends, right or wrong, in the order of the calls. */
final class StreamBuilder {
  private final MessageDigest checksum;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final FrameWriter output;

  StreamBuilder(Tid start) {
    checksum = Md5.startingWith(start.toBytes());
    output = new FrameWriter(bytes, checksum);
  }

  /** A whole, right transaction with one record. */
  StreamBuilder transaction(long tid, byte[] data) {
    return begin(tid).record(1, tid).frame(data).commit();
  }

  StreamBuilder begin(long tid) {
    return begin(tid, " ");
  }

  StreamBuilder begin(long tid, String status) {
    return message("T", new Tid(tid).toBytes(), status, new byte[0], new byte[0], new PyDict());
  }

  StreamBuilder record(long oid, long serial) {
    return message("S", new Oid(oid).toBytes(), new Tid(serial).toBytes(), "", PyNone.NONE);
  }

  StreamBuilder blob(long oid, long serial, long blocks) {
    return message("B", new Oid(oid).toBytes(), new Tid(serial).toBytes(), "", PyNone.NONE, blocks);
  }

  StreamBuilder commit() {
    return message("C", (Object) checksum());
  }

  /** Of all frames so far. */
  byte[] checksum() {
    return Md5.soFar(checksum);
  }

  StreamBuilder message(String type, Object... fields) {
    Object value = PyTuple.of(type, PyTuple.of(Arrays.copyOf(fields, fields.length)));
    return frame(PickleWriter.zrs().write(value).toByteArray());
  }

  StreamBuilder frame(byte[] body) {
    try {
      output.write(body);
      output.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** Bytes outside of any frame. */
  StreamBuilder raw(int... values) {
    for (int value : values) {
      bytes.write(value);
    }
    return this;
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }
}
