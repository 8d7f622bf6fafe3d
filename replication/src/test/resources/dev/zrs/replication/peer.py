"""What the tests of replication ask of the real zc.zrs: peer.py COMMAND FILE BLOBS|- ..."""
import logging
import os
import random
import socket
import struct
import sys
import threading
import time

import transaction
import ZODB
import ZODB.blob
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from zc.zrs.primary import Primary
from zc.zrs.secondary import Secondary

LIMIT = 60
HOST = '127.0.0.1'


def opened(path, blobs):
    return FileStorage(path, blob_dir=None if blobs == '-' else blobs)


def wait_for(what, condition):
    deadline = time.time() + LIMIT
    while not condition():
        if time.time() > deadline:
            sys.exit('waited in vain for ' + what)
        time.sleep(0.02)


def make(path, blobs):
    """All kinds of records: metadata, extension data, blobs, undo, an undone creation; never packed."""
    storage = opened(path, blobs)
    db = ZODB.DB(storage)
    connection = db.open()
    root = connection.root()
    root['tree'] = OOBTree()
    root['map'] = PersistentMapping()
    for i in range(200):
        root['tree'][i] = PersistentMapping({'n': i, 'text': 'x' * (i * 7 % 3000)})
        if i % 20 == 0:
            t = transaction.get()
            t.note('step %d \u00e4\u20ac' % i)
            t.setUser('j\u00f6rg', '/plone')
            t.setExtendedInfo('i', i)
            t.setExtendedInfo('values', (1.5, None, True, False, 1 << 70, -5, 70000, b'\x00\xff', '\u4e2d', b'', [1, {}]))
            transaction.commit()
    root['big'] = PersistentMapping({'data': b'\x01' * 3_000_000})
    transaction.commit()
    if blobs != '-':
        for i, size in enumerate((1, 65535, 65536, 65537, 200_000)):
            root['blob%d' % i] = ZODB.blob.Blob(random.Random(i).randbytes(size))
        transaction.commit()
    for i in range(5):
        root['map']['value'] = i
        transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    root['late'] = PersistentMapping()
    transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    connection.sync()
    root['end'] = True
    transaction.commit()
    db.close()


def listening(path, blobs):
    primary = Primary(opened(path, blobs), (HOST, 0))
    wait_for('the primary to listen', lambda: primary._listener is not None)
    return primary, primary._listener.getHost().port


def capture(path, blobs, start, output):
    """Writes the stream that zc.zrs sends for the transactions after a tid."""
    primary, port = listening(path, blobs)
    start = bytes.fromhex(start)
    last = primary.lastTransaction()
    with socket.create_connection((HOST, port), timeout=LIMIT) as link, open(output, 'wb') as out:
        for body in (b'zrs2.1', start):
            link.sendall(struct.pack('>I', len(body)) + body)
        stream = link.makefile('rb')
        tid = None
        while True:
            header = stream.read(4)
            body = stream.read(struct.unpack('>I', header)[0])
            out.write(header + body)
            # A message begins with a mark, the type and the tid; records never look like this.
            if body.startswith(b'(X\x01\x00\x00\x00T'):
                tid = body
            if body.startswith(b'(X\x01\x00\x00\x00C') and encoded(last) in tid:
                break
    primary.close()


def encoded(tid):
    text = tid.decode('latin1').encode('utf-8')
    return struct.pack('<I', len(text)) + text


def serve(path, blobs, port_file, stop_file, commits):
    """A primary: first what is there, then live commits, until the stop file appears."""
    primary, port = listening(path, blobs)
    with open(port_file + '.tmp', 'w') as f:
        f.write(str(port))
    os.rename(port_file + '.tmp', port_file)
    db = ZODB.DB(primary)
    connection = db.open()
    rnd = random.Random(3)
    for i in range(int(commits)):
        connection.root()['live'] = PersistentMapping({'i': i, 'data': rnd.randbytes(rnd.randrange(5000))})
        transaction.get().setExtendedInfo('i', i)
        if blobs != '-' and i % 5 == 0:
            connection.root()['live blob'] = ZODB.blob.Blob(rnd.randbytes(1 + rnd.randrange(150_000)))
        transaction.commit()
    with open(port_file + '.done', 'w') as f:
        f.write(primary.lastTransaction().hex())
    wait_for('the stop file', lambda: os.path.exists(stop_file))
    connection.close()
    db.close()


def follow(path, blobs, port, last):
    """A secondary, until it has a transaction."""
    secondary = Secondary(opened(path, blobs), (HOST, int(port)), reconnect_delay=0.2, keep_alive_delay=0.1)
    wait_for('transaction ' + last, lambda: secondary.lastTransaction().hex() == last)
    secondary.close()


def follow_live(path, blobs, port, stop_file):
    """A secondary, until the stop file names its last transaction."""
    secondary = Secondary(opened(path, blobs), (HOST, int(port)), reconnect_delay=0.2, keep_alive_delay=0.1)
    wait_for('the stop file', lambda: os.path.exists(stop_file))
    with open(stop_file) as f:
        last = f.read()
    wait_for('transaction ' + last, lambda: secondary.lastTransaction().hex() == last)
    secondary.close()


def empty_transaction(path, blobs):
    """Prints what a Python secondary's storage does with a transaction that has no records."""
    storage = opened(path, blobs)
    before = storage.lastTransaction(), storage.getSize()
    t = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(t, ZODB.utils.p64(ZODB.utils.u64(storage.lastTransaction()) + 1), ' ')
    storage.tpc_vote(t)
    storage.tpc_finish(t)
    print((storage.lastTransaction(), storage.getSize()) == before)
    storage.close()


logging.basicConfig(level=logging.INFO, stream=sys.stderr)
threading.excepthook = lambda args: logging.error('thread failed', exc_info=args[1])
globals()[sys.argv[1]](*sys.argv[2:])
