"""O: what zc.zrs's own tests promise and no other test of ours shows; the table of all promises is
zc-zrs-promises.md, and is itself tested here."""
import contextlib
import os
import pickle
import random
import re
import shutil
import signal
import socket
import struct
import tempfile

import pytest
import transaction
import transaction
import ZEO
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.POSException import ReadOnlyError

from support import compare, databases, servers, streams
from support.servers import RUNZEO, ZRS

BOTH = pytest.mark.parametrize('command', [ZRS, RUNZEO], ids=['zrs', 'zc.zrs'])
PAIRS = pytest.mark.parametrize('commands', [(ZRS, RUNZEO), (RUNZEO, ZRS), (ZRS, ZRS)],
                                ids=['zrs to zc.zrs', 'zc.zrs to zrs', 'zrs to zrs'])


def pair(cluster, commands, **options):
    port = servers.free_port()
    primary = cluster('primary', commands[0], replicate_to=port, **options)
    secondary = cluster('secondary', commands[1], replicate_from=port, **options)
    primary.replication = port
    return primary, secondary


def client(server, **options):
    return ZODB.DB(ZEO.client(server.address, wait_timeout=30, blob_dir=server.folder + '/client-blobs', **options))


def write(server, count, start=0, blobs=True):
    db = client(server)
    connection = db.open()
    databases.commits(connection, count, random.Random(start), blobs=blobs, start=start)
    connection.close()
    db.close()


def put(server, key, value):
    db = client(server)
    with db.transaction() as connection:
        connection.root()[key] = value
    db.close()


def level(primary, secondary):
    servers.wait_for('the secondary has all', lambda: secondary.size() == primary.size() > 4, 60,
                     lambda: primary.read_logs() + secondary.read_logs())


def log(server):
    with open(server.log, errors='replace') as f:
        return f.read()


def tids(server):
    return [t[1] for t in compare.transactions(server.file)]


def greet(port, start=streams.START, protocol=b'zrs2.1'):
    link = socket.create_connection(('127.0.0.1', port), 60)
    link.sendall(streams.frame(protocol) + streams.frame(start))
    return link


# The life of a connection in the log.

@PAIRS
def test_the_log_tells_the_life_of_a_connection_in_the_same_words(cluster, commands):
    primary, secondary = pair(cluster, commands, keep_alive=1)
    primary.start()
    put(primary, 'a', 1)
    secondary.start()
    level(primary, secondary)
    for server, words in ((primary, ['Opening', 'Connected', ': start ']), (secondary, ['Opening', 'Connected'])):
        for word in words:
            servers.wait_for(word, lambda server=server, word=word: word in log(server), 30, server.read_logs)
    secondary.stop()
    servers.wait_for('the primary notices', lambda: 'Disconnected' in log(primary), 30, primary.read_logs)
    primary.stop()
    assert 'Closing' in log(secondary) and 'Disconnected' in log(secondary)
    assert 'Closing' in log(primary)
    for server, name in ((primary, 'zc.zrs.primary'), (secondary, 'zc.zrs.secondary')):
        assert re.search('INFO %s .*Closing' % re.escape(name), log(server)), server.read_logs()


# A secondary that stops reading, and goes on.

def test_a_secondary_that_stands_still_holds_up_nobody_and_goes_on_later(cluster):
    primary, secondary = pair(cluster, (ZRS, RUNZEO))
    primary.start()
    secondary.start()
    put(primary, 'a', 1)
    level(primary, secondary)
    secondary.process.send_signal(signal.SIGSTOP)
    try:
        # More than any buffer of the system has room for.
        db = client(primary)
        for i in range(30):
            with db.transaction() as connection:
                connection.root()[i] = PersistentMapping({'data': bytes(1_000_000)})
        db.close()
        assert secondary.size() < 2_000_000 < primary.size()
    finally:
        secondary.process.send_signal(signal.SIGCONT)
    level(primary, secondary)
    assert log(primary).count(': Connected') == 1


# The stop of a primary.

