"""Calls what few clients call, and prints what comes back: methods.py PORT BLOB-CACHE.

Tids, times and undo ids are replaced by their number in the order of their appearance, so that two
servers with the same content give the same text.
"""
import base64
import sys
import time

import transaction
import ZEO.ClientStorage
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping
from persistent.TimeStamp import TimeStamp
from ZODB.Connection import TransactionMetaData
from ZODB.utils import p64, u64, z64

known = {}


def name(kind, value):
    return known.setdefault((kind, value), '<%s %d>' % (kind, len(known)))


def plain(value):
    if isinstance(value, bytes):
        if len(value) == 8 and value > p64(1 << 32):
            return name('tid', value)
        if len(value) == 12 and value.endswith(b'='):
            return name('undo', base64.decodebytes(value + b'\n'))
        return value if len(value) < 60 else (len(value), hash(value) * 0)
    if isinstance(value, float):
        return 'time'
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, dict):
        return sorted((key, plain(item)) for key, item in value.items())
    return value


def show(what, call, *args, **kw):
    try:
        value = plain(call(*args, **kw))
    except Exception as e:
        value = '%s %s' % (type(e).__name__, plain(getattr(e, 'oid', None)))
    print(what, value)


storage = ZEO.ClientStorage.ClientStorage(
    ('127.0.0.1', int(sys.argv[1])), wait_timeout=30, blob_dir=sys.argv[2])
db = ZODB.DB(storage)
show('undo is supported', db.supportsUndo)
connection = db.open()
root = connection.root()
for i in range(6):
    t = transaction.get()
    t.setUser('user%d' % (i % 2))
    t.note('step %d' % i)
    t.setExtendedInfo('number', i)
    root['a'] = root.get('a', PersistentMapping())
    root['a']['i'] = i
    root['b%d' % i] = PersistentMapping({'x': i})
    transaction.commit()
root['blob'] = ZODB.blob.Blob(b'first')
transaction.commit()
with root['blob'].open('w') as f:
    f.write(b'second')
transaction.commit()
oid = root['a']._p_oid

show('undoInfo', db.undoInfo, 0, 3)
show('undoInfo of nothing', db.undoInfo, 100, 120)
show('undoInfo of the last', db.undoInfo, 0, -1)
show('undoInfo by user', db.undoInfo, 0, -20, {'user_name': b'/ user1'})
show('undoInfo by description', db.undoInfo, 0, -20, {'description': b'step 2'})
show('undoInfo by extension', db.undoInfo, 0, -20, {'number': 3})
show('undoInfo by nothing', db.undoInfo, 0, -20, {'number': 3, 'description': b'step 2'})
show('undoLog', storage.undoLog, 1, 4)
show('history', storage.history, oid, 100)
show('history of one', storage.history, oid)
show('history of none', storage.history, p64(1 << 40))
show('getTid of none', storage.getTid, p64(1 << 40))


def all_records(iterator):
    return [(t.tid, t.status, t.user, t.description, t.extension,
             [(r.oid, r.tid, bool(r.data), r.data_txn) for r in t]) for t in iterator]


def tids():
    return [t.tid for t in storage.iterator()]


show('iterator', lambda: all_records(storage.iterator()))
some = tids()
show('iterator from', lambda: all_records(storage.iterator(some[3])))
show('iterator from to', lambda: all_records(storage.iterator(some[3], some[5])))
show('iterator between', lambda: all_records(storage.iterator(p64(u64(some[3]) + 1), p64(u64(some[5]) - 1))))
show('iterator beyond', lambda: all_records(storage.iterator(p64(u64(some[-1]) + 1))))


def two_at_once():
    """Records are read after the iterator went on."""
    iterator = iter(storage.iterator())
    first = next(iterator)
    records = iter(first)
    next(iterator)
    return [r.oid for r in records]


show('records of an earlier one', two_at_once)
show('unknown iterator', storage._call, 'iterator_next', 12345)


def walk():
    found = []
    following = None
    while True:
        current, tid, data, following = storage.record_iternext(following)
        found.append((current, bool(data)))
        if following is None:
            return found


show('record_iternext', walk)
show('record_iternext beyond', storage.record_iternext, p64(1 << 40))


def content():
    connection.sync()
    with root['blob'].open() as f:
        return f.read(), root['a']['i'], sorted(root)


def undo(*numbers):
    infos = db.undoInfo(0, 20)
    try:
        if len(numbers) == 1:
            db.undo(infos[numbers[0]]['id'])
        else:
            db.undoMultiple([infos[n]['id'] for n in numbers])
        transaction.commit()
    finally:
        transaction.abort()
    return content()


show('undo of a blob', undo, 0)
show('undo of the undo', undo, 0)
show('undo of a creation', undo, 2)
show('undo of three', undo, 3, 4, 5)
show('undo of the creation', undo, 0)
show('undo under a change', undo, 8)
show('content', content)


def bad_undo(undo_id):
    try:
        db.undo(undo_id)
        transaction.commit()
    finally:
        transaction.abort()


show('undo of nothing', bad_undo, base64.encodebytes(p64(u64(some[0]) + 1)).rstrip())


def delete(which, serial):
    t = TransactionMetaData()
    storage.tpc_begin(t)
    try:
        storage.deleteObject(which, serial, t)
        storage.tpc_vote(t)
        storage.tpc_finish(t)
    except Exception:
        storage.tpc_abort(t)
        raise
    return storage.history(which, 2)


def store_text():
    t = TransactionMetaData()
    storage.tpc_begin(t)
    storage.store(storage.new_oid(), z64, 'text', '', t)
    try:
        storage.tpc_vote(t)
    except TypeError as e:
        return str(e)
    finally:
        storage.tpc_abort(t)


show('data that are text', store_text)
show('and the connection', storage.is_connected)

victim = root['b2']._p_oid
serial = storage.getTid(victim)
show('delete with a wrong serial', delete, victim, some[0])
show('delete', delete, victim, serial)
show('delete of nothing', delete, p64(1 << 40), serial)
show('load of the deleted', storage.loadBefore, victim, b'\x7f' + b'\xff' * 7)
show('serial of the deleted', storage.getTid, victim)
show('earlier state of the deleted', storage.loadSerial, victim, serial)
del root['b2']
root['late'] = PersistentMapping()
transaction.commit()

show('pack to the past', storage.pack, TimeStamp(some[2]).timeTime() + 1e-5)
show('iterator after pack', lambda: all_records(storage.iterator()))
show('undo of what is packed', bad_undo, base64.encodebytes(some[1]).rstrip())
show('pack', storage.pack)
show('pack again', storage.pack)
# Our pack keeps the header of the last transaction even if it has no record.
show('iterator after pack', lambda: [t for t in all_records(storage.iterator()) if t[-1]])
show('undoInfo after pack', db.undoInfo)
show('content', content)
show('length', len, storage)
root['later'] = 1
transaction.commit()
show('pack with odd arguments', storage._call, 'pack', 'noon')
show('pack without waiting', storage._call, 'pack', TimeStamp(storage.lastTransaction()).timeTime() + 1, False)
db.close()

reader = ZEO.ClientStorage.ClientStorage(('127.0.0.1', int(sys.argv[1])), wait_timeout=30, read_only=True)
while True:
    # The pack for which nobody waited may still run.
    try:
        reader.pack()
        break
    except Exception as e:
        if 'Already packing' not in str(e):
            raise
        time.sleep(0.05)
show('root', reader.history, z64, 5)
reader.close()
