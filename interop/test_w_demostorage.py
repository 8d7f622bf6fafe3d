"""W: <demostorage>, a base that is only read and its changes: clients see what Python's server shows them."""
import filecmp
import json
import os
import shutil
import subprocess
import tempfile
import time

import pytest
import transaction
import ZEO
import ZODB
from BTrees.Length import Length
from ZODB.blob import Blob
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError, StorageError
from ZODB.tests.MinPO import MinPO
from ZODB.tests.StorageTestBase import zodb_pickle
from ZODB.utils import maxtid, p64, z64

from support import servers

PEER = os.path.join(servers.ROOT, 'interop', 'peers', 'demostorage.py')
A, COUNTER, BLOB = (p64(n) for n in (1, 2, 3))

BASE = '''
  <filestorage base>
    path base.fs
    blob-dir base-blobs
    read-only true
  </filestorage>
'''
FILES = '<demostorage 1>\n' + BASE + '''
  <filestorage changes>
    path changes.fs
    blob-dir changes-blobs
  </filestorage>
</demostorage>
'''
MEMORY = '<demostorage 1>\n name a trial\n' + BASE + '''
  <mappingstorage changes>
  </mappingstorage>
</demostorage>
'''
BASE_ALONE = '<demostorage 1>\n' + BASE + '</demostorage>\n'


def make_base(folder):
    """base.fs and base-blobs, with some transactions."""
    storage = FileStorage(os.path.join(folder, 'base.fs'), blob_dir=os.path.join(folder, 'base-blobs'))

    def store(oid, value):
        t = TransactionMetaData('base', 'made before')
        try:
            serial = storage.getTid(oid)
        except POSKeyError:
            serial = z64
        storage.tpc_begin(t)
        if oid == BLOB:
            file, path = tempfile.mkstemp(dir=storage.temporaryDirectory())
            os.write(file, value)
            os.close(file)
            storage.storeBlob(oid, serial, zodb_pickle(Blob()), path, '', t)
        else:
            storage.store(oid, serial, zodb_pickle(value), '', t)
        storage.tpc_vote(t)
        storage.tpc_finish(t)

    store(z64, MinPO('root'))
    store(COUNTER, Length(0))
    store(A, MinPO('first'))
    store(COUNTER, Length(1))
    store(A, MinPO('second'))
    store(BLOB, b'of the base')
    storage.close()


def served(cluster, name, command, conf, base):
    """A server in a folder of its own with a copy of the base. Paths in its configuration are of that folder."""
    server = cluster(name, command)
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    for path in ('base.fs', 'base-blobs', 'changes.fs', 'changes-blobs'):
        conf = conf.replace(' %s\n' % path, ' %s\n' % os.path.join(server.folder, path))
    with open(server.conf, 'w') as f:
        f.write(text[:start] + conf + text[end:])
    shutil.copy(base / 'base.fs', server.folder)
    shutil.copytree(base / 'base-blobs', os.path.join(server.folder, 'base-blobs'))
    return server


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / 'base'
    folder.mkdir()
    make_base(str(folder))
    return folder


def report(server, python, folder, steps):
    """What the client saw, without the server's own paths."""
    folder.mkdir()
    done = subprocess.run([python, PEER, str(server.port), str(folder), *steps],
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:] + server.read_logs()
    return json.loads(done.stdout.replace(server.folder, 'FOLDER'))


@pytest.mark.ours
@pytest.mark.parametrize('python', [servers.CURRENT, servers.LEGACY], ids=['ZEO 6', 'ZEO 5'])
@pytest.mark.parametrize('conf, steps', [
    (FILES, ['undo', 'blobs']),
    (MEMORY, []),
    (BASE_ALONE, ['blobs']),
], ids=['files', 'memory', 'base alone'])
def test_clients_see_what_pythons_server_shows(cluster, base, tmp_path, conf, steps, python):
    reports = []
    for name, command in ('python', servers.RUNZEO_CURRENT), ('zrs', servers.ZRS):
        server = served(cluster, name, command, conf, base).start()
        reports.append(report(server, python, tmp_path / ('cache-' + name), steps))
        assert server.stop() == 0
    stock, ours = reports
    for key in stock:
        assert ours[key] == stock[key], key
    assert ours == stock
    # What is compared is not empty.
    assert stock['resolved'].startswith('t')
    assert stock['no deletion']
    assert stock['conflict with a change'] == stock['conflict with the base'] == 'ConflictError'
    assert len(stock['at last']['transactions']) >= 6 + 5
    assert stock['at last']['object 1']['current'] != stock['at first']['object 1']['current']
    for key in set(stock['at last']) - {'size', 'length'}:
        # Those are told to the committer only.
        assert stock['seen by another'][key] == stock['at last'][key], key
    assert bool(stock['at last']['undoable']) == ('undo' in steps)
    for folder in 'python', 'zrs':
        assert filecmp.cmp(base / 'base.fs', tmp_path / folder / 'base.fs', shallow=False)


