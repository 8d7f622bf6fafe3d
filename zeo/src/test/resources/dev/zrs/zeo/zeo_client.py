"""Drives a ZEO server with the real client: zeo_client.py SCENARIO PORT DIRECTORY."""
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import BTrees.OOBTree
import transaction
import ZODB
import ZODB.blob
import ZODB.POSException
import ZODB.utils
from persistent.mapping import PersistentMapping
from ZEO.ClientStorage import ClientStorage

logging.basicConfig(level=logging.WARNING)
scenario, port, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
address = ('127.0.0.1', port)
maxtid = b'\x7f' + b'\xff' * 7
z64 = b'\0' * 8


def client(**options):
    options.setdefault('wait_timeout', 20)
    return ClientStorage(address, **options)


def wait_for(condition, what):
    deadline = time.time() + 30
    while not condition():
        assert time.time() < deadline, what
        time.sleep(0.01)


def raises(kind, call, *args, **kw):
    try:
        call(*args, **kw)
    except kind as error:
        return error
    raise AssertionError('no %s' % kind.__name__)


def write(storage, oid, serial, data, user='', description='', extension=None):
    txn = ZODB.Connection.TransactionMetaData(user, description, extension)
    storage.tpc_begin(txn)
    try:
        storage.store(oid, serial, data, '', txn)
        storage.tpc_vote(txn)
    except BaseException:
        storage.tpc_abort(txn)
        raise
    return storage.tpc_finish(txn)


RECORD = (b'\x80\x03cpersistent.mapping\nPersistentMapping\nq\x00.'
          b'\x80\x03}q\x01X\x04\x00\x00\x00dataq\x02}q\x03s.')


def commit():
    """Two databases on one server: each sees what the other commits."""
    db = ZODB.DB(client())
    other = ZODB.DB(client(client_label='the other'))
    connection = db.open()
    root = connection.root()
    root['tree'] = BTrees.OOBTree.OOBTree()
    for i in range(300):
        root['tree'][i] = 'value %d' % i
    with_note = transaction.get()
    with_note.note('a note \u00e4')
    with_note.setUser('somebody')
    with_note.setExtendedInfo('key', [1, 'two', {'three': 3.0}])
    transaction.commit()
    manager = transaction.TransactionManager()
    wait_for(lambda: other.storage.lastTransaction() == db.storage.lastTransaction(), 'tid')
    reader = other.open(manager)
    assert dict(reader.root()['tree']) == {i: 'value %d' % i for i in range(300)}
    for n in range(50):
        root['tree'][n] = 'changed %d' % n
        transaction.commit()

    def seen():
        manager.begin()
        return reader.root()['tree'][49] == 'changed 49'
    wait_for(seen, 'the invalidation')
    assert [reader.root()['tree'][n] for n in range(50)] == [
        'changed %d' % n for n in range(50)]
    reader.root()['tree'][1000] = 1
    manager.commit()

    def seen_back():
        transaction.begin()
        return 1000 in root['tree']
    wait_for(seen_back, 'the invalidation on the way back')
    assert db.storage.lastTransaction() == other.storage.lastTransaction()
    assert db.storage._info['length'] == len(db.storage) > 5
    other.close()
    db.close()


def conflict():
    storage = client()
    oid = storage.new_oid()
    tid1 = write(storage, oid, z64, RECORD)
    tid2 = write(storage, oid, tid1, RECORD + b'.')
    error = raises(ZODB.POSException.ConflictError, write, storage, oid, tid1, RECORD)
    assert error.oid == oid, error
    assert error.serials == (tid2, tid1), error.serials
    assert error.class_name == 'persistent.mapping.PersistentMapping', error.class_name
    assert str(error).startswith('database conflict error (oid 0x'), str(error)
    txn = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(txn)
    storage.checkCurrentSerialInTransaction(oid, tid1, txn)
    error = raises(ZODB.POSException.ReadConflictError, storage.tpc_vote, txn)
    assert error.serials == (tid2, tid1), error.serials
    storage.tpc_abort(txn)
    txn = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(txn)
    storage.checkCurrentSerialInTransaction(oid, tid2, txn)
    storage.tpc_vote(txn)
    storage.tpc_finish(txn)
    # Aborted before and after the vote; the lock is free each time.
    for votes in 0, 1:
        txn = ZODB.Connection.TransactionMetaData()
        storage.tpc_begin(txn)
        storage.store(oid, tid2, RECORD, '', txn)
        if votes:
            storage.tpc_vote(txn)
        storage.tpc_abort(txn)
    write(storage, oid, tid2, RECORD, extension={'x': 1})
    # Two databases, as an application sees it.
    db1, db2 = ZODB.DB(storage), ZODB.DB(client())
    m1, m2 = transaction.TransactionManager(), transaction.TransactionManager()
    r1, r2 = db1.open(m1).root(), db2.open(m2).root()
    r1['a'] = 1
    r2['a'] = 2
    m1.commit()
    raises(ZODB.POSException.ConflictError, m2.commit)
    m2.abort()
    for attempt in range(10):
        r2['a'] = 2
        try:
            m2.commit()
            break
        except ZODB.POSException.ConflictError:
            m2.abort()
    assert attempt == 0, 'a retry without the invalidation'
    db1.close()
    db2.close()


