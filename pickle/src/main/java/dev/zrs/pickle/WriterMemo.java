package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which values a pickler has written, and under which number. Which of them count as the same in
 * CPython: containers, longer bytes and texts by identity; globals, and bytes and texts of at most
 * one character (which CPython keeps once), by value.
 */
final class WriterMemo {
  private final PickleWriter out;
  private final boolean enabled;
  private final IdentityHashMap<Object, Integer> byIdentity = new IdentityHashMap<>();
  private final Map<Object, Integer> byValue = new HashMap<>();
  // Python's unpickler interns the attribute names in an object's state.
  private final Map<String, Integer> attributeNames = new HashMap<>();
  private int count;
  private boolean shared;

  /** What stands for CPython's single empty bytes and its 256 of one byte. */
  private record OneByte(int value) {
    static final int EMPTY = 0x100;
  }

  /**
   * A memo for a writer.
   *
   * @param enabled false for a pickler without memo: nothing is ever remembered
   */
  WriterMemo(PickleWriter out, boolean enabled) {
    this.out = out;
    this.enabled = enabled;
  }

  void clear() {
    if (count > 0) {
      byIdentity.clear();
      byValue.clear();
      attributeNames.clear();
      count = 0;
    }
  }

  boolean knows(Object value) {
    return byIdentity.containsKey(value);
  }

  /** As {@link #recall}, by value for all names. */
  boolean recallAttribute(String name) {
    Integer known = attributeNames.get(name);
    if (known == null) {
      return false;
    }
    get(known);
    return true;
  }

  /** After the name has been written: makes equal ones refer to it. */
  void rememberAttribute(String name) {
    Integer known = byIdentity.get(name);
    if (known != null) {
      attributeNames.put(name, known);
    }
  }

  /** Writes a reference to a value if it has been written before. */
  boolean recall(Object value) {
    if (!enabled) {
      return false;
    }
    Object key = sharedKey(value);
    Integer known = key == null ? byIdentity.get(value) : byValue.get(key);
    if (known == null) {
      return false;
    }
    shared |= key == null;
    get(known);
    return true;
  }

  /** Whether the same object, not only an equal one, has been written more than once. */
  boolean hasShared() {
    return shared;
  }

  /** Begins to look for shared objects anew. */
  void forgetShared() {
    shared = false;
  }

  /** Gives the value just written the next number. */
  void remember(Object value) {
    if (!enabled) {
      return;
    }
    int index = count++;
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