def client(server, cache):
    return ZEO.client(server.address, wait_timeout=30, blob_dir=str(cache))


NOTHING = '<demostorage 1>\n</demostorage>\n'
CHANGES_ALONE = FILES.replace(BASE, '')
BASE_IN_MEMORY = FILES.replace(BASE, '<mappingstorage>\n name nothing\n</mappingstorage>\n')
BLOBSTORAGE = '<demostorage 1>\n' + BASE + '''
  <blobstorage changes>
    blob-dir changes-blobs
    <filestorage>
      path changes.fs
    </filestorage>
  </blobstorage>
</demostorage>
'''
NESTED = '<demostorage 1>\n' + FILES.replace(' 1>', '>') + '''
  <mappingstorage changes>
  </mappingstorage>
</demostorage>
'''


@pytest.mark.ours
@pytest.mark.parametrize('conf', [NOTHING, CHANGES_ALONE, BASE_IN_MEMORY, BLOBSTORAGE, NESTED],
                         ids=['nothing', 'changes alone', 'base in memory', 'blobstorage', 'nested'])
def test_name_and_interfaces_are_pythons(cluster, base, tmp_path, conf):
    reports = []
    for name, command in ('python', servers.RUNZEO_CURRENT), ('zrs', servers.ZRS):
        server = served(cluster, name, command, conf, base).start()
        storage = client(server, tmp_path / ('cache-' + name))
        oid = storage.new_oid()
        commit(storage, lambda t: storage.store(oid, z64, zodb_pickle(MinPO('new')), '', t))
        info = storage._call('get_info')
        del info['size']
        info['transactions'] = len(list(storage.iterator()))
        reports.append(repr(info).replace(server.folder, 'FOLDER'))
        storage.close()
        assert server.stop() == 0
    assert reports[1] == reports[0]


def commit(storage, change):
    t = TransactionMetaData('us', '')
    storage.tpc_begin(t)
    try:
        change(t)
        storage.tpc_vote(t)
    except Exception:
        storage.tpc_abort(t)
        raise
    return storage.tpc_finish(t)


@pytest.mark.ours
def test_each_server_goes_on_with_the_others_changes(cluster, base, tmp_path):
    stock = served(cluster, 'server', servers.RUNZEO_CURRENT, FILES, base)
    ours = servers.Server(stock.folder + '-conf', servers.ZRS)
    shutil.copy(stock.conf, ours.conf)
    ours.port, ours.address = stock.port, stock.address
    values = []
    for n, server in enumerate([stock, ours, stock, ours]):
        server.start()
        try:
            storage = client(server, tmp_path / ('cache%d' % n))
            found = [storage.loadBefore(A, maxtid)[0]]
            with open(storage.loadBlob(BLOB, storage.getTid(BLOB))) as f:
                found.append(f.read())
            assert not values or found == values
            values = [zodb_pickle(MinPO(n)), 'content %d' % n]
            commit(storage, lambda t: storage.store(A, storage.getTid(A), values[0], '', t))
            path = tmp_path / ('upload%d' % n)
            path.write_text(values[1])
            commit(storage, lambda t: storage.storeBlob(
                BLOB, storage.getTid(BLOB), zodb_pickle(Blob()), str(path), '', t))
            assert len(storage.history(A, 100)) == 2 + n + 1
            storage.close()
            assert server.stop() == 0
        finally:
            server.kill()
    assert filecmp.cmp(base / 'base.fs', os.path.join(stock.folder, 'base.fs'), shallow=False)


