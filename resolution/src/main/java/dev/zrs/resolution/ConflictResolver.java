package dev.zrs.resolution;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.RecordForm;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.pickle.Unpickler;
import java.math.BigInteger;
import java.util.Optional;

/**
 * Merges two changes of one object, as the method {@code _p_resolveConflict} of its class would: of
 * all classes of BTrees, and of {@code BTrees.Length.Length}. Nothing is imported or called; values
 * of classes that are not Python's own are moved about, and never compared. Any thread may call.
 */
public final class ConflictResolver {
  /**
   * Bytes of a record beyond which nothing is tried, because the commit lock is held meanwhile. A
   * bucket of a Plone site's catalog has some 10,000.
   */
  public static final int MAX_RECORD = 16 << 20;

  private static final PyGlobal LENGTH = new PyGlobal("BTrees.Length", "Length");
  private static final PickleLimits LIMITS =
      new PickleLimits(PickleLimits.DEFAULT_MAX_DEPTH, 1_000_000);

  private ConflictResolver() {}

  /** Whether {@link #resolve} knows how to merge objects of the record's class. */
  public static boolean knows(byte[] record) {
    return RecordPickles.classOf(record)
        .filter(type -> type.equals(LENGTH) || BTreeClass.of(type).isPresent())
        .isPresent();
  }

  /**
   * Merges. The arguments are data records, in any form, and left as they are. The result is in the
   * form that {@code changed} has.
   *
   * @param old what both changes are based on
   * @param committed the change that was committed first
   * @param changed the change that came too late; the class is taken from it
   */
  public static Resolution resolve(byte[] old, byte[] committed, byte[] changed) {
    Optional<PyGlobal> type = RecordPickles.classOf(changed);
    if (type.isEmpty()) {
      return new Resolution.Unknown("the class is unreadable");
    }
    Optional<BTreeClass> tree = BTreeClass.of(type.get());
    if (tree.isEmpty() && !type.get().equals(LENGTH)) {
      return new Resolution.Unknown("a class of the application");
    }
    try {
      RecordState mine = RecordState.of(changed);
      if (!mine.hasPlainClass()) {
        return new Resolution.Unknown("the object is made with arguments");
      }
      Object before = RecordState.of(old).state();
      Object first = RecordState.of(committed).state();
      Object merged =
          tree.isPresent()
              ? merge(tree.get(), before, first, mine.state())
              : length(before, first, mine.state());
      byte[] record = PickleWriter.memoized(3).write(mine.metadata()).write(merged).toByteArray();
      return new Resolution.Resolved(RecordForm.asForm(record, changed));
    } catch (RefusedException e) {
      return new Resolution.Refused(String.valueOf(e.getMessage()));
    } catch (UnknownException | PickleException e) {
      return new Resolution.Unknown(String.valueOf(e.getMessage()));
    }
  }

  private static Object merge(BTreeClass type, Object old, Object committed, Object changed) {
    Object oldBucket = BucketState.onlyBucket(old, type);
    Object committedBucket = BucketState.onlyBucket(committed, type);
    Object changedBucket = BucketState.onlyBucket(changed, type);
    PythonOrder order = new PythonOrder();
    return BucketMerge.merge(
            type,
            order,
            BucketState.of(oldBucket, type, order),
            BucketState.of(committedBucket, type, order),
            BucketState.of(changedBucket, type, order))
        .toState(type);
  }

  /** What both changes add to a length is added. */
  private static Object length(Object old, Object committed, Object changed) {
    BigInteger sum = whole(committed).add(whole(changed)).subtract(whole(old));
    return sum.bitLength() < Long.SIZE ? (Object) sum.longValue() : sum;
  }

  private static BigInteger whole(Object value) {
    return switch (value) {
      case Long number -> BigInteger.valueOf(number);
      case BigInteger number -> number;
      case Boolean bool -> bool ? BigInteger.ONE : BigInteger.ZERO;
      default -> throw new UnknownException("a length that is " + Py.describe(value));
    };
  }

  /** The two pickles of a data record. */
  private record RecordState(Object metadata, Object state) {
    static RecordState of(byte[] any) {
      byte[] record = RecordForm.plainUpTo(any, MAX_RECORD);
      if (record == null || record.length > MAX_RECORD) {
        throw new UnknownException("a record of more than " + MAX_RECORD + " bytes");
      }
      // With the names of Python 3, since that is what will read what is written.
      Unpickler unpickler = new Unpickler(record, 0, record.length, LIMITS);
      return new RecordState(unpickler.load(), unpickler.load());
    }

    /** Whether the class is called without arguments. */
    boolean hasPlainClass() {
      return switch (metadata) {
        case PyGlobal global -> true;
        case PyTuple parts -> parts.size() == 2 && isNothing(parts.get(1)) && isClass(parts.get(0));
        default -> false;
      };
    }

    private static boolean isClass(Object part) {
      return part instanceof PyGlobal || part instanceof PyTuple;
    }

    private static boolean isNothing(Object arguments) {
      return arguments == PyNone.NONE || (arguments instanceof PyTuple tuple && tuple.size() == 0);
    }
  }
}
