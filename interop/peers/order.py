"""Writers and readers that know what they must see: order.py prepare|write|read PORT [SECONDS FOLDER].

Two counters in two objects are always written together. A writer notes in a file what it was told is
committed, before the next one begins; a reader looks at the notes, then at the database, which must be
at least as far; and the two counters must be equal.
"""
import os
import struct
import sys
import time

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError


def connect(port):
    return ZODB.DB(ZEO.client(('127.0.0.1', int(port)), wait_timeout=30))


def prepare(port):
    db = connect(port)
    with db.transaction() as c:
        c.root()['left'] = PersistentMapping({'n': 0})
        c.root()['right'] = PersistentMapping({'n': 0})
    db.close()


def write(port, seconds, folder):
    db = connect(port)
    connection = db.open()
    with open(os.path.join(folder, 'committed'), 'ab', buffering=0) as notes:
        end, done = time.monotonic() + float(seconds), 0
        while time.monotonic() < end:
            try:
                transaction.begin()
                root = connection.root()
                n = root['left']['n'] + 1
                assert root['right']['n'] == n - 1, 'torn: %d %d' % (n - 1, root['right']['n'])
                root['left']['n'] = n
                root['right']['n'] = n
                transaction.commit()
                notes.write(struct.pack('>Q', n))
                done += 1
            except ConflictError:
                transaction.abort()
    print(done)


def read(port, seconds, folder):
    db = connect(port)
    connection = db.open()
    path = os.path.join(folder, 'committed')
    end, looks, last = time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < end:
        noted = 0
        if os.path.exists(path):
            with open(path, 'rb') as f:
                size = os.path.getsize(path) // 8 * 8
                if size:
                    f.seek(max(0, size - 32))
                    data = f.read(size - f.tell())
                    noted = max(struct.unpack('>%dQ' % (len(data) // 8), data))
        transaction.begin()
        root = connection.root()
        left, right = root['left']['n'], root['right']['n']
        assert left == right, 'torn: %d %d' % (left, right)
        assert left >= last, 'older than before: %d after %d' % (left, last)
        last = left
        looks += 1
        # Told of the commit by its invalidation, which is on its way before the writer knows.
        deadline = time.monotonic() + 5
        while root['left']['n'] < noted:
            assert time.monotonic() < deadline, 'stale: %d, %d is committed' % (root['left']['n'], noted)
            transaction.begin()
    print(looks)


globals()[sys.argv[1]](*sys.argv[2:])
