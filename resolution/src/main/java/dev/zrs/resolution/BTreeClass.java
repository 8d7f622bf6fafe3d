package dev.zrs.resolution;

import dev.zrs.pickle.PyGlobal;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A class of the package BTrees, by its name: the family, two letters for its keys and values, and
 * the kind.
 *
 * @param keys letter of the keys' type
 * @param values letter of the values' type; without meaning for sets
 * @param kind which of the four classes
 */
record BTreeClass(char keys, char values, Kind kind) {
  /** Whether it has values, and whether its state is that of a bucket or of a tree. */
  enum Kind {
    BUCKET(true, false),
    SET(false, false),
    TREE(true, true),
    TREE_SET(false, true);

    private final boolean hasValues;
    private final boolean isTree;

    Kind(boolean hasValues, boolean isTree) {
      this.hasValues = hasValues;
      this.isTree = isTree;
    }

    boolean hasValues() {
      return hasValues;
    }

    boolean isTree() {
      return isTree;
    }
  }

  private static final String PACKAGE = "BTrees.";
  private static final String MODULE_IN_C = "BTrees._";

  private static final Map<String, Kind> KINDS =
      Map.of("Bucket", Kind.BUCKET, "Set", Kind.SET, "BTree", Kind.TREE, "TreeSet", Kind.TREE_SET);

  /** All families of BTrees 6.5. */
  static final Set<String> FAMILIES =
      Set.of(
          "OO", "OI", "OL", "OQ", "OU", "IO", "II", "IF", "IU", "LO", "LL", "LF", "LQ", "QO", "QQ",
          "QF", "QL", "UO", "UU", "UF", "UI", "fs");

  /** The class of a name; empty if it is none of these. A subclass has a name of its own. */
  static Optional<BTreeClass> of(PyGlobal global) {
    String name = global.name();
    if (name.length() < 2) {
      return Optional.empty();
    }
    String family = name.substring(0, 2);
    Kind kind = KINDS.get(name.substring(2));
    if (kind == null
        || !FAMILIES.contains(family)
        || !underPresentName(global).module().equals(PACKAGE + family + "BTree")) {
      return Optional.empty();
    }
    return Optional.of(new BTreeClass(family.charAt(0), family.charAt(1), kind));
  }

  /** The same class under the name that it has today: old pickles name the module in C. */
  static PyGlobal underPresentName(PyGlobal type) {
    return type.module().startsWith(MODULE_IN_C)
        ? new PyGlobal(PACKAGE + type.module().substring(MODULE_IN_C.length()), type.name())
        : type;
  }

  ItemType keyType(PythonOrder order) {
    return type(keys, order);
  }

  ItemType valueType(PythonOrder order) {
    return type(values, order);
  }

  private static ItemType type(char letter, PythonOrder order) {
    return switch (letter) {
      case 'O' -> new ItemType.Anything(order);
      case 'I' -> new ItemType.Whole(Integer.SIZE, true);
      case 'U' -> new ItemType.Whole(Integer.SIZE, false);
      case 'L' -> new ItemType.Whole(Long.SIZE, true);
      case 'Q' -> new ItemType.Whole(Long.SIZE, false);
      case 'F' -> new ItemType.Floating();
      case 'f' -> new ItemType.Fixed(2);
      case 's' -> new ItemType.Fixed(6);
      default -> throw new IllegalArgumentException("no type of BTrees: " + letter);
    };
  }
}
