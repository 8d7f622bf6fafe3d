package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Reads pickles of protocols 0 to 5 as data. Nothing is looked up or constructed by name; what
 * Python would construct becomes a {@link PyInstance}. The values:
 *
 * <ul>
 *   <li>None: {@link PyNone#NONE}; bool: Boolean; int: Long, or BigInteger beyond 64 bits; float:
 *       Double;
 *   <li>bytes: {@code byte[]} (also as the calls by which protocols below 3 spell them); str:
 *       String; a Python 2 str: {@link PyStr8};
 *   <li>containers: {@link PyTuple}, {@link PyList}, {@link PyDict}, {@link PySet}, {@link
 *       PyFrozenSet}, {@link PyByteArray};
 *   <li>{@link PyGlobal}, {@link PyExtension}, {@link PyPersistent}, {@link PyInstance}.
 * </ul>
 *
 * <p>Values that a pickle shares or that contain themselves come out the same. Bad input throws
 * {@link PickleException} and nothing else. Not for use by several threads at once.
 */
public final class Unpickler {
  private final PickleInput in;
  private final PickleLimits limits;
  private final Memo memo = new Memo();
  private Object[] stack = new Object[16];
  private int[] marks = new int[8];
  private boolean mapsNames = true;
  private Consumer<Object> persistentIds = id -> {};

  private int sp;
  private int markCount;
  // The stack below this belongs to an outer mark.
  private int fence;
  private int protocol;
  private int items;
  private long copied;
  private boolean done;
  private int opcode;
  private int opcodeAt;
  private int lastOpcode;

  /**
   * Reads from a part of a buffer, which must not change meanwhile; the values are copies.
   *
   * @param buf the buffer
   * @param offset where the first pickle begins
   * @param length how many bytes may be read
   * @param limits what to refuse
   */
  public Unpickler(byte[] buf, int offset, int length, PickleLimits limits) {
    this.in = new PickleInput(buf, offset, length);
    this.limits = limits;
  }

  /** The value of one pickle, with the default limits; what follows it is ignored. */
  public static Object load(byte[] pickle) {
    return new Unpickler(pickle, 0, pickle.length, PickleLimits.DEFAULT).load();
  }

  /**
   * Keeps the names of globals as they are. Otherwise names in pickles of protocols 0 to 2 become
   * those of Python 3 ({@code __builtin__} becomes {@code builtins}), as in Python's own {@code
   * loads}. ZODB keeps them in data records.
   */
  public Unpickler keepNames() {
    mapsNames = false;
    return this;
  }

  /** Has {@code listener} told of each persistent id, in the order in which they are read. */
  Unpickler tellPersistentIds(Consumer<Object> listener) {
    persistentIds = listener;
    return this;
  }

  /** The offset in the buffer of the next byte to be read. */
  public int position() {
    return in.position();
  }

  /**
   * The value of the next pickle. The memo lives on, as the second pickle of a data record may
   * refer to the first one.
   *
   * @throws PickleException if it is not a good pickle or exceeds a limit; the position is then
   *     undefined
   */
  public Object load() {
    sp = 0;
    markCount = 0;
    fence = 0;
    protocol = 0;
    items = 0;
    copied = 0;
    done = false;
    lastOpcode = 0;
    opcode = 0;
    try {
      while (!done) {
        lastOpcode = opcode;
        opcodeAt = in.offset();
        opcode = -1;
        opcode = in.u1();
        step();
      }
      return pop();
    } catch (PickleException e) {
      throw located(e);
    } finally {
      // So that a long-lived unpickler keeps no values alive.
      Arrays.fill(stack, PyNone.NONE);
    }
  }

  private PyPersistent persistent(Object id) {
    persistentIds.accept(id);
    return new PyPersistent(id);
  }

  private PickleException located(PickleException e) {
    String where = opcode < 0 ? "" : " of opcode " + show(opcode);
    return new PickleException("bad pickle at offset " + opcodeAt + where + ": " + e.getMessage());
  }

  private void step() {
    switch (opcode) {
      case PROTO -> {
        protocol = in.u1();
        if (protocol > HIGHEST_PROTOCOL) {
          throw new PickleException("protocol " + protocol + " is unknown");
        }
      }
      case FRAME -> in.length(in.u8());
      case STOP -> {
        if (markCount != 0) {
          throw new PickleException("a mark is left");
        }
        done = true;
      }
      case MARK -> mark();
      case POP -> popOne();
      case POP_MARK -> sp = popMark();
      case DUP -> {
        Object top = pop();
        push(top);
        push(top);
      }
      case PUT -> remember(in.decimal());
      case BINPUT -> remember(in.u1());
      case LONG_BINPUT -> remember(in.u4());
      case MEMOIZE -> remember(memo.count());
      case GET -> push(remembered(in.decimal()));
      case BINGET -> push(remembered(in.u1()));
      case LONG_BINGET -> push(remembered(in.u4()));
      default -> {
        if (!scalar() && !container()) {
          object();
        }
      }
    }
  }

  private boolean scalar() {
    switch (opcode) {
      case NONE -> push(PyNone.NONE);
      case NEWTRUE -> push(true);
      case NEWFALSE -> push(false);
      case BININT1 -> push((long) in.u1());
      case BININT2 -> push((long) in.u2());
      case BININT -> push((long) in.s4());
      case Opcode.INT -> push(TextArguments.intOrBool(in.line()));
      case Opcode.LONG -> push(TextArguments.longInteger(in.line()));
      case LONG1 -> push(in.twosComplement(in.u1()));
      case LONG4 -> push(in.twosComplement(in.length(in.u4())));
      case FLOAT -> push(TextArguments.floating(in.line()));
      case BINFLOAT -> push(in.f8());
      case SHORT_BINBYTES -> push(in.bytes(in.u1()));
      case BINBYTES -> push(in.bytes(in.length(in.u4())));
      case BINBYTES8 -> push(in.bytes(in.length(in.u8())));
      case BYTEARRAY8 -> push(new PyByteArray(in.bytes(in.length(in.u8()))));
      case STRING -> push(TextArguments.quoted(in.line()));
      case SHORT_BINSTRING -> push(new PyStr8(in.bytes(in.u1())));
      case BINSTRING -> push(new PyStr8(in.bytes(in.length(in.u4()))));
      case UNICODE -> push(TextArguments.rawUnicodeEscape(in.line()));
      case SHORT_BINUNICODE -> push(in.text(in.u1()));
      case BINUNICODE -> push(in.text(in.length(in.u4())));
      case BINUNICODE8 -> push(in.text(in.length(in.u8())));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean container() {
    switch (opcode) {
      case EMPTY_TUPLE -> push(PyTuple.EMPTY);
      case TUPLE1 -> push(tupleFrom(needed(1)));
      case TUPLE2 -> push(tupleFrom(needed(2)));
      case TUPLE3 -> push(tupleFrom(needed(3)));
      case TUPLE -> push(tupleFrom(popMark()));
      case EMPTY_LIST -> push(new PyList());
      case LIST -> {
        PyList list = new PyList();
        int from = popMark();
        list.addAll(stack, from, sp);
        sp = from;
        push(list);
      }
      case APPEND -> append(needed(1));
      case APPENDS -> append(popMark());
      case EMPTY_DICT -> push(new PyDict());
      case DICT -> {
        PyDict dict = new PyDict();
        int from = popMark();
        setItems(dict, from);
        push(dict);
      }
      case SETITEM -> setItems(needed(2));
      case SETITEMS -> setItems(popMark());
      case EMPTY_SET -> push(new PySet());
      case FROZENSET -> {
        PyFrozenSet set = new PyFrozenSet();
        int from = popMark();
        set.addAll(stack, from, sp);
        sp = from;
        push(set);
      }
      case ADDITEMS -> {
        int from = popMark();
        if (!(under(from) instanceof PySet set)) {
          throw new PickleException("not a set but " + Py.describe(under(from)));
        }
        set.addAll(stack, from, sp);
        sp = from;
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void object() {
    switch (opcode) {
      case GLOBAL -> push(global(in.name(), in.name()));
      case STACK_GLOBAL -> {
        Object name = pop();
        Object module = pop();
        if (!(name instanceof String n) || !(module instanceof String m)) {
          throw new PickleException("a name that is not text");
        }
        if (n.indexOf('\n') >= 0 || m.indexOf('\n') >= 0) {
          throw new PickleException("a name with a line feed");
        }
        push(global(m, n));
      }
      case EXT1 -> push(extension(in.u1()));
      case EXT2 -> push(extension(in.u2()));
      case EXT4 -> push(extension(in.s4()));
      case PERSID -> push(persistent(in.line()));
      case BINPERSID -> push(persistent(pop()));
      case REDUCE -> {
        PyTuple args = popTuple();
        Object value = Reductions.reduce(pop(), args);
        // The arguments of one call may serve many: a copy for each would be out of proportion.
        copied += Reductions.copied(value);
        if (copied > in.size()) {
          throw new PickleException("calls copy more than the pickle holds");
        }
        push(value);
      }
      case NEWOBJ -> {
        PyTuple args = popTuple();
        push(new PyInstance(PyInstance.Kind.NEWOBJ, pop(), args));
      }
      case NEWOBJ_EX -> {
        if (!(pop() instanceof PyDict kwargs)) {
          throw new PickleException("keyword arguments that are not a dict");
        }
        PyTuple args = popTuple();
        push(new PyInstance(PyInstance.Kind.NEWOBJ_EX, pop(), args, kwargs));
      }
      case INST -> {
        PyGlobal type = global(in.name(), in.name());
        push(new PyInstance(PyInstance.Kind.INST, type, tupleFrom(popMark())));
      }
      case OBJ -> {
        int from = popMark();
        if (from == sp) {
          throw new PickleException("no class");
        }
        PyTuple args = tupleFrom(from + 1);
        push(new PyInstance(PyInstance.Kind.OBJ, pop(), args));
      }
      case BUILD -> {
        Object state = pop();
        if (!(top() instanceof PyInstance instance)) {
          throw new PickleException("a state for " + Py.describe(top()));
        }
        if (instance.state() != null) {
          throw new PickleException("a second state for one object");
        }
        instance.setState(state);
      }
      case NEXT_BUFFER, READONLY_BUFFER ->
          throw new PickleException("out-of-band buffers are not supported");
      default -> throw new PickleException("unknown opcode");
    }
  }

  private PyGlobal global(String module, String name) {
    PyGlobal global = new PyGlobal(module, name);
    return mapsNames && protocol < 3 ? PythonNames.toPython3(global) : global;
  }

  private static PyExtension extension(int code) {
    if (code < 1) {
      throw new PickleException("extension code " + code);
    }
    return new PyExtension(code);
  }

  // The stack.

  private void push(Object value) {
    if (++items > limits.maxItems()) {
      throw new PickleException("more than " + limits.maxItems() + " values");
    }
    if (sp == stack.length) {
      stack = Arrays.copyOf(stack, sp * 2);
    }
    stack[sp++] = value;
  }

  private Object pop() {
    Object value = top();
    sp--;
    return value;
  }

  private Object top() {
    return stack[needed(1)];
  }

  /** Where the upper n values begin, which must belong to the innermost mark. */
  private int needed(int n) {
    if (sp - n < fence) {
      throw new PickleException("too few values on the stack");
    }
    return sp - n;
  }

  /** The value below those that begin at an index. */
  private Object under(int from) {
    if (from <= fence) {
      throw new PickleException("too few values on the stack");
    }
    return stack[from - 1];
  }

  private void mark() {
    if (markCount >= limits.maxDepth()) {
      throw new PickleException("nested deeper than " + limits.maxDepth());
    }
    if (markCount == marks.length) {
      marks = Arrays.copyOf(marks, markCount * 2);
    }
    marks[markCount++] = sp;
    fence = sp;
  }

  private int popMark() {
    if (markCount == 0) {
      throw new PickleException("no mark");
    }
    int from = marks[--markCount];
    fence = markCount == 0 ? 0 : marks[markCount - 1];
    return from;
  }

  private void popOne() {
    if (markCount > 0 && sp == fence) {
      popMark();
      return;
    }
    // Python's only picklers of calls without a use are those with a state setter of their own.
    // Dropping the call would lose the state without a word.
    if (lastOpcode == REDUCE) {
      throw new PickleException("a call for its side effect");
    }
    pop();
  }

  private PyTuple popTuple() {
    Object value = pop();
    if (value instanceof PyTuple tuple) {
      return tuple;
    }
    throw new PickleException("arguments that are not a tuple but " + Py.describe(value));
  }

  private PyTuple tupleFrom(int from) {
    PyTuple tuple = from == sp ? PyTuple.EMPTY : new PyTuple(Arrays.copyOfRange(stack, from, sp));
    sp = from;
    return tuple;
  }

  private void append(int from) {
    Object target = under(from);
    switch (target) {
      case PyList list -> list.addAll(stack, from, sp);
      case PyInstance instance -> instance.listItems().addAll(stack, from, sp);
      default -> throw new PickleException("not a list but " + Py.describe(target));
    }
    sp = from;
  }

  private void setItems(int from) {
    Object target = under(from);
    switch (target) {
      case PyDict dict -> setItems(dict, from);
      case PyInstance instance -> setItems(instance.dictItems(), from);
      default -> throw new PickleException("not a dict but " + Py.describe(target));
    }
  }

  private void setItems(PyDict dict, int from) {
    if ((sp - from) % 2 != 0) {
      throw new PickleException("a key without a value");
    }
    dict.addAll(stack, from, sp);
    sp = from;
  }

  private void remember(long index) {
    memo.put(index, top());
    if (memo.count() > limits.maxItems()) {
      throw new PickleException("more than " + limits.maxItems() + " values remembered");
    }
  }

  private Object remembered(long index) {
    Object value = memo.get(index);
    if (value == null) {
      throw new PickleException("nothing is remembered as " + index);
    }
    return value;
  }
}
