"""Commits of every kind over ZEO, through restarts of the server; works with ZEO 5 and 6.

round_writer.py PORT NAME COUNT SEED FOLDER PAUSE UNDONE: until COUNT are acknowledged, with pauses of about
PAUSE seconds between them; at most UNDONE transactions are undone by one. A line for each attempt:
'ok TID KIND'; 'refused KIND' for an undo that can't be done any more; 'conflict KIND'; 'away KIND ERROR'
where the server went away, so that what was being committed may or may not be there.

What is deleted is never undone, so an object that a pack may have removed, also the pack of a copy
that knows nothing of the undo, is never reached again.
"""
import base64
import os
import random
import sys
import time

import transaction
import ZODB
import ZODB.blob
from BTrees.IOBTree import IOBTree
from BTrees.Length import Length
from persistent.mapping import PersistentMapping
from ZEO.ClientStorage import ClientStorage
from ZEO.Exceptions import ClientDisconnected, ServerException
from ZODB.POSException import ConflictError, MultipleUndoErrors, StorageTransactionError, UndoError

BLOCK = 1 << 16
# The blocks of the replication protocol are of 64 KiB; those of ZEO of 59,000 bytes.
BLOB_SIZES = [0, 1, 59_000] + [k * BLOCK + d for k in (1, 2, 5) for d in (-1, 0, 1)]
LARGEST_BLOB = 10 << 20
UNDO_AMONG = 12


class NotingStorage(ClientStorage):
    """Remembers the tid of its last commit."""

    told = None

    def tpc_finish(self, txn, f=lambda tid: None):
        self.told = super().tpc_finish(txn, f)
        return self.told


def say(*words):
    print(*words, flush=True)


