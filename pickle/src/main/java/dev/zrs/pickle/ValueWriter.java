package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes values recursively, in the order and with the memo entries of Python's C pickler. Which
 * values count as the same there: containers, long bytes and texts by identity; globals, and bytes
 * and texts of at most one character (which CPython keeps once), by value.
 */
final class ValueWriter {
  /** CPython's BATCHSIZE. */
  private static final int BATCH = 1_000;

  private final PickleWriter out;
  private final boolean memoizes;
  private final IdentityHashMap<Object, Integer> byIdentity = new IdentityHashMap<>();
  private final Map<Object, Integer> byValue = new HashMap<>();
  // Python's unpickler interns the attribute names in an object's state.
  private final Map<String, Integer> attributeNames = new HashMap<>();
  private int memoized;
  private int begin;
  private int written;

  /** What stands for CPython's single empty bytes and its 256 of one byte. */
  private record OneByte(int value) {
    static final int EMPTY = 0x100;
  }

  ValueWriter(PickleWriter out, boolean memoizes) {
    this.out = out;
    this.memoizes = memoizes;
  }

  /** Forgets what earlier pickles had. */
  void begin() {
    begin = out.size();
    written = 0;
    if (memoized > 0) {
      byIdentity.clear();
      byValue.clear();
      attributeNames.clear();
      memoized = 0;
    }
  }

  void write(Object value, int depth) {
    if (depth > PickleWriter.MAX_DEPTH) {
      throw new PickleException(
          "a value nests deeper than " + PickleWriter.MAX_DEPTH + ", or contains itself");
    }
    // Without memo a shared value is written each time: a small pickle can unfold without end.
    if (++written > PickleWriter.MAX_VALUES || out.size() - begin > PickleWriter.MAX_SIZE) {
      throw new PickleException("a value that unfolds to too large a pickle");
    }
    switch (value) {
      case PyNone none -> out.none();
      case Boolean bool -> out.bool(bool);
      case Long number -> out.integer(number);
      case Integer number -> out.integer(number);
      case BigInteger number -> out.integer(number);
      case Double number -> out.floating(number);
      case PyExtension extension -> extension(extension.code());
      case PyPersistent persistent -> {
        write(persistent.id(), depth + 1);
        out.op(BINPERSID);
      }
      default -> {
        if (!recall(value)) {
          memoizable(value, depth);
        }
      }
    }
  }

  private void memoizable(Object value, int depth) {
    switch (value) {
      case byte[] bytes -> {
        out.bytes(bytes);
        remember(value);
      }
      case PyStr8 str -> {
        out.str8(str.bytes());
        remember(value);
      }
      case String text -> {
        out.text(text);
        remember(value);
      }
      case PyTuple tuple -> tuple(tuple, depth);
      case PyList list -> {
        out.emptyList();
        remember(value);
        append(list.items(), 0, depth);
      }
      case PyDict dict -> {
        out.emptyDict();
        remember(value);
        setItems(dict.entries(), false, 0, depth);
      }
      case PyGlobal global -> global(global);
      case PySet set -> call(value, "set", new PyList(set.items()), depth);
      case PyFrozenSet set -> call(value, "frozenset", new PyList(set.items()), depth);
      case PyByteArray array ->
          call(value, "bytearray", array.bytes().length == 0 ? null : array.bytes().clone(), depth);
      case PyInstance instance -> instance(instance, depth);
      default -> throw new PickleException("can't write a " + value.getClass().getName());
    }
  }

  private void tuple(PyTuple tuple, int depth) {
    int size = tuple.size();
    if (size == 0) {
      out.emptyTuple();
      return;
    }
    boolean marked = size > 3 || out.protocol() < 2;
    if (marked) {
      out.mark();
    }
    for (int i = 0; i < size; i++) {
      write(tuple.get(i), depth + 1);
    }
    // A tuple that contains itself has been written meanwhile.
    Integer known = memoizes ? byIdentity.get(tuple) : null;
    if (known != null) {
      if (marked) {
        out.op(POP_MARK);
      } else {
        for (int i = 0; i < size; i++) {
          out.op(POP);
        }
      }
      get(known);
      return;
    }
    out.op(marked ? TUPLE : TUPLE1 + size - 1);
    remember(tuple);
  }

  /**
   * Writes the items of a list, or of an object that is given them by an iterator.
   *
   * @param single the size of a last batch that is appended without a mark: 1 from an iterator, 0
   *     (never) from a list, unless it has just one item
   */
  private void append(List<Object> items, int single, int depth) {
    int size = items.size();
    for (int from = 0; from < size; from += BATCH) {
      int to = Math.min(size, from + BATCH);
      if (size == 1 || to - from == single) {
        write(items.get(from), depth + 1);
        out.append();
        return;
      }
      out.mark();
      for (int i = from; i < to; i++) {
        write(items.get(i), depth + 1);
      }
      out.appends();
    }
  }

  private void setItems(List<PyDict.Entry> entries, boolean attributes, int single, int depth) {
    int size = entries.size();
    for (int from = 0; from < size; from += BATCH) {
      int to = Math.min(size, from + BATCH);
      if (size == 1 || to - from == single) {
        entry(entries.get(from), attributes, depth);
        out.setItem();
        return;
      }
      out.mark();
      for (int i = from; i < to; i++) {
        entry(entries.get(i), attributes, depth);
      }
      out.setItems();
    }
    // For a dict CPython looks for a further batch after each full one, and writes it empty.
    if (single == 0 && size > 0 && size % BATCH == 0) {
      out.mark().setItems();
    }
  }

