"""U: the clients of ZEO 5 and 6, on asyncio's event loop and on uvloop, with either protocol: every object is
served to them, and a whole database is copied through them, in and out, equal."""
import hashlib
import os
import shutil
import subprocess

import pytest
from ZODB.blob import is_blob_record
from ZODB.FileStorage import FileStorage

from support import databases, servers

PEERS = os.path.join(servers.ROOT, 'interop', 'peers')
CLIENTS = {'ZEO 5': servers.LEGACY, 'ZEO 6': servers.CURRENT}


@pytest.fixture(scope='module')
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp('database')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=600)
    return folder


@pytest.fixture(scope='module')
def loops(tmp_path_factory):
    """Folders for PYTHONPATH: in one there is no uvloop, in the other there is, for both Pythons. Both have the
    msgpack package, which one of them lacks."""
    packages = subprocess.run(
        [servers.CURRENT, '-c', 'import msgpack, uvloop; print(msgpack.__path__[0]); print(uvloop.__path__[0])'],
        capture_output=True, text=True, check=True).stdout.split()
    folders = {}
    for loop in 'asyncio', 'uvloop':
        folders[loop] = tmp_path_factory.mktemp(loop)
        for package in packages:
            (folders[loop] / os.path.basename(package)).symlink_to(package)
    (folders['asyncio'] / 'uvloop').unlink()
    (folders['asyncio'] / 'uvloop.py').write_text('raise ModuleNotFoundError("left out", name="uvloop")\n')
    return folders


def content(path, blobs=None):
    """[(tid, status, metadata, [(oid, tid, data, where undo took it from, blob)])]"""
    storage = FileStorage(str(path), read_only=True, blob_dir=blobs and str(blobs))
    try:
        def blob(record):
            if not blobs or not record.data or not is_blob_record(record.data):
                return None
            with open(storage.loadBlob(record.oid, record.tid), 'rb') as f:
                return hashlib.sha256(f.read()).digest()

        return [(t.tid, t.status, t.user, t.description, t.extension,
                 [(r.oid, r.tid, r.data, r.data_txn, blob(r)) for r in t]) for t in storage.iterator()]
    finally:
        storage.close()


def same(first, second):
    assert len(first) > 20
    for one, two in zip(first, second):
        assert one == two, one[0].hex()
    assert len(first) == len(second)


@pytest.mark.parametrize('client, loop, protocol', [
    ('ZEO 6', 'uvloop', 'M5'),
    ('ZEO 6', 'asyncio', 'Z5'),
    ('ZEO 5', 'asyncio', 'M5'),
    ('ZEO 5', 'uvloop', 'Z5'),
    pytest.param('ZEO 6', 'uvloop', 'Z5', marks=pytest.mark.long_only),
    pytest.param('ZEO 6', 'asyncio', 'M5', marks=pytest.mark.long_only),
    pytest.param('ZEO 5', 'asyncio', 'Z5', marks=pytest.mark.long_only),
    pytest.param('ZEO 5', 'uvloop', 'M5', marks=pytest.mark.long_only)])
def test_a_database_goes_through_a_client(cluster, database, loops, client, loop, protocol):
    def run(script, *arguments):
        done = subprocess.run(
            [CLIENTS[client], os.path.join(PEERS, script), *map(str, arguments)], capture_output=True, text=True,
            env=dict(os.environ, PYTHONPATH=str(loops[loop])), timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.split()

    zeo = 'msgpack true' if protocol == 'M5' else ''
    original = content(database / 'Data.fs', database / 'blobs')
    assert sum(1 for t in original for record in t[-1] if record[-1]) > 5

    served = cluster('served', zeo=zeo)
    shutil.copytree(database, served.folder, dirs_exist_ok=True)
    served.start()
    objects, revisions, blobs = map(int, run('load_all.py', served.port, served.file, served.blobs))
    assert objects > 600 and revisions > objects and blobs > 5
    out = served.folder + '/out'
    os.mkdir(out)
    assert run('copy_database.py', 'out', served.port, out + '/Data.fs', out + '/blobs') == [loop, protocol]
    same(original, content(out + '/Data.fs', out + '/blobs'))

    empty = cluster('empty', zeo=zeo).start()
    assert run('copy_database.py', 'in', empty.port, served.file, served.blobs) == [loop, protocol]
    assert empty.stop() == 0
    same([(*t[:-1], [record[:-1] for record in t[-1]]) for t in original],
         [(*t[:-1], [record[:-1] for record in t[-1]]) for t in content(empty.file)])
