package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The calls by which older protocols spell values that have opcodes of their own today. They are
 * recognised as data; every other call becomes a {@link PyInstance}.
 */
final class Reductions {
  /** What the functions are called whose calls are recognised, in whatever module. */
  static final Set<String> NAMES =
      Set.of("encode", "bytes", "bytearray", "set", "frozenset", "_reconstructor");

  private Reductions() {}

  static Object reduce(Object callable, PyTuple args) {
    Object known = callable instanceof PyGlobal global ? known(global, args) : null;
    return known == null ? new PyInstance(PyInstance.Kind.REDUCE, callable, args) : known;
  }

  private static @Nullable Object known(PyGlobal global, PyTuple args) {
    return switch (global.name()) {
      case "encode" -> global.module().equals("_codecs") ? encoded(args) : null;
      case "bytes" -> global.isBuiltin("bytes") && args.size() == 0 ? new byte[0] : null;
      case "bytearray" -> global.isBuiltin("bytearray") ? byteArray(args) : null;
      case "set" -> {
        PyList items = global.isBuiltin("set") ? items(args) : null;
        yield items == null ? null : new PySet(items.items());
      }
      case "frozenset" -> {
        PyList items = global.isBuiltin("frozenset") ? items(args) : null;
        yield items == null ? null : new PyFrozenSet(items.items());
      }
      case "_reconstructor" -> global.isCopyreg("_reconstructor") ? reconstructed(args) : null;
      default -> null;
    };
  }

  private static @Nullable PyList items(PyTuple args) {
    return switch (args.size()) {
      case 0 -> new PyList();
      case 1 -> args.get(0) instanceof PyList list ? list : null;
      default -> null;
    };
  }

  private static @Nullable PyByteArray byteArray(PyTuple args) {
    return switch (args.size()) {
      case 0 -> new PyByteArray(new byte[0]);
      case 1 -> args.get(0) instanceof byte[] bytes ? new PyByteArray(bytes.clone()) : null;
      default -> {
        byte[] bytes = encoded(args);
        yield bytes == null ? null : new PyByteArray(bytes);
      }
    };
  }

  private static byte @Nullable [] encoded(PyTuple args) {
    if (args.size() == 2
        && args.get(0) instanceof String text
        && isLatin1(args.get(1))
        && text.chars().allMatch(c -> c < 0x100)) {
      return text.getBytes(StandardCharsets.ISO_8859_1);
    }
    return null;
  }

  private static boolean isLatin1(Object encoding) {
    return encoding.equals("latin1")
        || encoding.equals("latin-1")
        || (encoding instanceof PyStr8 str && isLatin1(str.toString()));
  }

  /** How much a value holds that was copied from its arguments. */
  static int copied(Object value) {
    return switch (value) {
      case byte[] bytes -> bytes.length;
      case PyByteArray array -> array.bytes().length;
      case PySet set -> set.size();
      case PyFrozenSet set -> set.size();
      default -> 0;
    };
  }

  /** A plain object, as protocols 0 and 1 spell what protocol 2 has the opcode NEWOBJ for. */
  private static @Nullable PyInstance reconstructed(PyTuple args) {
    return args.size() == 3
            && args.get(0) instanceof PyGlobal type
            && args.get(1) instanceof PyGlobal base
            && base.isBuiltin("object")
            && Py.isNone(args.get(2))
        ? new PyInstance(PyInstance.Kind.NEWOBJ, type, PyTuple.EMPTY)
        : null;
  }
}
