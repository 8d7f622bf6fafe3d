"""What the tests of the file storage ask of the real ZODB: peer.py COMMAND FILE [BLOBS]."""
import hashlib
import os
import shutil
import sys

import transaction
import ZODB
import ZODB.blob
import ZODB.POSException
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from ZODB.scripts import fstest
from ZODB.serialize import referencesf


def digest(data):
    return '-' if data is None else hashlib.sha1(data).hexdigest()


def make(path, blobs=None, pack=True):
    """A file with all kinds of records: back-pointers, undone creations, metadata, packed ones."""
    storage = FileStorage(path, blob_dir=blobs)
    db = ZODB.DB(storage)
    connection = db.open()
    root = connection.root()
    root['tree'] = OOBTree()
    root['map'] = PersistentMapping()
    for i in range(300):
        root['tree'][i] = PersistentMapping({'n': i, 'text': 'x' * (i * 7 % 3000)})
        if i % 50 == 0:
            transaction.get().note('step %d \u00e4\u20ac' % i)
            transaction.get().setUser('j\u00f6rg', '/plone')
            transaction.get().setExtendedInfo('i', i)
            transaction.commit()
    root['big'] = PersistentMapping({'data': b'\x01' * 3_000_000})
    transaction.commit()
    if blobs:
        for i in range(3):
            root['blob%d' % i] = ZODB.blob.Blob(b'content %d' % i * i)
        transaction.commit()
    for i in range(5):
        root['map']['value'] = i
        transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    if pack:
        del root['tree'][7]
        transaction.commit()
        db.pack()
    root['late'] = PersistentMapping()
    transaction.commit()
    tid = db.undoInfo()[0]['id']
    db.undo(tid)
    transaction.commit()
    connection.sync()
    root['map']['value'] = 'after'
    transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    storage.tpc_begin(t := ZODB.Connection.TransactionMetaData())
    oid = root['tree'][5]._p_oid
    storage.deleteObject(oid, storage.load(oid)[1], t)
    storage.tpc_vote(t)
    storage.tpc_finish(t)
    db.close()


def dump(path, blobs=None):
    """Everything that can be read, a line each."""
    storage = FileStorage(path, read_only=True, blob_dir=blobs)
    oids = set()
    for t in storage.iterator():
        print('T', t.tid.hex(), repr(t.status), t.user.hex() or '-', t.description.hex() or '-')
        for r in t:
            oids.add(r.oid)
            print('R', r.oid.hex(), r.tid.hex(), digest(r.data), r.data_txn.hex() if r.data_txn else '-')
    for oid in sorted(oids):
        try:
            data, tid, end = storage.loadBefore(oid, b'\x7f' + b'\xff' * 7)
            print('L', oid.hex(), tid.hex(), digest(data))
        except ZODB.POSException.POSKeyError:
            print('L', oid.hex(), 'POSKeyError')
    print('last', storage.lastTransaction().hex(), len(storage), storage.getSize())
    storage.close()


def verify(path):
    fstest.check(path)


def hold(path):
    storage = FileStorage(path)
    print('open', flush=True)
    sys.stdin.readline()
    storage.close()


def reopen(path):
    """Opens for writing, with whatever index there is, and closes."""
    storage = FileStorage(path)
    print('used index', storage._used_index)
    storage.close()


def refused(path):
    try:
        FileStorage(path).close()
    except Exception as e:
        print(type(e).__name__)
    else:
        print('opened')


def commit(path):
    db = ZODB.DB(FileStorage(path))
    with db.transaction() as connection:
        connection.root()['python'] = 'was here'
    db.close()


def pack_at_all_times(path, blobs, target):
    """Packs a copy just after each transaction; says when that was, and what is left."""
    from persistent.TimeStamp import TimeStamp
    storage = FileStorage(path, read_only=True, blob_dir=blobs)
    tids = [t.tid for t in storage.iterator()]
    storage.close()
    for number, tid in enumerate(tids):
        for gc in (True, False):
            copy = '%s/python-%d-%s' % (target, number, gc)
            os.mkdir(copy)
            shutil.copy(path, copy + '/Data.fs')
            shutil.copytree(blobs, copy + '/blobs')
            time = TimeStamp(tid).timeTime() + 1e-5
            storage = FileStorage(copy + '/Data.fs', blob_dir=copy + '/blobs')
            try:
                storage.pack(time, referencesf, gc)
                print(number, gc, repr(time), 'done')
            except Exception as e:
                print(number, gc, repr(time), type(e).__name__)
            storage.close()


def dump_all(*directories):
    for directory in directories:
        fstest.check(directory + '/Data.fs')
        dump(directory + '/Data.fs', directory + '/blobs')
        print('end of', directory)


def timestamps(_path):
    from persistent.TimeStamp import TimeStamp
    for year in (1990, 2024, 2031):
        for seconds in (0.0, 0.5, 12.345678, 59.999999):
            print(TimeStamp(year, 2, 29 if year == 2024 else 28, 23, 59, seconds).raw().hex(), year, seconds)


globals()[sys.argv[1]](*sys.argv[2:])