  private void entry(PyDict.Entry entry, boolean attribute, int depth) {
    if (attribute && memoizes && entry.key() instanceof String name && sharedKey(name) == null) {
      Integer known = attributeNames.get(name);
      if (known == null) {
        write(name, depth + 1);
        attributeNames.put(name, byIdentity.get(name));
      } else {
        get(known);
      }
    } else {
      write(entry.key(), depth + 1);
    }
    write(entry.value(), depth + 1);
  }

  private void global(PyGlobal global) {
    PyGlobal named = out.protocol() < 3 ? PythonNames.toPython2(global) : global;
    out.global(named.module(), named.name());
    remember(global);
  }

  private void extension(int code) {
    // Protocol 1 has no such opcodes, but every unpickler since Python 2.3 knows them.
    if (code <= 0xff) {
      out.op(EXT1).u1(code);
    } else if (code <= 0xffff) {
      out.op(EXT2).u1(code).u1(code >> 8);
    } else {
      out.op(EXT4).u4(code);
    }
  }

  /** A call of one of Python's built-in types with one argument or none. */
  private void call(Object value, String type, @Nullable Object argument, int depth) {
    PyTuple args = argument == null ? PyTuple.EMPTY : PyTuple.of(argument);
    write(new PyGlobal("builtins", type), depth + 1);
    write(args, depth + 1);
    called(value, REDUCE);
  }

  private void instance(PyInstance instance, int depth) {
    if (!construct(instance, depth + 1)) {
      return;
    }
    // CPython takes these items from iterators, with rules of their own for the last batch.
    append(instance.listItems().items(), 1, depth);
    setItems(instance.dictItems().entries(), false, 1, depth);
    Object state = instance.state();
    if (state != null) {
      state(state, depth + 1);
      out.build();
    }
  }

  /** False if the instance has been written as a part of its own arguments, with all it has. */
  private boolean construct(PyInstance instance, int depth) {
    return switch (instance.kind()) {
      case REDUCE -> {
        write(instance.callable(), depth);
        write(instance.args(), depth);
        yield called(instance, REDUCE);
      }
      case NEWOBJ -> {
        if (out.protocol() < 2 && instance.args().size() == 0) {
          write(new PyGlobal("copyreg", "_reconstructor"), depth);
          PyGlobal base = new PyGlobal("builtins", "object");
          write(PyTuple.of(instance.callable(), base, PyNone.NONE), depth);
          yield called(instance, REDUCE);
        }
        write(instance.callable(), depth);
        write(instance.args(), depth);
        yield called(instance, NEWOBJ);
      }
      case NEWOBJ_EX -> {
        // The opcode is of protocol 4, which zodbpickle doesn't know.
        write(new PyGlobal("copyreg", "__newobj_ex__"), depth);
        PyDict kwargs = Objects.requireNonNull(instance.kwargs());
        write(PyTuple.of(instance.callable(), instance.args(), kwargs), depth);
        yield called(instance, REDUCE);
      }
      case INST, OBJ -> {
        out.mark();
        write(instance.callable(), depth);
        for (Object arg : instance.args().items()) {
          write(arg, depth);
        }
        yield called(instance, OBJ);
      }
    };
  }

  private void state(Object state, int depth) {
    if (state instanceof PyDict dict) {
      if (!recall(dict)) {
        out.emptyDict();
        remember(dict);
        setItems(dict.entries(), true, 0, depth);
      }
    } else {
      write(state, depth);
    }
  }

  /**
   * Ends a call. If the object has been written as a part of its own arguments, that one counts:
   * the new one is dropped, and the answer is false.
   */
  private boolean called(Object value, int opcode) {
    out.op(opcode);
    Integer known = memoizes ? byIdentity.get(value) : null;
    if (known != null) {
      out.op(POP);
      get(known);
      return false;
    }
    remember(value);
    return true;
  }

  // The memo.

  private boolean recall(Object value) {
    if (!memoizes) {
      return false;
    }
    Object key = sharedKey(value);
    Integer known = key == null ? byIdentity.get(value) : byValue.get(key);
    if (known == null) {
      return false;
    }
    get(known);
    return true;
  }

  private void remember(Object value) {
    if (!memoizes) {
      return;
    }
    int index = memoized++;
    Object key = sharedKey(value);
    if (key == null) {
      byIdentity.put(value, index);
    } else {
      byValue.put(key, index);
    }
    if (index < 256) {
      out.op(BINPUT).u1(index);
    } else {
      out.op(LONG_BINPUT).u4(index);
    }
  }

  private void get(int index) {
    if (index < 256) {
      out.op(BINGET).u1(index);
    } else {
      out.op(LONG_BINGET).u4(index);
    }
  }

  /** What to look for instead of the value itself where CPython has only one of its kind. */
  private static @Nullable Object sharedKey(Object value) {
    return switch (value) {
      case PyGlobal global -> global;
      case String text -> text.isEmpty() || isOneLatin1(text) ? text : null;
      case byte[] bytes -> {
        if (bytes.length > 1) {
          yield null;
        }
        yield new OneByte(bytes.length == 0 ? OneByte.EMPTY : bytes[0]);
      }
      default -> null;
    };
  }

  private static boolean isOneLatin1(String text) {
    return text.length() == 1 && text.charAt(0) < 0x100;
  }
}
