"""A client of a <demostorage>: takes the same steps whoever serves it, and prints what it saw as JSON.

Arguments: the server's port, a folder for the cache of blobs, and which steps (undo, blobs). Transactions and
new objects are named by their order, so that what was seen of two servers can be compared.
"""
import base64
import hashlib
import json
import os
import sys
import time

import ZEO
from BTrees.Length import Length
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.serialize import ObjectWriter
from ZODB.utils import maxtid, p64, u64, z64

PORT, FOLDER, STEPS = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
UNDO, BLOBS = 'undo' in STEPS, 'blobs' in STEPS
A, COUNTER, BLOB, MISSING = (p64(n) for n in (1, 2, 3, 99))


class Names:
    """Gives tids and new oids names by their order."""

    def __init__(self):
        self.tids = []
        self.oids = []

    def tid(self, tid):
        return {z64: 'none', maxtid: 'max', None: None}.get(tid) or 't%d' % self.tids.index(tid)

    def oid(self, oid):
        return 'new%d' % self.oids.index(oid) if oid in self.oids else u64(oid)

    def data(self, data):
        for n, oid in enumerate(self.oids):
            data = data.replace(oid, b'newoid%02d' % n)
        return hashlib.sha256(data).hexdigest()[:12]


names = Names()
report = {}


def attempt(call):
    """The result, or what was raised."""
    try:
        return call()
    except Exception as e:
        return type(e).__name__


def client(number):
    return ZEO.client(('127.0.0.1', PORT), wait_timeout=30, blob_dir=os.path.join(FOLDER, str(number)))


def commit(storage, change, user=''):
    """One transaction; returns its tid."""
    t = TransactionMetaData(user, 'what ' + user + ' did')
    storage.tpc_begin(t)
    try:
        change(t)
        storage.tpc_vote(t)
    except Exception:
        storage.tpc_abort(t)
        raise
    tid = storage.tpc_finish(t)
    names.tids.append(tid)
    return tid


def record(value):
    return ObjectWriter().serialize(value)


def mapping(value):
    return PersistentMapping({'value': value})


def store(storage, oid, serial, value, user='somebody'):
    return commit(storage, lambda t: storage.store(oid, serial, record(value), '', t), user)


def blob_file(content):
    path = os.path.join(FOLDER, 'content%f' % time.time())
    with open(path, 'wb') as f:
        f.write(content)
    return path


def seen(storage):
    """All that a client can see of what is there."""
    def revision(oid, tid):
        found = storage.loadBefore(oid, tid)
        return found and [names.data(found[0]), names.tid(found[1]), names.tid(found[2])]

    def history(oid, size):
        return [[names.tid(h['tid']), h['user_name'].decode(), h['description'].decode(), h['size']]
                for h in storage.history(oid, size)]

    def blob(tid):
        with open(storage.loadBlob(BLOB, tid), 'rb') as f:
            return f.read().decode()

    oids = [z64, A, COUNTER, BLOB, MISSING] + names.oids
    result = {'last': names.tid(storage.lastTransaction()), 'length': len(storage)}
    if UNDO:
        result['size'] = storage.getSize()
    for oid in oids:
        result['object %s' % names.oid(oid)] = {
            'revisions': [[names.tid(tid), attempt(lambda: revision(oid, tid))] for tid in names.tids + [maxtid]],
            'serials': [[names.tid(tid), attempt(lambda: names.data(storage.loadSerial(oid, tid)))]
                        for tid in names.tids],
            'history': [attempt(lambda: history(oid, size)) for size in (1, 3, 100)],
            'current': attempt(lambda: names.tid(storage.getTid(oid)))}
    result['undoable'] = [
        [names.tid(names.tids[[names_id(tid) for tid in names.tids].index(each['id'])]), repr(each['user_name']),
         repr(each['description']), each['size']]
        for each in storage.undoLog(0, 100)]
    result['transactions'] = [
        [names.tid(t.tid), t.status, t.user.decode(), t.description.decode(),
         # A blob over ZEO makes two equal records, where the storage can keep two.
         sorted({(str(names.oid(r.oid)), names.tid(r.tid), r.data and names.data(r.data)) for r in t})]
        for t in storage.iterator()]
    result['some transactions'] = [names.tid(t.tid) for t in storage.iterator(names.tids[2], names.tids[-1])]
    if BLOBS:
        result['blobs'] = [[names.tid(tid), attempt(lambda: blob(tid))] for tid in names.tids]
    return result


def names_id(tid):
    return base64.encodebytes(tid).rstrip()


def steps(one, two):
    names.tids.extend(t.tid for t in one.iterator())
    base = len(names.tids)
    info = one._info
    report['info'] = {key: info[key] for key in ('name', 'length', 'supportsUndo', 'supports_record_iternext')}
    report['interfaces'] = [list(each) for each in info['interfaces']]
    report['read-only'] = one.isReadOnly()
    report['at first'] = seen(one)
    report['going through all'] = attempt(lambda: one.record_iternext(None))

    first = one.loadBefore(A, maxtid)[1]
    changed = store(one, A, first, mapping('changed'), 'the first')
    store(one, A, changed, mapping('changed again'), 'the second')
    new = one.new_oid()
    report['next oid follows'] = u64(one.new_oid()) - u64(new)
    report['oid is of a new object'] = u64(new) > 1000
    names.oids.append(new)
    store(one, new, z64, mapping('new'), 'the third')
    report['changed'] = seen(one)

    # Conflicts with the base and with a change of it.
    old = names.tids[1]
    report['resolved'] = attempt(lambda: names.tid(store(one, COUNTER, old, Length(7))))
    report['conflict with a change'] = attempt(lambda: store(one, A, first, mapping('late')))
    report['conflict with the base'] = attempt(lambda: store(one, z64, z64, mapping('no root')))

    def checked(oid, serial):
        def change(t):
            one.checkCurrentSerialInTransaction(oid, serial, t)
            one.store(new, one.getTid(new), record(mapping('checked')), '', t)
        return names.tid(commit(one, change))

    report['checked'] = attempt(lambda: checked(z64, one.getTid(z64)))
    report['checked in vain'] = attempt(lambda: checked(z64, first))
    report['checked what is not there'] = attempt(lambda: checked(MISSING, first))
    report['no deletion'] = isinstance(attempt(
        lambda: commit(one, lambda t: one.deleteObject(z64, one.getTid(z64), t))), str)
    if BLOBS:
        data, serial = one.loadBefore(BLOB, maxtid)[:2]
        commit(one, lambda t: one.storeBlob(BLOB, serial, data, blob_file(b'changed'), '', t), 'blobber')
    if UNDO:
        last = store(one, A, one.getTid(A), mapping('a mistake'))
        commit(one, lambda t: one.undo(names_id(last), t), 'regret')
        report['undo in the base'] = attempt(
            lambda: commit(one, lambda t: one.undo(names_id(names.tids[base - 1]), t)))
    report['at last'] = seen(one)

    # The other one was told of all that.
    end = time.monotonic() + 60
    while two.lastTransaction() != one.lastTransaction() and time.monotonic() < end:
        time.sleep(.02)
    report['seen by another'] = seen(two)


clients = [client(1), client(2)]
try:
    # What it has in its cache before is forgotten.
    clients[1].loadBefore(A, maxtid)
    steps(*clients)
finally:
    for each in clients:
        each.close()
print(json.dumps(report, indent=1, sort_keys=True))
