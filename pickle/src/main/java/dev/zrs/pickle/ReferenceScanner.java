package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Finds the references of data records as {@link RecordReferences} does, without making the values:
 * on the stack and in the memo lies, instead of each value, what kind it is of. It knows the
 * opcodes of protocols 2 and 3 as ZODB writes them; at whatever else it meets, and at whatever is
 * wrong, it leaves the whole record to {@link RecordReferences}. So both give the same, also the
 * same errors. Not for use by several threads at once.
 */
public final class ReferenceScanner {
  /** Bytes of a record beyond which it is large. */
  public static final int LARGE = 1 << 20;

  private static final VarHandle INT_LE =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG_BE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final long NOT_ASCII = 0x8080808080808080L;

  private static final int OID_LENGTH = 8;
  private static final int MEMO_SLACK = 64;

  /** What is kept between records; more is let go. */
  private static final int KEPT = 1 << 14;

  private static final List<byte[]> KNOWN_FUNCTIONS =
      Reductions.NAMES.stream().map(name -> name.getBytes(StandardCharsets.US_ASCII)).toList();

  // Kinds of values; the bits above are the place of an oid, or the number of an instance.
  private static final int KIND_BITS = 4;
  private static final int KIND_MASK = (1 << KIND_BITS) - 1;
  private static final int OTHER = 1;
  private static final int OID = 2;
  private static final int TUPLE = 3;
  private static final int TUPLE_WITH_OID = 4;
  private static final int LIST = 5;
  private static final int DICT = 6;
  private static final int INSTANCE = 7;

  /** A global that can stand for a call that makes a plain value. */
  private static final int KNOWN_FUNCTION = 8;

  private final Lock large;
  private byte[] buf = new byte[0];
  private int pos;
  private int end;
  private long[] stack = new long[64];
  private int sp;
  private int[] marks = new int[16];
  private int markCount;
  private int items;
  private int fence;
  private long[] memo = new long[64];
  private int memoEnd;
  private int memoCount;
  private boolean[] built = new boolean[16];
  private int instances;
  private long[] found = new long[64];
  private int foundCount;
  private boolean gaveUp;

  /** One that shares no memory with others. */
  public ReferenceScanner() {
    this(new ReentrantLock());
  }

  /**
   * One of several.
   *
   * @param large is held while a record that is large when it is unfolded is in memory, so that of
   *     all that have this lock only one has such a record. The caller may hold it already
   */
  public ReferenceScanner(Lock large) {
    this.large = large;
  }

  /**
   * As {@link RecordReferences#of}, for a record that is a part of an array.
   *
   * @throws PickleException as there
   */
  public void scan(byte[] buffer, int offset, int length, LongConsumer oids) {
    if (length > 0 && buffer[offset] == '.') {
      byte[] any = Arrays.copyOfRange(buffer, offset, offset + length);
      if (RecordForm.isTransformed(any)) {
        scanTransformed(any, oids);
        return;
      }
    }
    scanPlain(buffer, offset, length, oids);
  }

  private void scanTransformed(byte[] any, LongConsumer oids) {
    byte[] plain = RecordForm.plainUpTo(any, LARGE);
    if (plain != null) {
      scanPlain(plain, 0, plain.length, oids);
      return;
    }
    large.lock();
    try {
      plain = RecordForm.plain(any);
      scanPlain(plain, 0, plain.length, oids);
    } finally {
      large.unlock();
    }
  }

  private void scanPlain(byte[] buffer, int offset, int length, LongConsumer oids) {
    if (reads(buffer, offset, length)) {
      for (int i = 0; i < foundCount; i++) {
        oids.accept(found[i]);
      }
    } else {
      RecordReferences.ofPlain(buffer, offset, length, oids);
    }
  }

  /** Whether it can read the record, which is in no other form, without help. */
  boolean reads(byte[] buffer, int offset, int length) {
    if (found.length > KEPT) {
      found = new long[KEPT];
    }
    buf = buffer;
    pos = offset;
    end = offset + length;
    foundCount = 0;
    instances = 0;
    gaveUp = false;
    try {
      boolean metadata = readPickle();
      return metadata && readPickle();
    } finally {
      forget();
    }
  }

