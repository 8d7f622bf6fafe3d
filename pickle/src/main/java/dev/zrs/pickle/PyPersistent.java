package dev.zrs.pickle;

/**
 * A reference to an object outside of the pickle. ZODB's ids are described in its serialize.py.
 *
 * @param id any value but another persistent reference
 */
public record PyPersistent(Object id) {
  /** Refuses a chain of references: comparing or printing one would need unbounded recursion. */
  public PyPersistent {
    if (id instanceof PyPersistent) {
      throw new PickleException("a persistent id can't be a persistent reference");
    }
  }

  @Override
  public String toString() {
    return "persistent " + Py.describe(id);
  }
}
