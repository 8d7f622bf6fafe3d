package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * The requests that fill a client's transaction. What they bring is only collected; a failure is
 * kept for the vote. For the connection's reader only.
 */
final class StoreMethods {
  private final StorageService service;
  private final TransactionMethods transactions;
  private final ClientLog log;
  private final BlobUpload upload;

  StoreMethods(StorageService service, TransactionMethods transactions, ClientLog log) {
    this.service = service;
    this.transactions = transactions;
    this.log = log;
    this.upload = new BlobUpload(service.storage().blobs());
  }

  /**
   * The data of a record. If it is text the vote fails, as with Python's server, and the connection
   * goes on.
   */
  private static Supplier<byte[]> data(Request request) {
    if (request.argument(2) instanceof String) {
      return () -> {
        throw new RequestException(
            RemoteError.builtin("TypeError", "a bytes-like object is required, not 'str'"));
      };
    }
    byte[] data = request.bytes(2);
    return () -> data;
  }

  Object store(Request request) {
    request.expect(4, 4);
    Oid oid = request.oid(0);
    Tid serial = request.serial(1);
    Supplier<byte[]> data = data(request);
    ClientTransaction transaction = transactions.open(request, 3);
    service.stats().stores.increment();
    boolean resolved = transaction.state() == ClientTransaction.State.CONFLICTING;
    collect(
        transaction,
        buffer -> {
          if (resolved) {
            buffer.resolve(oid, serial, data.get());
          } else {
            buffer.store(oid, serial, data.get());
          }
        });
    return PyNone.NONE;
  }

  Object delete(Request request) {
    request.expect(3, 3);
    Oid oid = request.oid(0);
    Tid serial = request.serial(1);
    ClientTransaction transaction = transactions.open(request, 2);
    service.stats().stores.increment();
    collect(transaction, buffer -> buffer.delete(oid, serial));
    return PyNone.NONE;
  }

  Object undo(Request request) {
    request.expect(2, 2);
    ClientTransaction transaction = transactions.open(request, 1);
    collect(
        transaction,
        buffer -> {
          if (!service.abilities().undo()) {
            throw new RequestException(RemoteError.undoError("this storage has no undo"));
          }
          buffer.undo(HistoryMethods.ofUndoId(request, 0));
        });
    return PyNone.NONE;
  }

  Object checkCurrent(Request request) {
    request.expect(3, 3);
    Oid oid = request.oid(0);
    Tid serial = request.serial(1);
    collect(transactions.open(request, 2), buffer -> buffer.checkCurrent(oid, serial));
    return PyNone.NONE;
  }

  Object restore(Request request) {
    request.expect(5, 5);
    Oid oid = request.oid(0);
    Tid serial = request.tid(1);
    byte[] data = Py.isNone(request.argument(2)) ? null : request.bytes(2);
    Tid dataTid = request.tidOrNone(3);
    ClientTransaction transaction = transactions.open(request, 4);
    service.stats().stores.increment();
    collect(transaction, buffer -> buffer.restore(oid, serial, data, dataTid));
    return PyNone.NONE;
  }

  Object blobStart(Request request) {
    request.expect(0, 0);
    transactions.requireWritable();
    upload.start();
    return PyNone.NONE;
  }

  Object blobChunk(Request request) {
    request.expect(1, 1);
    upload.chunk(request.bytes(0));
    return PyNone.NONE;
  }

  Object blobEnd(Request request) {
    request.expect(4, 4);
    Oid oid = request.oid(0);
    Tid serial = request.serial(1);
    Supplier<byte[]> data = data(request);
    ClientTransaction transaction = transactions.open(request, 3);
    collect(
        transaction,
        buffer -> {
          byte[] record = data.get();
          Path file = upload.end();
          boolean taken = false;
          try {
            buffer.storeBlob(oid, serial, record, file);
            taken = true;
          } finally {
            if (!taken) {
              upload.discard(file);
            }
          }
        });
    // Something may be left of it if the transaction could not even begin.
    upload.abandon();
    return PyNone.NONE;
  }

  Object blobShared(Request request) {
    request.expect(5, 5);
    Oid oid = request.oid(0);
    Tid serial = request.serial(1);
    Supplier<byte[]> data = data(request);
    String name = request.text(3);
    ClientTransaction transaction = transactions.open(request, 4);
    if (!isSharedName(name)) {
      log.critical("We're under attack! (bad filename to storeBlobShared, '%s')", name);
      throw new RequestException(RemoteError.builtin("ValueError", name));
    }
    collect(
        transaction,
        buffer -> {
          BlobDirectory blobs = service.storage().blobs().orElseThrow(BlobUpload::noBlobs);
          Path file = blobs.directoryOf(oid).resolve(name);
          buffer.storeBlob(oid, serial, data.get(), file);
        });
    return PyNone.NONE;
  }

  /** A name in the object's own directory, which ends as clients' temporary files do. */
  private static boolean isSharedName(String name) {
    boolean ends =
        name.endsWith(".tmp")
            || (!name.isEmpty() && name.substring(0, name.length() - 1).endsWith(".tmp"));
    return ends && name.indexOf('/') < 0 && name.indexOf('\0') < 0;
  }

  private interface Collecting {
    void into(TransactionBuffer buffer);
  }

  /** After a failure the vote will say so, and nothing more is needed. */
  private void collect(ClientTransaction transaction, Collecting change) {
    TransactionBuffer buffer = transaction.buffer();
    if (buffer != null && transaction.failure() == null) {
      transaction.attempt(
          () -> {
            service.openChanges().add();
            transaction.addChange();
            change.into(buffer);
          });
    }
  }

  /** Removes what is left of an upload, at the connection's end. */
  void disconnected() {
    upload.abandon();
  }
}