def loads():
    storage = client()
    oid = storage.new_oid()
    assert len(set(storage.new_oid() for i in range(250))) == 250
    error = raises(ZODB.POSException.POSKeyError, storage.load, oid)
    assert error.args == (oid,), error.args
    tid1 = write(storage, oid, z64, RECORD)
    tid2 = write(storage, oid, tid1, RECORD + b'.')
    cacheless = client()
    assert cacheless.loadBefore(oid, maxtid) == (RECORD + b'.', tid2, None)
    assert cacheless.loadBefore(oid, tid2) == (RECORD, tid1, tid2)
    assert cacheless.loadBefore(oid, tid1) is None
    assert cacheless.loadSerial(oid, tid1) == RECORD
    assert cacheless.getTid(oid) == tid2
    assert cacheless._call('lastTransaction') == tid2
    raises(ZODB.POSException.POSKeyError, cacheless.loadSerial, oid, z64)
    cacheless.ping()
    raises(TypeError, cacheless._call, 'ping', 1)
    status = cacheless._call('server_status')
    assert status['last-transaction'] == tid2.hex(), status
    assert status['connections'] == 2, status
    assert cacheless.getName().endswith('(connected)')
    big = b'x' * 3000000
    write(storage, oid, tid2, RECORD + big)
    wait_for(lambda: cacheless.load(oid)[0] == RECORD + big, 'the large record')
    cacheless.close()
    storage.close()


def blobs():
    def blob_client(name):
        return ZODB.DB(client(blob_dir=os.path.join(directory, name)))
    db = blob_client('one')
    other = blob_client('two')
    contents = [b'', b'small', os.urandom(59000), os.urandom(5 << 20)]
    root = db.open().root()
    root['blobs'] = [ZODB.blob.Blob(content) for content in contents]
    transaction.commit()
    manager = transaction.TransactionManager()
    wait_for(lambda: other.storage.lastTransaction() == db.storage.lastTransaction(), 'tid')
    reader = other.open(manager).root()
    for blob, content in zip(reader['blobs'], contents):
        with blob.open() as f:
            assert f.read() == content
    with root['blobs'][1].open('w') as f:
        f.write(b'changed')
    transaction.commit()

    def seen():
        manager.begin()
        with reader['blobs'][1].open() as f:
            return f.read() == b'changed'
    wait_for(seen, 'the changed blob')
    raises(ZODB.POSException.POSKeyError, other.storage.loadBlob, z64, maxtid)
    # Aborted uploads leave nothing.
    root['aborted'] = ZODB.blob.Blob(b'aborted')
    transaction.get().join(Unwilling())
    raises(Unwilling.No, transaction.commit)
    transaction.abort()
    other.close()
    db.close()


class Unwilling(object):
    class No(Exception):
        pass

    def sortKey(self):
        return '~'

    def tpc_vote(self, txn):
        raise self.No()

    def nothing(self, txn):
        pass
    abort = tpc_begin = commit = tpc_finish = tpc_abort = nothing


def shared_blobs():
    shared = os.path.join(directory, 'blobs')
    db = ZODB.DB(client(blob_dir=shared, shared_blob_dir=True))
    root = db.open().root()
    root['blob'] = ZODB.blob.Blob(b'shared content')
    transaction.commit()
    with root['blob'].open() as f:
        assert f.read() == b'shared content'
    db.close()


def read_only():
    error = raises(Exception, client, wait_timeout=2)
    assert 'timed out' in str(error), error
    storage = client(read_only=True)
    assert storage.isReadOnly()
    raises(ZODB.POSException.ReadOnlyError, storage.new_oid)
    error = raises(ZODB.POSException.ReadOnlyError, storage._call, 'new_oids')
    storage.close()
    storage = client(read_only_fallback=True)
    assert storage.isReadOnly()
    raises(ZODB.POSException.ReadOnlyError,
           storage.tpc_begin, ZODB.Connection.TransactionMetaData())
    assert storage.load(z64)[0]
    storage.close()


def prepare():
    db = ZODB.DB(client())
    db.close()


def verify():
    """A client with a persistent cache catches up by the invalidation queue."""
    storage = client(client='verify', var=directory)
    oid = storage.new_oid()
    tid = write(storage, oid, z64, RECORD)
    assert storage.load(oid) == (RECORD, tid)
    storage.close()
    writer = client()
    for n in range(5):
        tid = write(writer, oid, tid, RECORD + b'.' * n)
    storage = client(client='verify', var=directory)
    assert storage._server.client.verify_result == 'quick verification'
    assert storage.load(oid) == (RECORD + b'....', tid)
    assert storage.lastTransaction() == tid
    storage.close()
    storage = client(client='verify', var=directory)
    assert storage._server.client.verify_result == 'Cache up to date'
    storage.close()
    for n in range(25):
        tid = write(writer, oid, tid, RECORD + b'.' * n)
    storage = client(client='verify', var=directory)
    assert storage._server.client.verify_result == 'cache too old, clearing'
    assert storage.load(oid)[1] == tid
    storage.close()
    writer.close()


