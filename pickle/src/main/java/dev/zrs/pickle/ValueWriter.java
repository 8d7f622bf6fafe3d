package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes values in the order and with the memo entries of Python's C pickler. It keeps what is
 * still to be written on a stack of its own: recursion would need more than a kilobyte of the
 * thread's stack for each level.
 */
final class ValueWriter {
  /** CPython's BATCHSIZE. */
  private static final int BATCH = 1_000;

  // An open level has at most four things left to do: a set has a call, the end and the items of
  // its
  // arguments, and its list. The innermost value adds its own.
  private static final int MAX_PENDING = 4 * PickleWriter.MAX_DEPTH + 4;

  private final PickleWriter out;
  private final WriterMemo memo;
  private int begin;
  private int written;

  // Values to be written, and steps to be taken between them; the last one is the next.
  private final ArrayDeque<Object> pending = new ArrayDeque<>();

  /** Something to be done after values have been written. No value of a pickle is a step. */
  private interface Step {
    void take();
  }

  ValueWriter(PickleWriter out, boolean memoizes) {
    this.out = out;
    this.memo = new WriterMemo(out, memoizes);
  }

  /** Forgets what earlier pickles had. */
  void begin() {
    begin = out.size();
    pending.clear();
    written = 0;
    memo.clear();
  }

  WriterMemo memo() {
    return memo;
  }

  void write(Object value) {
    pending.push(value);
    while (!pending.isEmpty()) {
      if (pending.size() > MAX_PENDING) {
        throw new PickleException(
            "a value nests deeper than " + PickleWriter.MAX_DEPTH + ", or contains itself");
      }
      Object next = pending.pop();
      if (next instanceof Step step) {
        step.take();
      } else {
        writeOne(next);
      }
    }
  }

