package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyInstance;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a client says about a transaction beyond user and description: a dict by its meaning. */
final class Extension {
  private static final List<PyGlobal> DICT =
      List.of(new PyGlobal("builtins", "dict"), new PyGlobal("__builtin__", "dict"));

  private Extension() {}

  /** As ZODB puts it into the file. */
  static byte[] stored(Object extension) {
    return switch (extension) {
      case byte[] bytes -> bytes;
      case PyNone none -> new byte[0];
      case PyDict dict -> stored(dict);
      case PyInstance instance ->
          asDict(instance).map(Extension::stored).orElseGet(() -> pickled(instance));
      case Object value -> pickled(value);
    };
  }

  private static byte[] stored(PyDict dict) {
    return dict.size() == 0 ? new byte[0] : pickled(dict);
  }

  private static byte[] pickled(Object value) {
    return PickleWriter.memoized(3).write(value).toByteArray();
  }

  /** {@code dict(pairs)}, as a subclass may restate itself; nothing else is ever called. */
  private static Optional<PyDict> asDict(PyInstance instance) {
    if (instance.kind() != PyInstance.Kind.REDUCE
        || !(instance.callable() instanceof PyGlobal type && DICT.contains(type))
        || instance.state() != null
        || instance.args().size() != 1
        || !(instance.args().get(0) instanceof PyTuple pairs)) {
      return Optional.empty();
    }
    List<Object> keysAndValues = new ArrayList<>(2 * pairs.size());
    for (Object item : pairs.items()) {
      if (!(item instanceof PyTuple pair && pair.size() == 2)) {
        return Optional.empty();
      }
      keysAndValues.addAll(pair.items());
    }
    return Optional.of(PyDict.ofPairs(keysAndValues.toArray()));
  }
}
