"""H: storages other than a plain <filestorage>: <mappingstorage> and <blobstorage>, as Python serves them."""
import os

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ConflictError, POSKeyError

from support import compare, servers

COMMANDS = pytest.mark.parametrize('command', [servers.ZRS, servers.RUNZEO], ids=['zrs', 'python'])


def configured(cluster, name, command, storages):
    """A server with these sections in the place of its <filestorage>."""
    server = cluster(name, command)
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    with open(server.conf, 'w') as f:
        f.write(text[:start] + storages + text[end:])
    return server


def client(server, **options):
    return ZODB.DB(ZEO.client(server.address, wait_timeout=30, **options))


MAPPINGS = '''
<mappingstorage>
</mappingstorage>
<mappingstorage Second>
  name a trial
</mappingstorage>
'''


@COMMANDS
def test_mappingstorages_hold_objects_until_the_stop(cluster, command):
    server = configured(cluster, 'server', command, MAPPINGS)
    before = set(os.listdir(server.folder))
    server.start()
    names = {}
    for storage in '1', 'second':
        db = client(server, storage=storage)
        names[storage] = db.storage._info['name']
        assert not db.storage.isReadOnly()
        assert list(db.open().root()) == []
        db.close()
    assert names == {'1': 'Mapping Storage', 'second': 'a trial'}

    db = client(server)
    other = client(server)
    with db.transaction() as connection:
        connection.root()['object'] = PersistentMapping({'n': 0, 'data': 'x' * 100_000})
    for n in range(1, 4):
        with db.transaction() as connection:
            connection.root()['object']['n'] = n
    servers.wait_for('the other client is told', lambda: other.lastTransaction() == db.lastTransaction())
    with other.transaction() as connection:
        assert connection.root()['object']['n'] == 3
        oid = connection.root()['object']._p_oid

    # A conflict.
    managers = transaction.TransactionManager(), transaction.TransactionManager()
    for n, manager in enumerate(managers):
        (db, other)[n].open(manager).root()['object']['n'] = 10 + n
    managers[0].commit()
    with pytest.raises(ConflictError):
        managers[1].commit()
    managers[1].abort()

    # History and pack.
    assert len(db.history(oid, 10)) == 5
    with db.transaction() as connection:
        del connection.root()['object']
    db.pack()
    db.close()
    other.close()
    for storage in '1', 'second':
        # With an empty cache.
        db = client(server, storage=storage)
        with pytest.raises(POSKeyError):
            db.storage.load(oid)
        db.close()
    assert server.stop() == 0
    assert set(os.listdir(server.folder)) - before <= {'zeo.log', 'output'}

    server.start()
    db = client(server)
    assert list(db.open().root()) == []
    db.close()


def blobstorage(server):
    return '''
    <blobstorage>
      blob-dir %s
      <filestorage inner>
        path %s
      </filestorage>
    </blobstorage>''' % (server.blobs, server.file)


@COMMANDS
def test_a_blobstorage_gives_a_filestorage_blobs(cluster, command, tmp_path):
    plain = cluster('server', command)
    server = configured(cluster, 'server', command, blobstorage(plain)).start()
    db = client(server, blob_dir=str(tmp_path / 'cache'))
    assert db.storage._info['name'] == server.file
    for content in b'first', b'second' * 50_000:
        with db.transaction() as connection:
            connection.root()['blob'] = ZODB.blob.Blob(content)
    db.close()
    fresh = client(server, blob_dir=str(tmp_path / 'fresh'))
    with fresh.transaction() as connection:
        assert connection.root()['blob'].open().read() == b'second' * 50_000
    fresh.pack()
    assert list(compare.blob_files(server.blobs).values()) == [b'second' * 50_000]
    fresh.close()
    assert server.stop() == 0
    with open(os.path.join(server.blobs, '.layout')) as f:
        assert f.read().strip() == 'bushy'
    # A filestorage with a blob-dir is the same.
    db = ZODB.DB(FileStorage(server.file, blob_dir=server.blobs))
    assert db.open().root()['blob'].open().read() == b'second' * 50_000
    db.close()


def test_a_blobstorage_in_a_zrs_is_replicated(cluster, tmp_path):
    port = servers.free_port()
    plain = cluster('primary')
    primary = configured(cluster, 'primary', None, '''
    %%import zc.zrs
    <zrs 1>
      replicate-to 127.0.0.1:%d
      %s
    </zrs>''' % (port, blobstorage(plain))).start()
    secondary = cluster('secondary', replicate_from=port).start()
    db = client(primary, blob_dir=str(tmp_path / 'cache'))
    with db.transaction() as connection:
        connection.root()['blob'] = ZODB.blob.Blob(b'content' * 30_000)
    db.close()
    servers.wait_for('the secondary has all', lambda: secondary.size() == primary.size(), 60, secondary.read_logs)
    assert secondary.stop() == 0 and primary.stop() == 0
    compare.same_files(primary.file, secondary.file)
    compare.same_blobs(primary.blobs, secondary.blobs)
    assert len(compare.blob_files(primary.blobs)) == 1


@pytest.mark.ours  # MappingStorage has no undo; ours is a file storage without a file
def test_what_is_in_memory_can_be_undone(cluster):
    server = configured(cluster, 'server', None, MAPPINGS).start()
    db = client(server)
    for n in range(3):
        with db.transaction() as connection:
            connection.root()['n'] = n
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    with db.transaction() as connection:
        assert connection.root()['n'] == 1
    db.close()
    assert server.stop() == 0
