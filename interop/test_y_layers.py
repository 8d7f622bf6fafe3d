"""Y: records in another form: <zlibstorage>, <serverzlibstorage> and zc.zrs's <hexstorage>, on files, clients and
replicas of Python and of ours."""
import random
import shutil
import subprocess
import time
import zlib

import pytest
import transaction
import zc.zlibstorage
import ZEO
import ZODB
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.tests.hexstorage import HexStorage
from ZODB.utils import load_current, z64

from peers import resolver
from support import compare, databases, servers

NAMES = ['one', 'two', 'three']
COUNT = 25
ZLIB, SERVER_ZLIB, HEX, SERVER_HEX = 'zlibstorage', 'serverzlibstorage', 'hexstorage', 'serverhexstorage'
PACKAGES = {ZLIB: 'zc.zlibstorage', SERVER_ZLIB: 'zc.zlibstorage', HEX: 'zc.zrs.xformstorage',
            SERVER_HEX: 'zc.zrs.xformstorage'}


@pytest.fixture
def zrs(tmp_path):
    return command(tmp_path, servers.ZRS)


@pytest.fixture
def runzeo(tmp_path):
    return command(tmp_path, servers.RUNZEO)


def command(tmp_path, wanted):
    """The old Python lacks zc.zlibstorage."""
    if wanted[0] != servers.LEGACY:
        return wanted
    folder = tmp_path / 'packages' / 'zc'
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / 'zlibstorage').exists():
        (folder / 'zlibstorage').symlink_to(zc.zlibstorage.__path__[0])
    return ['env', 'PYTHONPATH=%s' % folder.parent] + wanted


def layered(server, section=ZLIB, keys='', inside=False):
    """Puts a section round the storage of a server that was not started yet: inside or outside of its <zrs>."""
    with open(server.conf) as f:
        text = f.read()
    kind = 'zrs' if '<zrs 1>' in text and not inside else 'filestorage'
    text = text.replace('<%s 1>' % kind, '<%s 1>\n%s\n<%s>' % (section, keys, kind))
    text = text.replace('</%s>' % kind, '</%s>\n</%s>' % (kind, section))
    with open(server.conf, 'w') as f:
        f.write('%%import %s\n%s' % (PACKAGES[section], text))
    return server


def client(server, wrap=lambda storage: storage, **options):
    return ZODB.DB(wrap(ZEO.client(server.address, wait_timeout=60, **options)))


def records(path):
    """[(oid, tid, data)] of what has data in a file."""
    return [(r[1], r[2], r[6]) for t in compare.transactions(path) for r in t[4] if r[5]]


def forms(path):
    return {data[:2] if data[:1] == b'.' else b'plain' for _, _, data in records(path)}


def said(server, wrap=lambda storage: storage, **options):
    """All that a client can read of a server's storage, each in every way."""
    db = client(server, wrap, **options)
    storage, current, history = db.storage, {}, []
    following = None
    while True:
        oid, tid, data, following = storage.record_iternext(following)
        assert load_current(storage, oid) == (data, tid)
        assert [entry['tid'] for entry in db.history(oid, 1)] == [tid]
        current[oid] = tid, data
        if following is None:
            break
    for t in storage.iterator():
        for record in t:
            if record.data:
                assert storage.loadSerial(record.oid, record.tid) == record.data
            history.append((record.oid, record.tid, record.data))
    # Nothing of the layer is to be seen.
    assert not [data for _, _, data in history if data and data[:1] == b'.']
    db.close()
    return current, history


def reachable(path, blobs):
    """{oid: (serial, plain data, content of the blob)} of what can be reached in a stopped file, as Python reads it."""
    storage = zc.zlibstorage.ZlibStorage(FileStorage(str(path), read_only=True, blob_dir=str(blobs)))
    try:
        seen, todo = {}, [z64]
        while todo:
            oid = todo.pop()
            if oid in seen:
                continue
            data, serial = load_current(storage, oid)
            content = None
            if storage.base.is_blob_record(data):
                with open(storage.loadBlob(oid, serial), 'rb') as f:
                    content = f.read()
            seen[oid] = serial, data, content
            todo.extend(referencesf(data))
        return seen
    finally:
        storage.close()


def compressed_copy(folder, objects=600):
    """A database with every kind of record and with garbage, compressed by Python; (path, blobs)."""
    databases.make(folder / 'plain.fs', folder / 'plain-blobs', objects=objects, pack=False)
    copy = zc.zlibstorage.ZlibStorage(FileStorage(str(folder / 'made.fs'), blob_dir=str(folder / 'made-blobs')))
    plain = FileStorage(str(folder / 'plain.fs'), read_only=True, blob_dir=str(folder / 'plain-blobs'))
    copy.copyTransactionsFrom(plain)
    plain.close()
    copy.close()
    return folder / 'made.fs', folder / 'made-blobs'


