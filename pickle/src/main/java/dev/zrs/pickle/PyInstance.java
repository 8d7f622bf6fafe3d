package dev.zrs.pickle;

import org.jspecify.annotations.Nullable;

/**
 * An object that Python would construct: what to call with what, then what to give to it. Compared
 * by identity, as it may contain itself. The parts are in the order in which Python's pickler
 * writes them: list items, dict items, state.
 */
public final class PyInstance {
  /** How Python would construct it. */
  public enum Kind {
    /** Calls {@code callable(*args)}. */
    REDUCE,
    /** Calls {@code callable.__new__(callable, *args)}. */
    NEWOBJ,
    /** Calls {@code callable.__new__(callable, *args, **kwargs)}. */
    NEWOBJ_EX,
    /** An instance of a Python 2 class, whose name is part of the opcode. */
    INST,
    /** An instance of a Python 2 class that lies on the stack. */
    OBJ
  }

  private final Kind kind;
  private final Object callable;
  private final PyTuple args;
  private final @Nullable PyDict kwargs;
  private final PyList listItems = new PyList();
  private final PyDict dictItems = new PyDict();
  private @Nullable Object state;

  /** An object without items or state. */
  public PyInstance(Kind kind, Object callable, PyTuple args) {
    this(kind, callable, args, null);
  }

  PyInstance(Kind kind, Object callable, PyTuple args, @Nullable PyDict kwargs) {
    this.kind = kind;
    this.callable = callable;
    this.args = args;
    this.kwargs = kwargs;
  }

  /** How Python would construct it. */
  public Kind kind() {
    return kind;
  }

  /** The class or function, most often a {@link PyGlobal} or {@link PyExtension}. */
  public Object callable() {
    return callable;
  }

  /** The positional arguments; without the class itself. */
  public PyTuple args() {
    return args;
  }

  /** The keyword arguments; null unless the kind is NEWOBJ_EX. */
  public @Nullable PyDict kwargs() {
    return kwargs;
  }

  /** What goes to {@code __setstate__} or into {@code __dict__}; null if nothing does. */
  public @Nullable Object state() {
    return state;
  }

  /** Replaces the state. */
  public void setState(@Nullable Object state) {
    this.state = state;
  }

  /** What is appended to the object; the list can be changed. */
  public PyList listItems() {
    return listItems;
  }

  /** What is set in the object by key; the dict can be changed. */
  public PyDict dictItems() {
    return dictItems;
  }

  @Override
  public String toString() {
    return Py.describe(this);
  }
}