def test_a_primary_that_stops_sends_all_that_is_committed(cluster):
    primary, secondary = pair(cluster, (ZRS, RUNZEO))
    primary.start()
    secondary.start()
    put(primary, 'a', 1)
    level(primary, secondary)
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(greet(primary.replication)) for _ in range(10)]
        servers.wait_for('all are connected', lambda: log(primary).count(': start ') == 11, 60, primary.read_logs)
        db = client(primary)
        with db.transaction() as connection:
            for i in range(300):
                connection.root()[i] = PersistentMapping({'data': bytes(10_000)})
        db.close()
        # Nobody has read anything yet. The stop waits for them.
        primary.process.send_signal(signal.SIGTERM)
        for link in links:
            assert kinds(link)[-1] == ('C', None)
            link.shutdown(socket.SHUT_WR)
    assert primary.process.wait(60) == 0
    assert secondary.size() == primary.size()


def kinds(link):
    """The messages to the end of a connection: (kind, tid or None); it must end after a whole one."""
    found = []
    with link.makefile('rb') as stream:
        while header := stream.read(4):
            body = stream.read(struct.unpack('>I', header)[0])
            kind, fields = pickle.loads(body)
            found.append((kind, fields[0] if kind == 'T' else None))
            if kind == 'B':
                stream.read(struct.unpack('>I', stream.read(4))[0])
                for _ in range(fields[-1]):
                    stream.read(struct.unpack('>I', stream.read(4))[0])
            elif kind == 'S':
                stream.read(struct.unpack('>I', stream.read(4))[0])
    return found


# Secondaries that come and go.

def test_secondaries_that_come_and_go_leave_nothing_open(cluster):
    primary = cluster('primary', replicate_to=servers.free_port())
    with open(primary.conf) as f:
        port = int(re.search(r'replicate-to 127.0.0.1:(\d+)', f.read()).group(1))
    primary.start()
    write(primary, 30)

    def open_files():
        return len(os.listdir('/proc/%d/fd' % primary.process.pid))

    def threads():
        return len(os.listdir('/proc/%d/task' % primary.process.pid))

    def come_and_go():
        with greet(port) as link:
            assert link.recv(100)

    come_and_go()
    servers.wait_for('it has gone', lambda: log(primary).count(': Disconnected') == 1, 60, primary.read_logs)
    files, running = open_files(), threads()
    for _ in range(60):
        come_and_go()
    servers.wait_for('they have gone', lambda: log(primary).count(': Disconnected') == 61, 60, primary.read_logs)
    servers.wait_for('nothing is left open', lambda: open_files() <= files + 3 and threads() <= running + 10, 60,
                     lambda: '%d files, %d threads; before: %d, %d' % (open_files(), threads(), files, running))


def test_damage_at_the_begin_of_the_file_does_not_concern_who_needs_only_its_end(cluster):
    primary, secondary = pair(cluster, (ZRS, RUNZEO))
    primary.start()
    secondary.start()
    write(primary, 40)
    level(primary, secondary)
    secondary.stop()
    with open(primary.file, 'r+b') as f:
        f.seek(12)
        f.write(b'\xff' * 8)
    write(primary, 5, start=40)
    secondary.start()
    level(primary, secondary)
    with greet(primary.replication) as link:
        assert kinds(link) == []
    servers.wait_for('it is told', lambda: re.search(r'ERROR zc\.zrs\.primary .*Data\.fs', log(primary)), 60,
                     primary.read_logs)


def test_a_pack_of_the_primary_does_not_end_the_connection(cluster):
    primary, secondary = pair(cluster, (ZRS, RUNZEO))
    primary.start()
    secondary.start()
    write(primary, 20)
    db = client(primary)
    for n in range(3):
        with db.transaction() as connection:
            connection.root()['n'] = n
    level(primary, secondary)
    before = primary.size()
    db.pack()
    assert primary.size() < before
    with db.transaction() as connection:
        connection.root()['n'] = 'after the pack'
    db.close()
    reading = client(secondary, read_only=True)
    with contextlib.closing(reading):
        def told():
            with reading.transaction() as connection:
                return connection.root()['n'] == 'after the pack'
        servers.wait_for('it goes on', told, 60, secondary.read_logs)
    assert log(primary).count(': Connected') == 1


# What clients of a secondary can do.