def place(made, server):
    """Gives a server that does not run a copy of a database."""
    path, blobs = made
    shutil.copy(path, server.file)
    shutil.copytree(blobs, server.blobs)
    return server


def fill(db, start, stop):
    rnd = random.Random(start)
    connection = db.open()
    databases.commits(connection, stop - start, rnd, start=start)
    connection.root()['map'] = PersistentMapping({'number': start})
    transaction.commit()
    connection.root()['map']['number'] = stop
    transaction.get().note('to be undone')
    transaction.commit()
    db.undo(db.undoLog(0, 1)[0]['id'])
    transaction.commit()
    connection.sync()
    assert connection.root()['map']['number'] == start
    connection.close()


def sample():
    """What two deflate libraries that are not the same would hardly make the same bytes of."""
    rnd = random.Random(8)
    words = [''.join(rnd.choices('abcdefghij', k=rnd.randrange(2, 12))) for _ in range(3000)]
    return ' '.join(rnd.choices(words, k=40_000))


def test_the_same_bytes_as_python_writes(cluster, zrs):
    """If Java's zlib is the one of Python. Else Python must read them, which shows what they stand for."""
    server = layered(cluster('server', zrs)).start()
    db = client(server, blob_dir=server.folder + '/cache')
    with db.transaction() as connection:
        connection.root()['sample'] = PersistentMapping({'text': sample()})
        oid = connection.root()['sample']
    oid = oid._p_oid
    fill(db, 0, 60)
    for size in range(0, 60):
        with db.transaction() as connection:
            connection.root()['size'] = 'x' * size
    db.close()
    assert server.stop() == 0
    found = records(server.file)
    expected = [zc.zlibstorage.compress(zc.zlibstorage.decompress(data)) for _, _, data in found]
    agree = [(oid_, tid) for (oid_, tid, data), wanted in zip(found, expected) if oid_ == oid and data == wanted]
    print('byte for byte' if agree else 'another zlib')
    if agree:
        assert [data for _, _, data in found] == expected
    else:
        assert [data[:2] == b'.z' for _, _, data in found] == [wanted[:2] == b'.z' for wanted in expected]
    assert sum(data[:2] == b'.z' for _, _, data in found) > len(found) * 3 / 4
    assert max(len(zlib.decompress(data[2:])) for _, _, data in found if data[:2] == b'.z') > 200_000