  private void writeOne(Object value) {
    // Without memo a shared value is written each time: a small pickle can unfold without end.
    if (++written > PickleWriter.MAX_VALUES || out.size() - begin > out.maxSize()) {
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
        pending.push((Step) () -> out.op(BINPERSID));
        pending.push(persistent.id());
      }
      default -> {
        if (!memo.recall(value)) {
          writeNew(value);
        }
      }
    }
  }

  /** Writes a value that the memo can hold and does not. */
  private void writeNew(Object value) {
    switch (value) {
      case byte[] bytes -> {
        out.bytes(bytes);
        memo.remember(value);
      }
      case PyStr8 str -> {
        out.str8(str.bytes());
        memo.remember(value);
      }
      case String text -> {
        out.text(text);
        memo.remember(value);
      }
      case PyTuple tuple -> tuple(tuple);
      case PyList list -> {
        out.emptyList();
        memo.remember(value);
        pending.push(new ListItems(list.items(), 0));
      }
      case PyDict dict -> {
        out.emptyDict();
        memo.remember(value);
        pending.push(new DictItems(dict.entries(), 0, false));
      }
      case PyGlobal global -> global(global);
      case PySet set -> call(value, "set", new PyList(set.items()));
      case PyFrozenSet set -> call(value, "frozenset", new PyList(set.items()));
      case PyByteArray array ->
          call(value, "bytearray", array.bytes().length == 0 ? null : array.bytes().clone());
      case PyInstance instance -> construct(instance);
      default -> throw new PickleException("can't write a " + value.getClass().getName());
    }
  }

  /** One value after the other. */
  private final class Sequence implements Step {
    private final List<Object> items;
    private int next;

    Sequence(List<Object> items) {
      this.items = items;
    }

    @Override
    public void take() {
      if (next < items.size()) {
        pending.push(this);
        pending.push(items.get(next++));
      }
    }
  }

  /** Items for the object on the stack, in batches. */
  private abstract class Batches implements Step {
    private final int size;
    private final int single;
    private int next;
    private int batchEnd;
    private boolean marked;

    /**
     * Sets the size and the rule for the last batch.
     *
     * @param single the size of a last batch that is given without a mark: 1 if CPython takes the
     *     items from an iterator (those of an object), 0 (never) if it has them all (those of a
     *     list or dict), unless there is just one
     */
    Batches(int size, int single) {
      this.size = size;
      this.single = single;
    }

    abstract void item(int index);

    abstract void end(boolean marked);

    @Override
    public final void take() {
      if (next == batchEnd) {
        if (next > 0) {
          end(marked);
        }
        if (next == size) {
          return;
        }
        batchEnd = Math.min(size, next + BATCH);
        marked = size != 1 && batchEnd - next != single;
        if (marked) {
          out.mark();
        }
      }
      pending.push(this);
      item(next++);
    }
  }

  private final class ListItems extends Batches {
    private final List<Object> items;

    ListItems(List<Object> items, int single) {
      super(items.size(), single);
      this.items = items;
    }

    @Override
    void item(int index) {
      pending.push(items.get(index));
    }

    @Override
    void end(boolean marked) {
      out.op(marked ? APPENDS : APPEND);
    }
  }

  private final class DictItems extends Batches {
    private final List<PyDict.Entry> entries;
    private final boolean attributes;
    private final boolean emptyBatch;
    private int left;

    DictItems(List<PyDict.Entry> entries, int single, boolean attributes) {
      super(entries.size(), single);
      this.entries = entries;
      this.attributes = attributes;
      this.left = entries.size();
      // For a dict CPython looks for a further batch after each full one, and writes it empty.
      this.emptyBatch = single == 0 && left % BATCH == 0;
    }

    @Override
    void item(int index) {
      PyDict.Entry entry = entries.get(index);
      left--;
      pending.push(entry.value());
      if (attributes && entry.key() instanceof String name) {
        pending.push((Step) () -> attributeName(name));
      } else {
        pending.push(entry.key());
      }
    }

    @Override
    void end(boolean marked) {
      out.op(marked ? SETITEMS : SETITEM);
      if (emptyBatch && left == 0) {
        out.mark().setItems();
      }
    }
  }

  private void attributeName(String name) {
    if (!memo.recallAttribute(name)) {
      writeOne(name);
      memo.rememberAttribute(name);
    }
  }

  private void tuple(PyTuple tuple) {
    int size = tuple.size();
    if (size == 0) {
      out.emptyTuple();
      return;
    }
    boolean marked = size > 3 || out.protocol() < 2;
    if (marked) {
      out.mark();
    }
    pending.push((Step) () -> endTuple(tuple, marked));
    pending.push(new Sequence(tuple.items()));
  }

  private void endTuple(PyTuple tuple, boolean marked) {
    // A tuple that contains itself has been written meanwhile.
    if (!memo.knows(tuple)) {
      out.op(marked ? TUPLE : TUPLE1 + tuple.size() - 1);
      memo.remember(tuple);
      return;
    }
    if (marked) {
      out.op(POP_MARK);
    } else {
      for (int i = 0; i < tuple.size(); i++) {
        out.op(POP);
      }
    }
    memo.recall(tuple);
  }

  private void global(PyGlobal global) {
    PyGlobal named = out.protocol() < 3 ? PythonNames.toPython2(global) : global;
    out.global(named.module(), named.name());
    memo.remember(global);
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
  private void call(Object value, String type, @Nullable Object argument) {
    PyTuple args = argument == null ? PyTuple.EMPTY : PyTuple.of(argument);
    call(value, new PyGlobal("builtins", type), args, REDUCE);
  }

  private void call(Object value, Object callable, PyTuple args, int opcode) {
    pending.push((Step) () -> called(value, opcode));
    pending.push(args);
    pending.push(callable);
  }

  private void construct(PyInstance instance) {
    Object callable = instance.callable();
    PyTuple args = instance.args();
    switch (instance.kind()) {
      case REDUCE -> call(instance, callable, args, REDUCE);
      case NEWOBJ -> {
        if (out.protocol() < 2 && args.size() == 0) {
          PyGlobal base = new PyGlobal("builtins", "object");
          PyTuple plain = PyTuple.of(callable, base, PyNone.NONE);
          call(instance, new PyGlobal("copyreg", "_reconstructor"), plain, REDUCE);
        } else {
          call(instance, callable, args, NEWOBJ);
        }
      }
      case NEWOBJ_EX -> {
        // The opcode is of protocol 4, which zodbpickle doesn't know.
        PyDict kwargs = Objects.requireNonNull(instance.kwargs());
        PyTuple all = PyTuple.of(callable, args, kwargs);
        call(instance, new PyGlobal("copyreg", "__newobj_ex__"), all, REDUCE);
      }
      case INST, OBJ -> {
        out.mark();
        pending.push((Step) () -> called(instance, OBJ));
        pending.push(new Sequence(args.items()));
        pending.push(callable);
      }
    }
  }

  /**
   * Ends a call. If the object has been written as a part of its own arguments, with all it has,
   * that one counts, and the new one is dropped.
   */
  private void called(Object value, int opcode) {
    out.op(opcode);
    if (memo.knows(value)) {
      out.op(POP);
      memo.recall(value);
      return;
    }
    memo.remember(value);
    if (value instanceof PyInstance instance) {
      fill(instance);
    }
  }

  /** Writes what comes after the construction; pushed in reverse. */
  private void fill(PyInstance instance) {
    Object state = instance.state();
    if (state != null) {
      pending.push((Step) out::build);
      pending.push(state instanceof PyDict dict ? (Step) () -> stateDict(dict) : state);
    }
    pending.push(new DictItems(instance.dictItems().entries(), 1, false));
    pending.push(new ListItems(instance.listItems().items(), 1));
  }

  private void stateDict(PyDict dict) {
    if (!memo.recall(dict)) {
      out.emptyDict();
      memo.remember(dict);
      pending.push(new DictItems(dict.entries(), 0, true));
    }
  }
}
