package dev.zrs.zeo;

import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.DemoStorage;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.LayeredStorage;
import dev.zrs.storage.Storage;
import java.util.ArrayList;
import java.util.List;

/**
 * What clients are told that a storage can do: the same as of Python's storage of that kind, as
 * they choose their ways by it.
 *
 * @param undo whether transactions can be taken back
 * @param records whether a client can go through all objects
 * @param interfaces of ZODB, in Python's order
 */
record Abilities(boolean undo, boolean records, List<String> interfaces) {
  private static final String WRAPPER = "IStorageWrapper";
  private static final List<String> FILE_BLOBS = List.of("IBlobStorageRestoreable", "IBlobStorage");

  private static final List<String> FILE =
      List.of(
          "IStorageRestoreable",
          "IStorageIteration",
          "IStorageUndoable",
          "IStorageCurrentRecordIteration",
          "IExternalGC",
          "IStorage");

  static Abilities of(Storage storage) {
    boolean blobs = storage.blobs().isPresent();
    List<String> interfaces = new ArrayList<>();
    return switch (storage) {
      case FileStorage file -> {
        if (blobs) {
          interfaces.addAll(FILE_BLOBS);
        }
        interfaces.addAll(FILE);
        yield new Abilities(true, true, interfaces);
      }
      case DemoStorage demo -> {
        if (blobs) {
          interfaces.add("IBlobStorage");
        }
        if (demo.supportsUndo()) {
          interfaces.add("IStorageUndoable");
        }
        interfaces.add("IStorage");
        interfaces.add("IStorageIteration");
        yield new Abilities(demo.supportsUndo(), false, interfaces);
      }
      case LayeredStorage layered -> of(layered.base()).wrapped();
    };
  }

  private Abilities wrapped() {
    List<String> all = new ArrayList<>(interfaces);
    if (!all.contains(WRAPPER)) {
      all.add(WRAPPER);
    }
    return new Abilities(undo, records, all);
  }

  /** As get_info has them: pairs of module and name. */
  PyTuple pairs() {
    List<Object> pairs = new ArrayList<>();
    interfaces.forEach(each -> pairs.add(PyTuple.of("ZODB.interfaces", each)));
    pairs.add(PyTuple.of("zope.interface", "Interface"));
    return PyTuple.of(pairs.toArray());
  }
}
