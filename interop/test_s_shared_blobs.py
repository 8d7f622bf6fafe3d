"""S: blobs skip: a secondary whose blob directory is a volume shared with its primary changes nothing there."""
import os
import struct
import subprocess

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping

from support import compare, servers
from support.servers import RUNZEO, ZRS
from test_n_roles import status, zrs

pytestmark = pytest.mark.ours

BLOCK = 65_536


def edit(server, old, new):
    with open(server.conf) as f:
        text = f.read()
    assert old in text, text
    with open(server.conf, 'w') as f:
        f.write(text.replace(old, new))


def share(server, blobs, key='blobs skip'):
    """Gives a server that was not started yet another blob directory, and the key."""
    edit(server, 'blob-dir ' + server.blobs, 'blob-dir ' + blobs)
    edit(server, '<zrs 1>', '<zrs 1>\n          ' + key)
    server.blobs = blobs


def listing(blobs):
    """All that is in the directory and what a pack puts beside it: names, inodes, times, sizes, links."""
    found = {}
    for top in (blobs, blobs + '.old'):
        for folder, folders, names in os.walk(top):
            for path in [folder] + [os.path.join(folder, name) for name in names]:
                s = os.lstat(path)
                found[path] = (s.st_ino, s.st_mode, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
    return found


def same_listing(before, after):
    changed = {path: (before.get(path), after.get(path))
               for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not changed, changed


def database(server, tmp_path, **options):
    """Over ZEO, with a cache of its own."""
    cache = tmp_path / ('cache %d' % len(os.listdir(tmp_path)))
    return ZODB.DB(ZEO.client(server.address, wait_timeout=60, blob_dir=str(cache), **options))


def write(db, key, content):
    with db.transaction() as connection:
        root = connection.root()
        if key in root:
            with root[key].open('w') as f:
                f.write(content)
        else:
            root[key] = ZODB.blob.Blob(content)


def undo_last(db):
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()


def blobs_of(server, tmp_path):
    db = database(server, tmp_path, read_only=True)
    try:
        with db.transaction() as connection:
            found = {}
            for key, value in connection.root().items():
                if isinstance(value, ZODB.blob.Blob):
                    with value.open() as f:
                        found[key] = f.read()
            return found
    finally:
        db.close()


def pack(server):
    storage = ZEO.client(server.address, wait_timeout=60, read_only=True)
    try:
        storage.pack(wait=True)
    finally:
        storage.close()


def level(*nodes):
    servers.wait_for('all have the same', lambda: len({node.size() for node in nodes}) == 1, 60,
                     lambda: ''.join(node.read_logs() for node in nodes))


def set_last_status(path, status):
    """Sets the status of the last transaction, as a crash before its end would leave it."""
    with open(path, 'r+b') as f:
        f.seek(-8, os.SEEK_END)
        length, = struct.unpack('>Q', f.read(8))
        f.seek(-8 - length + 16, os.SEEK_END)
        f.write(status)


@pytest.mark.parametrize('command', [RUNZEO, ZRS], ids=['zc.zrs primary', 'zrs primary'])
def test_a_secondary_changes_nothing_in_the_shared_directory(cluster, tmp_path, command):
    ports = servers.free_port(), servers.free_port()
    one = cluster('one', command, replicate_to=ports[0])
    two = cluster('two', replicate_from=ports[0], replicate_to=ports[1], keep_alive=1)
    three = cluster('three', replicate_from=ports[1])
    share(two, one.blobs)
    # Its directory does not exist yet, and it does not make one.
    done = subprocess.run(ZRS + ['serve', '-C', two.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'is the volume mounted?' in done.stderr, done
    assert not os.path.exists(one.blobs)

    one.start()
    db = database(one, tmp_path)
    write(db, 'first', b'a' * 10)
    two.start()
    three.start()
    # Blobs written, changed, undone; while the secondary is there, and while it is not.
    wanted = {}
    for number, size in enumerate([1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17]):
        wanted['blob %d' % number] = os.urandom(size)
        write(db, 'blob %d' % number, wanted['blob %d' % number])
        if number == 2:
            level(one, two)
            two.kill()
    write(db, 'first', b'b' * 20)
    write(db, 'first', b'c' * 30)
    undo_last(db)
    wanted['first'] = b'b' * 20
    two.start()
    level(one, two, three)
    assert blobs_of(two, tmp_path) == wanted
    compare.same_files(one.file, two.file)
    # It feeds others from the directory.
    compare.same_blobs(one.blobs, three.blobs)
    assert 'is not there' not in two.read_logs()

    # Both sides are packed. The primary removes what is old, its secondary nothing.
    files = len(compare.blob_files(one.blobs))
    pack(one)
    assert len(compare.blob_files(one.blobs)) < files
    before = listing(one.blobs)
    pack(two)
    same_listing(before, listing(one.blobs))
    write(db, 'late', b'd' * 100)
    wanted['late'] = b'd' * 100
    db.close()
    servers.wait_for('the last one', lambda: blobs_of(two, tmp_path) == wanted, 60, two.read_logs)
    two.stop()
    one.stop()

    # Alone with the directory: start, kill, an unfinished transaction, stop.
    before = listing(one.blobs)
    two.start()
    two.kill()
    os.remove(two.file + '.index')
    set_last_status(two.file, b'c')
    two.start()
    assert 'truncated at' in two.read_logs() and os.path.exists(two.file + '.tr0')
    assert 'late' not in blobs_of(two, tmp_path)
    two.stop()
    same_listing(before, listing(one.blobs))

    # What was cut comes again. Alone once more, it packs.
    one.start()
    two.start()
    servers.wait_for('the last one again', lambda: blobs_of(two, tmp_path) == wanted, 60, two.read_logs)
    one.kill()
    before = listing(one.blobs)
    pack(two)
    two.stop()
    two.start()
    pack(two)
    same_listing(before, listing(one.blobs))

    # Promoted, it is the one that writes, undoes and packs.
    done = zrs('promote', '-C', two.conf)
    assert done.returncode == 0, done.stderr
    db = database(two, tmp_path)
    write(db, 'late', b'e' * 200)
    write(db, 'late', b'f' * 300)
    undo_last(db)
    write(db, 'promoted', b'g' * 400)
    wanted.update(late=b'e' * 200, promoted=b'g' * 400)
    db.close()
    assert blobs_of(two, tmp_path) == wanted
    files = len(compare.blob_files(one.blobs))
    pack(two)
    assert len(compare.blob_files(one.blobs)) < files
    assert blobs_of(two, tmp_path) == wanted
    two.stop()
    two.start()
    assert status(two)['role'] == 'primary'
    assert blobs_of(two, tmp_path) == wanted


def test_the_roles_change_back_and_forth(cluster, tmp_path):
    ports = servers.free_port(), servers.free_port()
    one = cluster('one', replicate_to=ports[0], replicate_from=ports[1])
    two = cluster('two', replicate_to=ports[1], replicate_from=ports[0])
    blobs = str(tmp_path / 'volume')
    os.mkdir(blobs)
    share(one, blobs)
    share(two, blobs)
    one.start()
    two.start()
    logs = lambda: one.read_logs() + two.read_logs()  # noqa: E731
    assert listing(blobs).keys() == {blobs}
    assert zrs('promote', '-C', one.conf).returncode == 0
    wanted = {}
    for number, (primary, secondary) in enumerate(((one, two), (two, one), (one, two))):
        if status(primary)['role'] == 'secondary':
            done = zrs('promote', '-C', primary.conf)
            assert done.returncode == 0, done.stderr
            before = listing(blobs)
            port = ports[0] if primary is one else ports[1]
            done = zrs('follow', '127.0.0.1:%d' % port, '-C', secondary.conf)
            assert done.returncode == 0, done.stderr
            same_listing(before, listing(blobs))
        db = database(primary, tmp_path)
        key = 'round %d' % number
        wanted[key] = os.urandom(BLOCK + number)
        write(db, key, wanted[key])
        wanted['common'] = b'%d' % number
        write(db, 'common', wanted['common'])
        db.close()
        last = status(primary)['lastTid']
        servers.wait_for('replicated', lambda s=secondary: status(s)['lastTid'] == last, 60, logs)
        assert blobs_of(secondary, tmp_path) == wanted
        before = listing(blobs)
        pack(secondary)
        same_listing(before, listing(blobs))
        assert (status(primary)['role'], status(secondary)['role']) == ('primary', 'secondary')


def test_a_directory_that_cannot_be_written_prevents_the_promotion(cluster, tmp_path):
    port = servers.free_port()
    one = cluster('one', replicate_to=port)
    two = cluster('two', replicate_from=port)
    share(two, one.blobs)
    one.start()
    two.start()
    level(one, two)
    one.kill()
    # In a way in which root can't write either.
    os.rename(one.blobs + '/tmp', one.blobs + '/tmp.away')
    with open(one.blobs + '/tmp', 'w'):
        pass
    done = zrs('promote', '-C', two.conf)
    assert done.returncode == 1 and 'not promoted' in done.stderr and one.blobs in done.stderr, done
    assert status(two)['role'] == 'secondary' and not os.path.exists(two.file + '.role')
    os.remove(one.blobs + '/tmp')
    os.rename(one.blobs + '/tmp.away', one.blobs + '/tmp')
    assert zrs('promote', '-C', two.conf).returncode == 0


def test_promotion_in_zeo_conf(cluster, tmp_path):
    """replicate-from goes, and the key with it."""
    ports = servers.free_port(), servers.free_port()
    one = cluster('one', replicate_to=ports[0])
    two = cluster('two', replicate_from=ports[0], replicate_to=ports[1])
    share(two, one.blobs)
    one.start()
    two.start()
    db = database(one, tmp_path)
    write(db, 'blob', b'one')
    db.close()
    level(one, two)
    two.stop()
    one.stop()
    edit(two, 'replicate-from 127.0.0.1:%d' % ports[0], '')
    with open(two.conf) as f:
        line = 1 + f.read().split('blobs skip')[0].count('\n')
    done = subprocess.run(ZRS + ['serve', '-C', two.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    assert 'line %d: blobs in <zrs 1>: it is for secondaries' % line in done.stderr, done.stderr
    assert 'remove this line' in done.stderr
    edit(two, 'blobs skip', '')
    two.start()
    db = database(two, tmp_path)
    write(db, 'blob', b'two')
    with db.transaction() as connection:
        connection.root()['more'] = PersistentMapping()
    db.close()
    assert blobs_of(two, tmp_path) == {'blob': b'two'}
    pack(two)
    assert list(compare.blob_files(one.blobs).values()) == [b'two']


def test_a_directory_that_is_not_the_upstreams_is_noticed(cluster, tmp_path):
    port = servers.free_port()
    one = cluster('one', replicate_to=port)
    two = cluster('two', replicate_from=port)
    other = str(tmp_path / 'other')
    os.mkdir(other)
    share(two, other)
    one.start()
    two.start()
    db = database(one, tmp_path)
    write(db, 'blob', b'content')
    db.close()
    level(one, two)
    logs = two.read_logs()
    assert 'has no .layout: is the volume mounted?' in logs
    assert "is not there" in logs and "'blobs skip' says that the upstream writes to the same directory" in logs
    assert os.listdir(other) == []
