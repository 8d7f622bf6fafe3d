"""Writers and readers that know what they must see: order.py prepare|write|read PORT [SECONDS FOLDER].

Two counters in two objects are always written together. A writer notes in a file what it was told is
committed, before the next one begins. A reader looks at the notes and begins a transaction, for which
its storage asks the server to answer (server_sync): what was noted before is told before that answer,
so the two counters must be at least as far, and equal.
"""
import os
import struct
import sys
import threading
import time

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError


def connect(port, **options):
    return ZODB.DB(ZEO.client(('127.0.0.1', int(port)), wait_timeout=30, **options))


def prepare(port):
    db = connect(port)
    with db.transaction() as c:
        c.root()['left'] = PersistentMapping({'n': 0})
        c.root()['right'] = PersistentMapping({'n': 0})
    db.close()


def keep_busy(storage, end):
    """What other threads of the process do: their answers come on the connection of the commits."""
    while time.monotonic() < end:
        storage.sync()


def write(port, seconds, folder):
    db = connect(port, server_sync=True)
    connection = db.open()
    busy = threading.Thread(target=keep_busy, args=(db.storage, time.monotonic() + float(seconds)))
    busy.start()
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
    busy.join()
    print(done)


def noted(notes):
    """The highest number that is noted; 0 before the first. The last ones of the writers are at the end."""
    size = notes.seek(0, os.SEEK_END) // 8 * 8
    notes.seek(max(0, size - 32))
    numbers = notes.read(size - notes.tell())
    return max(struct.unpack('>%dQ' % (len(numbers) // 8), numbers), default=0)


def read(port, seconds, folder):
    with open(os.path.join(folder, 'committed'), 'rb') as notes:
        db = connect(port, server_sync=True)
        connection = db.open()
        end, looks, last = time.monotonic() + float(seconds), 0, 0
        late = []
        while time.monotonic() < end:
            least = noted(notes)
            transaction.begin()
            root = connection.root()
            left, right = root['left']['n'], root['right']['n']
            assert left == right, 'torn: %d %d' % (left, right)
            assert left >= last, 'older than before: %d after %d' % (left, last)
            if left < least:
                late.append((left, least))
            last = left
            looks += 1
    assert not late, '%d stale of %d looks, first (seen, committed): %s' % (len(late), looks, late[:3])
    print(looks)


globals()[sys.argv[1]](*sys.argv[2:])