  private void forget() {
    buf = new byte[0];
    if (memo.length > KEPT) {
      memo = new long[KEPT];
    } else {
      Arrays.fill(memo, 0, memoEnd, 0);
    }
    memoEnd = 0;
    memoCount = 0;
    if (stack.length > KEPT) {
      stack = new long[KEPT];
    }
    if (built.length > KEPT) {
      built = new boolean[KEPT];
    }
  }

  private boolean readPickle() {
    sp = 0;
    markCount = 0;
    fence = 0;
    items = 0;
    while (!gaveUp && pos < end) {
      int opcode = buf[pos++] & 0xff;
      if (opcode == STOP) {
        return markCount == 0 && sp > 0;
      }
      step(opcode);
    }
    return false;
  }

  /** Leaves the record to the one that knows everything. */
  private void giveUp() {
    gaveUp = true;
  }

  private void step(int opcode) {
    switch (opcode) {
      case PROTO -> {
        if (u1() > HIGHEST_PROTOCOL) {
          giveUp();
        }
      }
      case MARK -> mark();
      case NONE, NEWTRUE, NEWFALSE -> push(OTHER);
      case BININT1 -> pushAfter(1);
      case BININT2 -> pushAfter(2);
      case BININT -> pushAfter(4);
      case BINFLOAT -> pushAfter(8);
      case LONG1 -> pushAfter(u1());
      case LONG4 -> pushAfter(u4());
      case SHORT_BINBYTES, SHORT_BINSTRING -> pushBytes(u1());
      case BINBYTES, BINSTRING -> pushBytes(u4());
      case BINUNICODE -> pushText(u4());
      case SHORT_BINUNICODE -> pushText(u1());
      case BINPUT -> remember(u1());
      case LONG_BINPUT -> remember(u4());
      case BINGET -> recall(u1());
      case LONG_BINGET -> recall(u4());
      case EMPTY_TUPLE -> push(TUPLE);
      case TUPLE1 -> pushTuple(needed(1));
      case TUPLE2 -> pushTuple(needed(2));
      case TUPLE3 -> pushTuple(needed(3));
      case Opcode.TUPLE -> pushTuple(popMark());
      case EMPTY_LIST -> push(LIST);
      case APPEND -> addTo(needed(1), LIST);
      case APPENDS -> addTo(popMark(), LIST);
      case EMPTY_DICT -> push(DICT);
      case SETITEM -> addTo(needed(2), DICT);
      case SETITEMS -> addTo(popMark(), DICT);
      case GLOBAL -> pushGlobal();
      case BINPERSID -> persistentId();
      case REDUCE -> call(true);
      case NEWOBJ -> call(false);
      case BUILD -> build();
      default -> giveUp();
    }
  }

  // The input. What is not there makes it give up; the number then is one that can be used.

  private int skip(long length) {
    if (length < 0 || length > end - pos) {
      giveUp();
      return pos;
    }
    int from = pos;
    pos += (int) length;
    return from;
  }

  private int u1() {
    int from = skip(1);
    return gaveUp ? 0 : buf[from] & 0xff;
  }

  private long u4() {
    int from = skip(4);
    return gaveUp ? 0 : (int) INT_LE.get(buf, from) & 0xffffffffL;
  }

  private void pushAfter(long length) {
    skip(length);
    push(OTHER);
  }

  private void pushBytes(long length) {
    int from = skip(length);
    push(length == OID_LENGTH ? (long) from << KIND_BITS | OID : OTHER);
  }

  private void pushText(long length) {
    int from = skip(length);
    if (!gaveUp && !isText(from, pos)) {
      giveUp();
    }
    push(OTHER);
  }

  private boolean isText(int from, int to) {
    int i = from;
    while (i + Long.BYTES <= to && ((long) LONG_BE.get(buf, i) & NOT_ASCII) == 0) {
      i += Long.BYTES;
    }
    while (i < to && buf[i] >= 0) {
      i++;
    }
    return i == to || Utf8.decodeOrNull(buf, i, to - i) != null;
  }

  // The stack, as in Unpickler.

  private void push(long value) {
    if (++items > PickleLimits.DEFAULT_MAX_ITEMS) {
      giveUp();
    }
    if (sp == stack.length) {
      stack = Arrays.copyOf(stack, sp * 2);
    }
    stack[sp++] = value;
  }

  private long pop() {
    int top = needed(1);
    if (gaveUp) {
      return OTHER;
    }
    sp = top;
    return stack[top];
  }