@PAIRS
def test_clients_of_a_secondary_see_undo_and_blobs(cluster, commands):
    primary, secondary = pair(cluster, commands)
    primary.start()
    secondary.start()
    db = client(primary)
    put(primary, 'empty', ZODB.blob.Blob(b''))
    put(primary, 'kept', 1)
    put(primary, 'undone', PersistentMapping())
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    level(primary, secondary)
    reading = client(secondary, read_only=True)

    def seen():
        with reading.transaction() as connection:
            root = connection.root()
            content = None
            if 'empty' in root:
                try:
                    with root['empty'].open() as f:
                        content = f.read()
                except Exception:  # a zc.zrs secondary has no file for it
                    content = b'' if secondary.is_python else None
            return sorted(root), content

    servers.wait_for('the undo', lambda: seen() == (['empty', 'kept'], b''), 60, secondary.read_logs)
    with db.transaction() as connection:
        with connection.root()['empty'].open('w') as f:
            f.write(b'new data')
    servers.wait_for('the new data', lambda: seen()[1] == b'new data', 60, secondary.read_logs)
    reading.close()
    db.close()


@BOTH
def test_a_secondary_can_be_read_and_packed_and_nothing_else(cluster, command):
    primary, secondary = pair(cluster, (ZRS, command))
    primary.start()
    secondary.start()
    for n in range(5):
        put(primary, 'n', n)
    put(primary, 'other', PersistentMapping())
    level(primary, secondary)
    with contextlib.closing(ZEO.client(primary.address, wait_timeout=30)) as one, \
            contextlib.closing(ZEO.client(secondary.address, wait_timeout=30, read_only_fallback=True)) as two:
        assert two.isReadOnly() and not one.isReadOnly()
        assert records(one) == records(two)
        for write in (two.new_oid, lambda: two.tpc_begin(TransactionMetaData()),
                      lambda: two.undo(one.undoLog()[0]['id'], TransactionMetaData())):
            with pytest.raises(ReadOnlyError):
                write()
        history = [h['tid'] for h in two.history(b'\0' * 8, size=10)]
        assert history == [h['tid'] for h in one.history(b'\0' * 8, size=10)] and len(history) > 5
        assert [u['id'] for u in two.undoLog(0, 5)] == [u['id'] for u in one.undoLog(0, 5)]
    with contextlib.closing(ZEO.client(secondary.address, wait_timeout=30, read_only=True)) as two:
        before = secondary.size()
        two.pack(wait=True)
        assert secondary.size() < before == primary.size()
    put(primary, 'after', 1)
    with contextlib.closing(client(secondary, read_only=True)) as reading:
        def told():
            with reading.transaction() as connection:
                return 'after' in connection.root()
        servers.wait_for('it goes on', told, 60, secondary.read_logs)


def records(storage):
    found, at = [], None
    while True:
        oid, tid, data, at = storage.record_iternext(at)
        found.append((oid, tid, data))
        if at is None:
            return found


@PAIRS
def test_records_that_are_no_pickles_are_replicated_as_they_are(cluster, commands):
    """As those of storages that transform them (hexstorage, zlibstorage) are."""
    primary, secondary = pair(cluster, commands)
    primary.start()
    secondary.start()
    storage = ZEO.client(primary.address, wait_timeout=30)
    contents = [b'.h' + b'80035d', b'Hello world!', b'c__main__\nC\nq\x01.', b'\x80', b'.', bytes(70_000)]
    for data in contents:
        t = TransactionMetaData()
        storage.tpc_begin(t)
        storage.store(storage.new_oid(), b'\0' * 8, data, '', t)
        storage.tpc_vote(t)
        storage.tpc_finish(t)
    storage.close()
    level(primary, secondary)
    secondary.stop()
    primary.stop()
    assert [t[4][0][6] for t in compare.transactions(secondary.file)] == contents
    compare.same_files(primary.file, secondary.file)


@PAIRS
def test_a_blobstorage_inside_a_zrs_on_both_sides(cluster, commands):
    primary, secondary = pair(cluster, commands, blobs=False)
    for server in primary, secondary:
        server.blobs = server.folder + '/blobs'
        with open(server.conf) as f:
            text = f.read()
        text = text.replace('<filestorage 1>', '<blobstorage>\nblob-dir %s\n<filestorage 1>' % server.blobs)
        with open(server.conf, 'w') as f:
            f.write(text.replace('</filestorage>', '</filestorage>\n</blobstorage>'))
    primary.start()
    secondary.start()
    write(primary, 40)
    put(primary, 'blob', ZODB.blob.Blob(b'first'))
    level(primary, secondary)
    with contextlib.closing(client(secondary, read_only=True)) as reading, reading.transaction() as connection:
        with connection.root()['blob'].open() as f:
            assert f.read() == b'first'
    secondary.stop()
    primary.stop()
    compare.same_files(primary.file, secondary.file)
    compare.same_blobs(primary.blobs, secondary.blobs)
    assert len(compare.blob_files(primary.blobs)) > 1