class Writer:
    def __init__(self, port, name, seed, folder, undone):
        self.port, self.name, self.undone = port, name, undone
        self.blobs = os.path.join(folder, 'blobs of ' + name)
        self.rnd = random.Random('%s %s' % (seed, name))
        self.undoable = []
        self.number = 0
        self.db = None

    def connect(self):
        self.storage = NotingStorage(('127.0.0.1', self.port), wait_timeout=60, blob_dir=self.blobs)
        self.db = ZODB.DB(self.storage)
        self.connection = self.db.open()
        self.root = self.connection.root()
        prepare(self.root, self.name)

    def disconnect(self):
        db, self.db = self.db, None
        if db is not None:
            self.connection.close()
            db.close()

    def own(self):
        return self.root['rounds'][self.name]

    def some(self, wanted):
        """An own object of that class, or None."""
        own = self.own()
        for _ in range(20):
            try:
                key = own.minKey(self.rnd.randrange(self.number + 1))
            except ValueError:
                continue
            if type(own[key]) is wanted:
                return key, own[key]
        return None

    def add(self, value):
        self.number += 1
        self.own()[self.number] = value

    def content(self, size):
        return PersistentMapping({'i': self.number, 'text': '\u00fc\u4e2d', 'data': self.rnd.randbytes(size)})

    def small(self):
        for _ in range(self.rnd.randrange(1, 6)):
            self.add(self.content(self.rnd.randrange(2000)))

    def many(self):
        for _ in range(60):
            self.add(self.content(self.rnd.randrange(100)))

    def large(self):
        self.add(self.content(self.rnd.choice([BLOCK - 200, 300_000, 2_000_000])))

    def change(self):
        found = self.some(PersistentMapping)
        if found is None:
            return self.small()
        found[1]['data'] = self.rnd.randbytes(self.rnd.randrange(3000))

    def blob(self):
        self.add(ZODB.blob.Blob(self.rnd.randbytes(self.rnd.choice(BLOB_SIZES))))

    def large_blob(self):
        blocks = self.rnd.randrange(LARGEST_BLOB // BLOCK)
        size = self.rnd.choice([blocks * BLOCK + self.rnd.randrange(BLOCK), blocks * BLOCK, LARGEST_BLOB])
        self.add(ZODB.blob.Blob(self.rnd.randbytes(size)))

    def revise_blob(self):
        found = self.some(ZODB.blob.Blob)
        if found is None:
            return self.blob()
        with found[1].open('w') as f:
            f.write(self.rnd.randbytes(self.rnd.choice(BLOB_SIZES)))

    def delete(self):
        own = self.own()
        for _ in range(self.rnd.randrange(1, 12)):
            try:
                key = own.minKey(self.rnd.randrange(self.number + 1))
            except ValueError:
                continue
            del own[key]

    def shared(self):
        """What the other writers change too; the server or the client merges it."""
        self.root['rounds length'].change(self.rnd.randrange(-5, 10))
        self.number += 1
        self.root['rounds shared'][self.rnd.randrange(1 << 30)] = self.content(50)

    def undo(self):
        if not self.undoable:
            return self.small()
        tids = self.rnd.sample(self.undoable, min(len(self.undoable), self.rnd.choice([1, 1, 1, self.undone])))
        self.db.undoMultiple([base64.encodebytes(tid).rstrip() for tid in sorted(tids, reverse=True)])

    # How often, in parts of all.
    KINDS = {small: 28, change: 20, many: 4, large: 3, blob: 10, revise_blob: 7, large_blob: 1, delete: 7,
             shared: 8, undo: 12}

    def describe(self):
        t = transaction.get()
        if self.rnd.randrange(2):
            t.setUser('j\u00f6rg \u4e2d', '/acl_users/\u00fc')
        if self.rnd.randrange(2):
            t.note('%s %d \u2713\n\u20ac' % (self.name, self.number))
        if self.rnd.randrange(2):
            t.setExtendedInfo('number', self.number)
            t.setExtendedInfo('title', '\u00e9' * self.rnd.randrange(40))
            t.setExtendedInfo('nested', {'list': [1, 2.5, None, True, 'x'], 'bytes': b'\xff\x00'})

    def attempt(self):
        """One transaction; whether it was acknowledged."""
        kind, = self.rnd.choices(list(self.KINDS), list(self.KINDS.values()))
        name = kind.__name__
        try:
            if self.db is None:
                self.connect()
            transaction.begin()
            self.storage.told = None
            kind(self)
            self.describe()
            transaction.commit()
        except ConflictError:
            transaction.abort()
            say('conflict', name)
            return False
        except Exception as e:
            transaction.abort()
            if kind is Writer.undo and is_undo_error(e):
                say('refused', name)
                return False
            if not is_away(e):
                raise
            say('away', name, type(e).__name__)
            time.sleep(0.05)
            self.disconnect()
            return False
        if self.storage.told is None:
            return False  # nothing was changed
        if kind is not Writer.delete:
            self.undoable = self.undoable[1 - UNDO_AMONG:] + [self.storage.told]
        say('ok', self.storage.told.hex(), name)
        return True


def prepare(root, name):
    """Makes what the writers share; several may try at once."""
    for _ in range(20):
        try:
            transaction.begin()
            if 'rounds' not in root:
                root['rounds'] = PersistentMapping()
                root['rounds shared'] = IOBTree()
                root['rounds length'] = Length()
            if name in root['rounds']:
                return
            root['rounds'][name] = IOBTree()
            transaction.commit()
            return
        except ConflictError:
            transaction.abort()
    raise AssertionError('nothing but conflicts')


def is_undo_error(e):
    """Also: Python's server refuses all undo while it packs, and sends a plain UndoError as a text."""
    return isinstance(e, (MultipleUndoErrors, UndoError)) or isinstance(e, ServerException) and 'UndoError' in str(e)


def is_away(e):
    """Also: runzeo raises SystemExit at a SIGTERM, wherever it is, and may send that to a client."""
    return (isinstance(e, (ClientDisconnected, StorageTransactionError, OSError))
            or isinstance(e, ServerException) and ('SystemError' in str(e) or 'SystemExit' in str(e)))


def main(port, name, count, seed, folder, pause, undone):
    writer = Writer(int(port), name, seed, folder, int(undone))
    left = int(count)
    while left:
        left -= writer.attempt()
        time.sleep(writer.rnd.uniform(0, 2 * float(pause)))
    writer.disconnect()


main(*sys.argv[1:])