  private int needed(int count) {
    if (sp - count < fence) {
      giveUp();
      return sp;
    }
    return sp - count;
  }

  private void mark() {
    if (markCount >= PickleLimits.DEFAULT_MAX_DEPTH) {
      giveUp();
      return;
    }
    if (markCount == marks.length) {
      marks = Arrays.copyOf(marks, markCount * 2);
    }
    marks[markCount++] = sp;
    fence = sp;
  }

  private int popMark() {
    if (markCount == 0) {
      giveUp();
      return sp;
    }
    int from = marks[--markCount];
    fence = markCount == 0 ? 0 : marks[markCount - 1];
    return from;
  }

  private void remember(long index) {
    int top = needed(1);
    if (gaveUp || index > 2L * memoCount + MEMO_SLACK) {
      giveUp();
      return;
    }
    int i = (int) index;
    if (i >= memo.length) {
      memo = Arrays.copyOf(memo, Math.max(i + 1, memo.length * 2));
    }
    if (memo[i] == 0 && ++memoCount > PickleLimits.DEFAULT_MAX_ITEMS) {
      giveUp();
    }
    memo[i] = stack[top];
    memoEnd = Math.max(memoEnd, i + 1);
  }

  private void recall(long index) {
    if (index >= memoEnd || memo[(int) index] == 0) {
      giveUp();
      return;
    }
    push(memo[(int) index]);
  }

  // The values.

  private static int kind(long value) {
    return (int) value & KIND_MASK;
  }

  private static boolean isTuple(long value) {
    return kind(value) == TUPLE || kind(value) == TUPLE_WITH_OID;
  }

  private void pushTuple(int from) {
    if (gaveUp) {
      return;
    }
    boolean withOid = from < sp && kind(stack[from]) == OID;
    long value = withOid ? (stack[from] & ~KIND_MASK) | TUPLE_WITH_OID : TUPLE;
    sp = from;
    push(value);
  }

  private void addTo(int from, int kind) {
    boolean isPossible =
        !gaveUp
            && from > fence
            && (kind(stack[from - 1]) == kind || kind(stack[from - 1]) == INSTANCE)
            && (kind == LIST || (sp - from) % 2 == 0);
    if (isPossible) {
      sp = from;
    } else {
      giveUp();
    }
  }

  private void pushGlobal() {
    int module = pos;
    int name = afterLine(module);
    int after = gaveUp ? name : afterLine(name);
    if (gaveUp || !isText(module, name) || !isText(name, after)) {
      giveUp();
      return;
    }
    pos = after;
    push(isKnownFunction(name, after - 1) ? KNOWN_FUNCTION : OTHER);
  }

  private boolean isKnownFunction(int from, int to) {
    for (byte[] name : KNOWN_FUNCTIONS) {
      if (Arrays.equals(buf, from, to, name, 0, name.length)) {
        return true;
      }
    }
    return false;
  }

  private int afterLine(int from) {
    int i = from;
    while (i < end && buf[i] != '\n') {
      i++;
    }
    if (i == end) {
      giveUp();
    }
    return i + 1;
  }

  private void persistentId() {
    long id = pop();
    switch (kind(id)) {
      case OID, TUPLE_WITH_OID -> {
        if (foundCount == found.length) {
          found = Arrays.copyOf(found, 2 * foundCount);
        }
        found[foundCount++] = (long) LONG_BE.get(buf, (int) (id >>> KIND_BITS));
        push(OTHER);
      }
      // A weak reference, or one to another database.
      case LIST -> push(OTHER);
      default -> giveUp();
    }
  }

  private void call(boolean anyCallable) {
    long arguments = pop();
    long callable = pop();
    if (gaveUp || !isTuple(arguments) || (anyCallable && kind(callable) == KNOWN_FUNCTION)) {
      giveUp();
      return;
    }
    if (instances == built.length) {
      built = Arrays.copyOf(built, 2 * instances);
    }
    built[instances] = false;
    push((long) instances << KIND_BITS | INSTANCE);
    instances++;
  }

  private void build() {
    pop();
    int top = needed(1);
    if (gaveUp || kind(stack[top]) != INSTANCE || built[(int) (stack[top] >>> KIND_BITS)]) {
      giveUp();
      return;
    }
    built[(int) (stack[top] >>> KIND_BITS)] = true;
  }
}
