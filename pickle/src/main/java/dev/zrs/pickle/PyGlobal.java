package dev.zrs.pickle;

import java.util.Comparator;

/**
 * A reference to a class or function by name. It is never looked up. They have an order so that
 * hash tables of them stay quick, whatever names a client chooses.
 *
 * @param module dotted name of the module
 * @param name name in the module; dotted for a nested class (protocol 4)
 */
public record PyGlobal(String module, String name) implements Comparable<PyGlobal> {
  private static final Comparator<PyGlobal> ORDER =
      Comparator.comparing(PyGlobal::module).thenComparing(PyGlobal::name);

  /** True for a name of Python's built-in module, in either of its spellings. */
  boolean isBuiltin(String builtin) {
    return name.equals(builtin) && (module.equals("builtins") || module.equals("__builtin__"));
  }

  /** True for a name of the module that was called copy_reg in Python 2. */
  boolean isCopyreg(String function) {
    return name.equals(function) && (module.equals("copyreg") || module.equals("copy_reg"));
  }

  @Override
  public int compareTo(PyGlobal other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return module + "." + name;
  }
}