# The stop of a secondary.

@pytest.mark.ours
@pytest.mark.parametrize('when', ['connecting', 'waiting', 'between transactions', 'within a transaction'])
def test_a_secondary_stops_at_any_moment_and_keeps_nothing_that_is_not_whole(cluster, when):
    one, two = (struct.pack('>Q', 0x3f00001 << 32 | n) for n in (1, 2))
    whole = streams.Stream().transaction(one, b'\x80\x03N.')
    half = streams.Stream().transaction(one, b'\x80\x03N.').begin(two).store(streams.START, two, b'\x80\x03N.')
    with contextlib.ExitStack() as stack:
        if when == 'connecting':
            # The queue of this listener is full, so that the system answers nothing.
            silent = stack.enter_context(socket.create_server(('127.0.0.1', 0), backlog=0))
            port = silent.getsockname()[1]
            stack.enter_context(socket.create_connection(('127.0.0.1', port), 60))
        elif when == 'waiting':
            port = servers.free_port()
        else:
            sent = whole.sent if when == 'between transactions' else half.sent
            primary = stack.enter_context(contextlib.closing(streams.FakePrimary(lambda n, start: sent)))
            port = primary.port
        secondary = cluster('secondary', replicate_from=port, keep_alive=1).start()
        if 'transaction' in when:
            servers.wait_for('the whole one is there', lambda: secondary.size() > 4, 60, secondary.read_logs)
        elif when == 'waiting':
            servers.wait_for('it has tried', lambda: 'refused' in log(secondary).lower(), 60, secondary.read_logs)
        else:
            servers.wait_for('it begins', lambda: 'zc.zrs.secondary Opening' in log(secondary), 60, secondary.read_logs)
        assert secondary.stop() == 0
    assert tids(secondary) == ([one] if 'transaction' in when else [])
    assert 'Closing' in log(secondary)


# A cascade, over unix sockets as in zc.zrs's test of its configuration.

@pytest.mark.parametrize('commands', [(ZRS, RUNZEO, ZRS), (RUNZEO, ZRS, RUNZEO)],
                         ids=['zrs to zc.zrs to zrs', 'zc.zrs to zrs to zc.zrs'])
def test_a_secondary_of_a_secondary(cluster, commands):
    sockets = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    try:
        one, two = sockets + '/one.sock', sockets + '/two.sock'
        nodes = [cluster('one', commands[0], replicate_to=one),
                 cluster('two', commands[1], replicate_from=one, replicate_to=two, keep_alive=60),
                 cluster('three', commands[2], replicate_from=two)]
        for node in nodes:
            node.start()
        write(nodes[0], 40)
        for node in nodes[1:]:
            level(nodes[0], node)
        for node in reversed(nodes):
            node.stop()
        for node in nodes[1:]:
            compare.same_files(nodes[0].file, node.file, python_second=True)
            compare.same_blobs(nodes[0].blobs, node.blobs, python_second=True)
        assert compare.blob_files(nodes[2].blobs)
    finally:
        shutil.rmtree(sockets)


# The tables themselves.

@pytest.mark.parametrize('table, least', [('zc-zrs-promises.md', 60), ('zc-zrs-zookeeper-promises.md', 20)])
def test_every_promise_names_a_test_that_there_is(table, least):
    root = os.path.join(servers.ROOT)
    with open(os.path.join(root, 'interop', table)) as f:
        rows = [[cell.strip() for cell in line.strip().strip('|').split('|')] for line in f if line.startswith('|')]
    header, _, *rows = rows
    assert header == ['promise', 'zc.zrs', 'our test, or why there is none'] and len(rows) > least
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ('target', 'resources') and not name.startswith('.')]
        files.update({name: os.path.join(folder, name) for name in names if name.endswith(('.py', '.java'))})
    for promise, _, tests in rows:
        named = re.findall(r'`(\w+\.(?:py|java))::(\w+)`', tests)
        assert named or tests.startswith('does not apply: '), promise
        for file, test in named:
            assert file in files, (promise, file)
            with open(files[file]) as f:
                assert re.search(r'(def|void) %s\(' % test, f.read()), (promise, file, test)
        assert len(named) == tests.count('::'), (promise, tests)