def reconnect():
    """The server closes all connections when the file `ready` appears."""
    db = ZODB.DB(client())
    root = db.open().root()
    root['n'] = 1
    transaction.commit()
    generation = db.storage._connection_generation
    open(os.path.join(directory, 'ready'), 'w').close()
    wait_for(lambda: db.storage._connection_generation >= generation + 2, 'reconnection')
    wait_for(db.storage.is_connected, 'connection')
    transaction.begin()
    root['n'] += 1
    transaction.commit()
    assert root['n'] == 2
    db.close()


def increments():
    """Several processes count in one object; every increment must survive."""
    db = ZODB.DB(client())
    root = db.open().root()
    root['counter'] = PersistentMapping(n=0)
    transaction.commit()
    db.close()
    processes = [
        subprocess.Popen([sys.executable, __file__, 'increment', str(port), directory])
        for i in range(2)]
    assert [p.wait(100) for p in processes] == [0, 0]
    db = ZODB.DB(client())
    assert db.open().root()['counter']['n'] == 200, db.open().root()['counter']['n']
    db.close()


def increment():
    storage = client()
    db = ZODB.DB(storage)
    connection = db.open()
    counter = connection.root()['counter']
    done = 0
    while done < 100:
        transaction.begin()
        counter['n'] += 1
        try:
            transaction.commit()
            done += 1
        except ZODB.POSException.ConflictError:
            transaction.abort()
            continue
        # What the cache says is what the server says for this snapshot.
        transaction.begin()
        mine = storage._cache.loadBefore(counter._p_oid, connection._storage._start)
        if mine is not None:
            theirs = storage._call('loadBefore', counter._p_oid, connection._storage._start)
            assert mine[:2] == theirs[:2], 'stale'
    db.close()


def nagios():
    import ZEO.nagios
    from io import StringIO
    db = ZODB.DB(client())
    out, sys.stdout = sys.stdout, StringIO()
    try:
        status = ZEO.nagios.check('127.0.0.1:%d' % port, True, None, 'minutes')
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = out
    assert status is None and text.startswith('OK|active_txns=0'), (status, text)
    assert 'connections=1' in text, text
    s = socket.create_connection(address)
    s.sendall(b'\0\0\0\4ruok')
    data = b''
    while True:
        part = s.recv(10000)
        if not part:
            break
        data += part
    assert data.startswith(b'\0\0\0\2Z5'), data
    status = json.loads(data[10:].decode('ascii'))['1']
    assert sorted(status) == sorted([
        'loads', 'stores', 'commits', 'aborts', 'active_txns', 'lock_time', 'conflicts',
        'conflicts_resolved', 'start', 'connections', 'waiting', 'timeout-thread-is-alive',
        'last-transaction']), status
    time.strptime(status['start'])
    db.close()


def transaction_timeout():
    storage = client()
    oid = storage.new_oid()
    txn = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(txn)
    storage.store(oid, z64, RECORD, '', txn)
    storage.tpc_vote(txn)
    generation = storage._connection_generation
    wait_for(lambda: storage._connection_generation > generation, 'disconnection')
    raises(Exception, storage.tpc_finish, txn)
    storage.tpc_abort(txn)
    wait_for(storage.is_connected, 'connection')
    write(storage, oid, z64, RECORD)
    storage.close()


def waiting_vote():
    """Loads are answered while a vote waits; the lock goes to the waiter when its holder goes."""
    holder, waiter = client(), client()
    oid = holder.new_oid()
    tid = write(holder, oid, z64, RECORD)
    txn = ZODB.Connection.TransactionMetaData()
    holder.tpc_begin(txn)
    holder.store(oid, tid, RECORD, '', txn)
    holder.tpc_vote(txn)
    done = []

    def vote():
        done.append(write(waiter, waiter.new_oid(), z64, RECORD))
    thread = threading.Thread(target=vote)
    thread.daemon = True
    thread.start()
    wait_for(lambda: holder._call('server_status')['waiting'] == 1, 'the queue')
    for i in range(20):
        assert waiter._call('loadBefore', oid, maxtid)[1] == tid
    assert not done
    holder.close()
    thread.join(30)
    assert done
    waiter.close()


def info():
    print(json.dumps(client()._call('get_info')))


def real_info():
    """What Python's own server says of a storage with and without blobs."""
    from ZODB.FileStorage import FileStorage
    import zope.interface
    for blob_dir in None, os.path.join(directory, 'python-blobs'):
        storage = FileStorage(
            os.path.join(directory, 'python-%s.fs' % bool(blob_dir)), blob_dir=blob_dir)
        print(json.dumps([
            (each.__module__, each.__name__)
            for each in zope.interface.providedBy(storage).__iro__]))
        storage.close()


globals()[scenario]()
