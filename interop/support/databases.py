"""Databases made by the real ZODB, with every kind of record."""
import random

import transaction
import ZODB
import ZODB.blob
from BTrees.IOBTree import IOBTree
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage


def make(path, blobs=None, objects=2000, seed=1, pack=True):
    """Makes a Data.fs: BTrees, large records, non-ASCII metadata, extension data, blobs, undo records,
    an undone creation, a deleted object; packed once in the middle if so wanted."""
    rnd = random.Random(seed)
    storage = FileStorage(str(path), blob_dir=str(blobs) if blobs else None)
    db = ZODB.DB(storage)
    connection = db.open()
    root = connection.root()
    root['tree'] = OOBTree()
    root['by number'] = IOBTree()
    root['length'] = Length()
    root['map'] = PersistentMapping()
    transaction.commit()

    def fill(start, stop):
        for i in range(start, stop):
            content = PersistentMapping(
                {'number': i, 'text': 'x\u00e9' * rnd.randrange(300), 'raw': rnd.randbytes(rnd.randrange(700))})
            root['tree']['key %06d' % i] = content
            root['by number'][i] = content
            root['length'].change(1)
            if i % 97 == 0:
                t = transaction.get()
                t.setUser('j\u00f6rg \u4e2d', '/plone/acl_users')
                t.note('added up to %d \u2713' % i)
                t.setExtendedInfo('counter', i)
                t.setExtendedInfo('title', 'step \u00fc %d' % i)
                transaction.commit()
        transaction.commit()

    fill(0, objects // 2)
    root['large'] = PersistentMapping({'data': rnd.randbytes(2_500_000)})
    transaction.commit()
    if blobs:
        for i in range(6):
            root['blob %d' % i] = ZODB.blob.Blob(rnd.randbytes(50_000 * i + 17))
        transaction.commit()
        with root['blob 1'].open('w') as f:
            f.write(b'second revision' * 1000)
        transaction.commit()
    for i in range(7):
        root['map']['value'] = i
        transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    connection.sync()
    for i in range(0, objects // 2, 50):
        del root['tree']['key %06d' % i]
        del root['by number'][i]
    transaction.commit()
    if pack:
        db.pack()
    fill(objects // 2, objects)
    if blobs:
        with root['blob 2'].open('w') as f:
            f.write(b'a revision after the pack')
        transaction.commit()
    root['late'] = PersistentMapping({'will be': 'undone'})
    transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    connection.sync()
    root['map']['value'] = 'changed'
    transaction.commit()
    root['map']['value'] = 'changed again'
    transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    connection.sync()
    victim = root['tree']['key %06d' % 1]
    del root['tree']['key %06d' % 1]
    del root['by number'][1]
    transaction.commit()
    t = TransactionMetaData()
    storage.tpc_begin(t)
    storage.deleteObject(victim._p_oid, storage.load(victim._p_oid)[1], t)
    storage.tpc_vote(t)
    storage.tpc_finish(t)
    root['root ends here'] = True
    transaction.commit()
    db.close()


def grow(path, blobs, megabytes, seed=1):
    """Adds to a database until Data.fs has that size: transactions from one small record to 64 large ones."""
    rnd = random.Random(seed)
    db = ZODB.DB(FileStorage(str(path), blob_dir=str(blobs)))
    connection = db.open()
    bulk = connection.root()['bulk'] = IOBTree()
    number = 0
    while db.getSize() < megabytes * 1_000_000:
        largest = rnd.choice([100, 1000, 10_000])
        for _ in range(rnd.choice([1, 4, 64])):
            number += 1
            bulk[number] = PersistentMapping({'number': number, 'data': rnd.randbytes(rnd.randrange(largest))})
        if number % 10 == 0:
            bulk[-number] = ZODB.blob.Blob(rnd.randbytes(rnd.randrange(200_000)))
        if number > 100:
            bulk[rnd.randrange(1, number)]['data'] = b'changed'
        transaction.get().note('bulk %d' % number)
        transaction.commit()
    db.close()


def commits(connection, count, rnd, blobs=True, start=0):
    """Commits count times over a ZEO connection: small, large, many objects, blobs, metadata."""
    root = connection.root()
    if 'live' not in root:
        root['live'] = IOBTree()
        transaction.commit()
    live = root['live']
    for i in range(start, start + count):
        kind = rnd.randrange(20)
        if kind == 0:
            live[i] = PersistentMapping({'data': rnd.randbytes(300_000)})
        elif kind == 1 and blobs:
            live[i] = ZODB.blob.Blob(rnd.randbytes(rnd.choice([1, 1000, 59_000, 65_536, 200_000])))
        elif kind == 2:
            for k in range(50):
                live[-(i * 50 + k) - 1] = PersistentMapping({'k': k})
        else:
            live[i] = PersistentMapping({'i': i, 'data': rnd.randbytes(rnd.randrange(400))})
        if kind % 3 == 0:
            t = transaction.get()
            t.setUser('us\u00e9r')
            t.note('live %d \u20ac' % i)
            t.setExtendedInfo('i', i)
        transaction.commit()
