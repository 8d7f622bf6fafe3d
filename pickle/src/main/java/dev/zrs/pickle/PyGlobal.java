package dev.zrs.pickle;

/**
 * A reference to a class or function by name. It is never looked up.
 *
 * @param module dotted name of the module
 * @param name name in the module; dotted for a nested class (protocol 4)
 */
public record PyGlobal(String module, String name) {
  /** True for a name of Python's built-in module, in either of its spellings. */
  boolean isBuiltin(String builtin) {
    return name.equals(builtin) && (module.equals("builtins") || module.equals("__builtin__"));
  }

  /** True for a name of the module that was called copy_reg in Python 2. */
  boolean isCopyreg(String function) {
    return name.equals(function) && (module.equals("copyreg") || module.equals("copy_reg"));
  }

  @Override
  public String toString() {
    return module + "." + name;
  }
}