@pytest.mark.parametrize('compress', ['', 'compress true', 'compress false'])
@pytest.mark.parametrize('order', ['python first', 'zrs first'])
def test_a_file_goes_there_and_back(cluster, tmp_path, zrs, order, compress):
    python = servers.RUNZEO_CURRENT
    one, two = (python, zrs) if order == 'python first' else (zrs, python)
    before, number = None, 0
    for turn, program in enumerate((one, two, one)):
        server = layered(cluster('server %d' % turn, program), keys=compress)
        if before:
            shutil.move(before.file, server.file)
            shutil.move(before.blobs, server.blobs)
        server.start()
        if before:
            # Served by the other one before.
            assert said(server) == everything
        db = client(server, blob_dir=server.folder + '/cache')
        fill(db, number, number + 20)
        number += 20
        with db.transaction() as connection:
            live = connection.root()['live']
            assert len([key for key in live if key >= 0]) + len(
                {(-key - 1) // 50 for key in live if key < 0}) == number
        db.close()
        everything = said(server)
        assert server.stop() == 0
        before = server
    assert forms(before.file) == ({b'plain'} if compress == 'compress false' else {b'.z', b'plain'})
    # The blobs, too.
    found = reachable(before.file, before.blobs)
    assert sum(content is not None for _, _, content in found.values()) >= 1
    assert {oid: (tid, data) for oid, (tid, data, _) in found.items()}.items() <= everything[0].items()


@pytest.mark.parametrize('section', [pytest.param(None, marks=pytest.mark.ours), SERVER_ZLIB, ZLIB],
                         ids=['no section', 'serverzlibstorage', 'zlibstorage'])
def test_clients_that_compress(cluster, tmp_path, zrs, section):
    server = cluster('server', zrs)
    if section:
        layered(server, section)
    server.start()
    db = client(server, zc.zlibstorage.ZlibStorage, blob_dir=server.folder + '/cache')
    fill(db, 0, 30)
    with db.transaction() as connection:
        connection.root()['tree'] = OOBTree({str(i): PersistentMapping({'i': 'x' * 100}) for i in range(300)})
    wanted = said(server, zc.zlibstorage.ZlibStorage)
    # The children of what is compressed are not lost.
    db.pack(time.time() + 1)
    with db.transaction() as connection:
        connection.cacheMinimize()
        assert [each['i'] for each in connection.root()['tree'].values()] == ['x' * 100] * 300
    db.close()
    after = said(server, zc.zlibstorage.ZlibStorage)
    assert server.stop() == 0
    assert b'.z' in forms(server.file)
    # The two records of a blob are one then; the first of the map is garbage of its history.
    assert set(after[0].items()) <= set(wanted[0].items())
    assert set(reachable(server.file, server.blobs)) == set(after[0])


@pytest.mark.parametrize('server_section, by_client, resolved_by', [
    (ZLIB, False, 'server'), (SERVER_ZLIB, True, 'server'), (ZLIB, True, 'server'),
    # Python's server needs the section, loses blobs where the clients resolve, and has no hexstorage with blobs.
    pytest.param(None, True, 'server', marks=pytest.mark.ours), pytest.param(ZLIB, False, 'client', marks=pytest.mark.ours),
    pytest.param(SERVER_ZLIB, True, 'client', marks=pytest.mark.ours),
    pytest.param(HEX, False, 'server', marks=pytest.mark.ours)])
def test_conflicts(cluster, tmp_path, zrs, server_section, by_client, resolved_by):
    server = cluster('server', zrs, zeo='client-conflict-resolution true' if resolved_by == 'client' else '')
    if server_section:
        layered(server, server_section)
    server.start()
    wrap = zc.zlibstorage.ZlibStorage if by_client else lambda storage: storage
    db = client(server, wrap, blob_dir=str(tmp_path / 'cache'))
    with db.transaction() as connection:
        root = connection.root()
        root['length'], root['tree'], root['blobs'] = Length(), OOBTree(), PersistentMapping()
        for name in NAMES:
            root['blobs'][name] = PersistentMapping()
    clients = [subprocess.Popen(
        [servers.CURRENT, resolver.__file__, str(server.port), name, str(COUNT), str(tmp_path / name)] +
        (['zlib'] if by_client else []), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for name in NAMES]
    for each in clients:
        lines = each.communicate(timeout=400)[0].splitlines()
        assert each.returncode == 0, lines
        assert [line for line in lines if line.startswith('ok')] == ['ok %d' % i for i in range(COUNT)]
    with db.transaction() as connection:
        connection.sync()
        root = connection.root()
        assert root['length']() == len(root['tree']) == len(NAMES) * COUNT
        for name in NAMES:
            assert sorted(root['blobs'][name]) == list(range(COUNT))
            for number, blob in root['blobs'][name].items():
                assert root['tree']['%s %d' % (name, number)] == number
                with blob.open('r') as f:
                    assert f.read() == b'%s %d' % (name.encode(), number)
        tree = root['tree']._p_oid
    db.close()
    assert server.stop() == 0
    assert ' ERROR ' not in server.read_logs() and ' CRITICAL ' not in server.read_logs()
    # Also what was merged has the form of the others; short records are not compressed.
    wanted = b'.h' if server_section == HEX else b'.z'
    of_tree = [data for oid, _, data in records(server.file) if oid == tree]
    assert wanted in {data[:2] for data in of_tree}
    assert {data[:2] for data in of_tree if data[:1] == b'.' or len(data) > 300} == {wanted}


@pytest.mark.parametrize('compress', [True, False])
def test_undo_beneath_a_later_change(cluster, zrs, compress):
    server = layered(cluster('server', zrs), keys='compress %s' % str(compress).lower()).start()
    db = client(server)
    with db.transaction() as connection:
        connection.root()['tree'] = OOBTree({'first %d' % i: i for i in range(10)})
    for name in 'abc':
        with db.transaction('change ' + name) as connection:
            connection.root()['tree'][name] = name
    undone, = [each['id'] for each in db.undoLog(0, 10) if each['description'] == 'change b']
    db.undo(undone)
    transaction.commit()
    with db.transaction() as connection:
        assert sorted(connection.root()['tree'])[:3] == ['a', 'c', 'first 0']
    db.close()
    assert server.stop() == 0
    assert records(server.file)[-1][2][:2] == (b'.z' if compress else b'\x80\x03')


@pytest.mark.parametrize('section', [ZLIB, SERVER_ZLIB, pytest.param(None, marks=pytest.mark.ours)],
                         ids=['zlibstorage', 'serverzlibstorage', 'no section'])
@pytest.mark.parametrize('writer', ['python', 'zrs'])
def test_a_pack_leaves_what_python_leaves(cluster, tmp_path, zrs, writer, section):
    made = compressed_copy(tmp_path)
    if writer == 'zrs':
        ours = layered(place(made, cluster('writer', zrs))).start()
        db = client(ours, blob_dir=ours.folder + '/cache')
        fill(db, 0, 60)
        with db.transaction() as connection:
            root = connection.root()
            for key in list(root['live'])[::3]:
                del root['live'][key]
            del root['by number']
        db.close()
        assert ours.stop() == 0
        made = ours.file, ours.blobs
    before = reachable(*made)
    other = place(made, cluster('packed by python', servers.RUNZEO_CURRENT))
    server = place(made, cluster('packed by zrs', zrs))
    at = time.time()
    storage = zc.zlibstorage.ZlibStorage(FileStorage(other.file, blob_dir=other.blobs))
    ZODB.DB(storage).pack(at)
    storage.close()
    if section:
        layered(server, section)
    server.start()
    db = client(server, zc.zlibstorage.ZlibStorage)
    db.pack(at)
    db.close()
    assert server.stop() == 0

    assert reachable(server.file, server.blobs) == reachable(other.file, other.blobs) == before
    assert len(before) > 500
    ours, theirs = (list(compare.transactions(each.file)) for each in (server, other))
    assert [(t[1:4], [(r[1:3], r[5], r[6] if r[5] else None) for r in t[4]]) for t in ours] == \
        [(t[1:4], [(r[1:3], r[5], r[6] if r[5] else None) for r in t[4]]) for t in theirs]
    compare.same_blobs(other.blobs, server.blobs)
    left = {record[:2] for record in records(server.file)}
    gone = {record[:2] for record in records(made[0])} - left
    assert len(gone) > 50 and {oid for oid, _ in gone} - {oid for oid, _ in left}


DIRECTIONS = {'zrs to zc.zrs': (servers.ZRS, servers.RUNZEO), 'zc.zrs to zrs': (servers.RUNZEO, servers.ZRS),
              'zrs to zrs': (servers.ZRS, servers.ZRS)}


def replicated(primary, secondary):
    servers.wait_for('replicated', lambda: primary.size() == secondary.size(), 120,
                     lambda: primary.read_logs() + secondary.read_logs())


@pytest.mark.parametrize('direction', DIRECTIONS)
@pytest.mark.parametrize('section', [ZLIB, SERVER_ZLIB, HEX])
def test_a_layer_round_primary_and_secondary(cluster, tmp_path, direction, section):
    first, second = (command(tmp_path, each) for each in DIRECTIONS[direction])
    # Python's hexstorage has no blobs when it is round a <zrs>.
    blobs = section != HEX
    port = servers.free_port()
    primary = layered(cluster('primary', first, replicate_to=port, blobs=blobs), section).start()
    secondary = layered(cluster('secondary', second, replicate_from=port, keep_alive=1, blobs=blobs), section).start()
    wrap = zc.zlibstorage.ZlibStorage if section == SERVER_ZLIB else lambda storage: storage
    caches = [tmp_path / 'cache one', tmp_path / 'cache two']

    def commit(start, stop):
        db = client(primary, wrap, **{'blob_dir': str(caches[0])} if blobs else {})
        with db.transaction() as connection:
            connection.root()['list'] = [PersistentMapping({'text': 'x' * 200}) for _ in range(50)]
        connection = db.open()
        databases.commits(connection, stop - start, random.Random(start), blobs=blobs, start=start)
        connection.close()
        db.close()

    def unlink():
        """The oids of what can't be reached any more."""
        db = client(primary, wrap, **{'blob_dir': str(caches[0])} if blobs else {})
        with db.transaction() as connection:
            root = connection.root()
            oids = {each._p_oid for each in root['list']}
            root['list'] = []
        db.close()
        return oids

    def seen(server, **options):
        db = client(server, wrap, **options)
        found = {}
        todo = [z64]
        while todo:
            oid = todo.pop()
            if oid not in found:
                found[oid] = load_current(db.storage, oid)
                assert found[oid][0][:1] != b'.'
                todo.extend(referencesf(found[oid][0]))
        db.close()
        return found

    commit(0, 40)
    replicated(primary, secondary)
    wanted = seen(primary)
    assert seen(secondary, read_only=True) == wanted
    compare.same_files(primary.file, secondary.file, python_second=secondary.is_python)
    assert b'.h' in forms(primary.file) if section == HEX else b'.z' in forms(primary.file)

    # Each is packed for itself, loses nothing but the garbage, and replication goes on.
    gone = unlink()
    assert len(gone) == 50
    replicated(primary, secondary)
    wanted = seen(primary)
    assert gone.isdisjoint(wanted)
    for server, read_only in (primary, False), (secondary, True):
        size = server.size()
        assert gone <= {oid for oid, _, _ in records(server.file)}
        storage = ZEO.client(server.address, wait_timeout=60, read_only=read_only)
        storage.pack(time.time() + 1, wait=True)
        for oid in gone:
            with pytest.raises(POSKeyError):
                load_current(storage, oid)
        storage.close()
        assert server.size() < size
        assert gone.isdisjoint(oid for oid, _, _ in records(server.file))
        assert seen(server, read_only=True) == wanted
    commit(40, 60)
    last = seen(primary)
    assert len(last) > 50
    servers.wait_for('replicated', lambda: seen(secondary, read_only=True) == last, 60, secondary.read_logs)
    assert secondary.stop() == 0
    assert primary.stop() == 0


@pytest.mark.ours
def test_a_layer_inside_of_a_secondary(cluster, tmp_path, zrs, runzeo):
    """Python's compresses what the primary has not. Ours takes its file over, and has what comes as it comes; its
    clients see no difference."""
    port = servers.free_port()
    primary = cluster('primary', zrs, replicate_to=port).start()
    secondary = layered(cluster('secondary', runzeo, replicate_from=port, keep_alive=1), inside=True).start()
    db = client(primary, blob_dir=str(tmp_path / 'cache'))
    fill(db, 0, 30)
    current, _ = said(primary)

    def caught_up(server):
        reading = client(server, read_only=True)
        try:
            return reading.storage.lastTransaction() == db.storage.lastTransaction()
        finally:
            reading.close()

    servers.wait_for('replicated', lambda: caught_up(secondary), 60, secondary.read_logs)
    assert secondary.stop() == 0
    assert forms(secondary.file) >= {b'.z'} and forms(primary.file) == {b'plain'}
    compressed = len(records(secondary.file))

    secondary.command, secondary.is_python = zrs, False
    secondary.start()
    fill(db, 30, 50)
    servers.wait_for('replicated', lambda: caught_up(secondary), 60, secondary.read_logs)
    assert said(secondary, read_only=True)[0] == said(primary)[0] != current
    db.close()
    assert secondary.stop() == 0
    assert primary.stop() == 0
    assert {data[:1] for _, _, data in records(secondary.file)[compressed:]} == {b'\x80'}
    assert reachable(secondary.file, secondary.blobs) == reachable(primary.file, primary.blobs)


@pytest.mark.parametrize('which', ['zrs', 'python'])
def test_a_layer_inside_of_a_primary_is_refused(cluster, zrs, runzeo, which):
    server = layered(cluster('server', zrs if which == 'zrs' else runzeo, replicate_to=servers.free_port()),
                     inside=True).start(wait=False)
    servers.wait_for('it ends', lambda: server.process.poll() is not None, 60)
    assert server.process.returncode != 0
    if not server.is_python:
        assert "<zlibstorage 1>: it can't be inside a <zrs> that has replicate-to" in server.read_logs()


def test_clients_that_write_digits(cluster, zrs):
    server = layered(cluster('server', zrs), SERVER_HEX).start()
    db = client(server, HexStorage)
    with db.transaction() as connection:
        connection.root()['tree'] = OOBTree({str(i): PersistentMapping() for i in range(100)})
    db.pack(time.time() + 1)
    with db.transaction() as connection:
        connection.cacheMinimize()
        assert [len(each) for each in connection.root()['tree'].values()] == [0] * 100
    db.close()
    assert server.stop() == 0
    assert forms(server.file) == {b'.h'}


@pytest.mark.ours
def test_what_the_storage_can_do_is_what_pythons_can(cluster):
    told = []
    for name, wanted in ('python', servers.RUNZEO_CURRENT), ('zrs', servers.ZRS):
        server = layered(cluster(name, wanted)).start()
        storage = ZEO.client(server.address, wait_timeout=60)
        info = storage._call('get_info')
        told.append({key: info[key] for key in info if key not in ('name', 'size')})
        storage.close()
        assert server.stop() == 0
    assert told[1] == told[0]