@pytest.mark.ours
def test_an_undo_by_python_shows_the_base_and_can_be_changed(cluster, base, tmp_path):
    stock = served(cluster, 'server', servers.RUNZEO_CURRENT, FILES, base).start()
    storage = client(stock, tmp_path / 'cache0')
    before = storage.loadBefore(A, maxtid)
    changed = commit(storage, lambda t: storage.store(A, before[1], zodb_pickle(MinPO('x')), '', t))
    undone = commit(storage, lambda t: storage.undo(storage.undoLog(0, 1)[0]['id'], t))
    seen = [storage.loadBefore(A, tid) for tid in (changed, undone, maxtid)]
    assert seen[2] == before
    history = [h['tid'] for h in storage.history(A, 9)]
    storage.close()
    assert stock.stop() == 0

    ours = servers.Server(stock.folder + '-conf', servers.ZRS)
    shutil.copy(stock.conf, ours.conf)
    ours.port, ours.address = stock.port, stock.address
    ours.start()
    try:
        storage = client(ours, tmp_path / 'cache1')
        assert [storage.loadBefore(A, tid) for tid in (changed, undone, maxtid)] == seen
        assert [h['tid'] for h in storage.history(A, 9)] == history
        t = TransactionMetaData()
        storage.tpc_begin(t)
        storage.checkCurrentSerialInTransaction(A, before[1], t)
        storage.tpc_vote(t)
        storage.tpc_abort(t)
        again = commit(storage, lambda t: storage.store(A, before[1], zodb_pickle(MinPO('y')), '', t))
        assert storage.loadBefore(A, maxtid) == (zodb_pickle(MinPO('y')), again, None)
        storage.close()
        assert ours.stop() == 0
    finally:
        ours.kill()


@pytest.mark.ours
def test_what_python_does_wrong_works(cluster, base, tmp_path):
    """Pack, and changes of what an undo brought back from the base."""
    server = served(cluster, 'server', servers.ZRS, FILES, base).start()
    storage = client(server, tmp_path / 'cache')
    before = storage.loadBefore(A, maxtid)[0]
    changed = commit(storage, lambda t: storage.store(A, storage.getTid(A), zodb_pickle(MinPO('x')), '', t))
    undone = commit(storage, lambda t: storage.undo(storage.undoLog(0, 1)[0]['id'], t))
    assert storage.loadBefore(A, maxtid) == (before, undone, None)
    again = commit(storage, lambda t: storage.store(A, undone, zodb_pickle(MinPO('y')), '', t))
    size = storage.getSize()
    storage.pack(time.time(), wait=True)
    assert storage.getSize() < size
    assert storage.loadBefore(A, maxtid) == (zodb_pickle(MinPO('y')), again, None)
    with pytest.raises(POSKeyError):
        storage.loadSerial(A, changed)
    # Only the base has it, and only the base refers to it.
    assert storage.getTid(COUNTER)
    with pytest.raises(StorageError, match="can't be deleted"):
        commit(storage, lambda t: storage.deleteObject(A, again, t))
    storage.close()
    assert server.stop() == 0
    # A file that Python reads.
    changes = FileStorage(os.path.join(server.folder, 'changes.fs'), read_only=True)
    assert changes.load(A)[1] == again
    changes.close()


@pytest.mark.ours
def test_applications_work_and_temporary_changes_leave_nothing(cluster, tmp_path, monkeypatch):
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setenv('ZRS_JAVA_OPTS', '-Djava.io.tmpdir=%s' % folder)
    server = cluster('server', servers.ZRS)
    with FileStorageDB(os.path.join(server.folder, 'base.fs'), os.path.join(server.folder, 'base-blobs')) as root:
        root['blob'] = Blob(b'of the base')
        root['list'] = MinPO(1)
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    conf = BASE_ALONE.replace(' base', ' %s/base' % server.folder).replace('<filestorage %s/base>' % server.folder,
                                                                          '<filestorage base>')
    with open(server.conf, 'w') as f:
        f.write(text[:start] + conf + text[end:])
    for n in range(2):
        server.start()
        db = ZODB.DB(client(server, tmp_path / ('cache%d' % n)))
        with db.transaction() as connection:
            root = connection.root()
            assert sorted(root) == ['blob', 'list']
            with root['blob'].open() as f:
                assert f.read() == b'of the base'
            with root['blob'].open('w') as f:
                f.write(b'changed')
            root['new'] = MinPO(root['list'])
        with db.transaction() as connection:
            with connection.root()['blob'].open() as f:
                assert f.read() == b'changed'
            assert connection.root()['new'].value.value == 1
        assert not db.supportsUndo()
        db.close()
        assert [name.startswith('zrs-changes-') for name in os.listdir(folder) if name.startswith('zrs-')] == [True]
        assert server.stop() == 0
        assert [name for name in os.listdir(folder) if name.startswith('zrs-')] == []


class FileStorageDB:
    """The root of a new database, committed at the end."""

    def __init__(self, path, blobs):
        self.db = ZODB.DB(FileStorage(path, blob_dir=blobs))

    def __enter__(self):
        return self.db.open().root()

    def __exit__(self, *exception):
        transaction.commit()
        self.db.close()
