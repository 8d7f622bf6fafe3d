package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A transaction of a {@link ZeoClient}: changes are collected, then voted on and finished. Closing
 * it aborts it, unless it was finished. Of one client one at a time can be open. For the client's
 * thread.
 */
public final class ZeoTransaction implements AutoCloseable {
  /** As Python's client. */
  private static final int CHUNK = 59_000;

  private enum State {
    OPEN,
    VOTED,
    ENDED
  }

  private final ZeoClient client;
  private final long id;
  private State state = State.OPEN;

  ZeoTransaction(ZeoClient client, long id) {
    this.client = client;
    this.id = id;
  }

  private void require(State wanted) {
    if (state != wanted) {
      throw new IllegalStateException("the transaction is " + state);
    }
  }

  /**
   * Changes an object.
   *
   * @param serial that of the revision which was read; {@link Tid#NONE} for a new object
   * @param data the record: two pickles, class and state
   */
  public void store(Oid oid, Tid serial, byte[] data) {
    require(State.OPEN);
    client.cast("storea", oid, serial, data, id);
  }

  /**
   * Changes an object that has a blob.
   *
   * @param content the blob, read to its end
   * @throws IOException if it can't be read; the transaction is aborted then
   */
  public void storeBlob(Oid oid, Tid serial, byte[] data, InputStream content) throws IOException {
    require(State.OPEN);
    // Python's storages keep both records, and so do clients store both.
    client.cast("storea", oid, serial, data, id);
    client.cast("storeBlobStart");
    try {
      byte[] chunk = new byte[CHUNK];
      for (int count = content.readNBytes(chunk, 0, CHUNK);
          count > 0;
          count = content.readNBytes(chunk, 0, CHUNK)) {
        client.cast("storeBlobChunk", Arrays.copyOf(chunk, count));
      }
    } catch (IOException e) {
      // Nobody has said yet which object the chunks are for; the server would wait for the rest.
      client.cast("storeBlobEnd", oid, serial, data, id);
      abort();
      throw e;
    }
    client.cast("storeBlobEnd", oid, serial, data, id);
  }

  /** Deletes an object, where the server has a storage that can. */
  public void delete(Oid oid, Tid serial) {
    require(State.OPEN);
    client.cast("deleteObject", oid, serial, id);
  }

  /** Makes the vote fail if this is not the current revision. */
  public void checkCurrent(Oid oid, Tid serial) {
    require(State.OPEN);
    client.cast("checkCurrentSerialInTransaction", oid, serial, id);
  }

  /** Takes back what a transaction changed. */
  public void undo(Tid tid) {
    require(State.OPEN);
    client.cast("undoa", Base64.getEncoder().encode(tid.toBytes()), id);
  }

  /**
   * Has the server check everything and write it. It may wait for the transactions of others.
   *
   * @return the objects whose new state is not what was stored: conflicts that the server resolved,
   *     and what was undone
   * @throws ZeoConflictException if an object was changed by somebody else
   * @throws ZeoCallException if the server refuses for another reason
   */
  public List<Oid> vote() {
    require(State.OPEN);
    Object reply = client.call("vote", id);
    List<Oid> changed =
        client.parse(
            "vote",
            reply,
            value -> {
              List<Oid> oids = new ArrayList<>();
              for (Object each : Py.isNone(value) ? List.of() : Py.asSequence(value)) {
                if (each instanceof PyDict conflict) {
                  // Left to us to resolve, which we don't.
                  throw new ZeoConflictException(
                      "vote", "ZODB.POSException.ConflictError", conflict);
                }
                oids.add(Oid.of(Py.asBytes(each)));
              }
              return oids;
            });
    state = State.VOTED;
    return changed;
  }

  /**
   * Makes it permanent and visible; after a vote.
   *
   * @return its tid, the new serial of all its objects
   */
  public Tid finish() {
    require(State.VOTED);
    // Whatever comes of it, there is nothing left to abort.
    state = State.ENDED;
    return client.tid("tpc_finish", client.call("tpc_finish", id));
  }

  /** Votes and finishes. */
  public Tid commit() {
    vote();
    return finish();
  }

  /** Gives it up; again is harmless. */
  public void abort() {
    if (state != State.ENDED) {
      state = State.ENDED;
      client.call("tpc_abort", id);
    }
  }

  /** Aborts it, unless it is finished or the connection has gone. */
  @Override
  public void close() {
    if (client.isClosed()) {
      state = State.ENDED;
    } else {
      abort();
    }
  }
}
