"""O: the defects of zc.zrs that our program must not have, one test for each (the table is in
replication/DESIGN.md). Where it is cheap the same is done to the real zc.zrs, which must show the defect:
so the test is known to be able to fail."""
import contextlib
import os
import socket
import struct

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob
import ZODB.FileStorage
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.utils import p64, u64

from support import compare, servers, streams
from support.servers import RUNZEO, ZRS

BOTH = pytest.mark.parametrize('command', [ZRS, RUNZEO], ids=['zrs', 'zc.zrs'])
# What a root object looks like.
ROOT = (b'\x80\x03cpersistent.mapping\nPersistentMapping\nq\x01.'
        b'\x80\x03}q\x02X\x04\x00\x00\x00dataq\x03}q\x04s.')
ONE, TWO, THREE = (p64(n << 32) for n in (0x3f00001, 0x3f00002, 0x3f00003))


@pytest.fixture
def primaries():
    """Makes primaries that say what a test wants."""
    with contextlib.ExitStack() as stack:
        yield lambda answer: stack.enter_context(contextlib.closing(streams.FakePrimary(answer)))


def client(server, **options):
    return ZODB.DB(ZEO.client(server.address, wait_timeout=30, **options))


def put(server, key, value):
    db = client(server, blob_dir=server.folder + '/client-blobs')
    with db.transaction() as connection:
        connection.root()[key] = value
    db.close()


def chain(cluster, commands, **options):
    port = servers.free_port()
    primary = cluster('primary', commands[0], replicate_to=port, **options)
    return primary, cluster('secondary', commands[1], replicate_from=port, **options)


def level(primary, secondary, limit=60):
    servers.wait_for('the secondary has all', lambda: secondary.size() == primary.size() > 4, limit,
                     lambda: primary.read_logs() + secondary.read_logs())


def log(server):
    with open(server.log, errors='replace') as f:
        return f.read()


def tids(server):
    return [t[1] for t in compare.transactions(server.file)]


# 1. A torn tail.

@BOTH
def test_1_the_transaction_of_a_torn_tail_is_asked_for_again(cluster, command):
    primary, secondary = chain(cluster, [ZRS, command])
    primary.start()
    secondary.start()
    for i in range(3):
        put(primary, i, PersistentMapping({'n': i}))
    level(primary, secondary)
    secondary.kill()
    os.truncate(secondary.file, secondary.size() - 10)
    if os.path.exists(secondary.file + '.index'):
        os.remove(secondary.file + '.index')
    torn = tids(primary)[-1]
    secondary.start()
    put(primary, 'after', 'the crash')
    last = tids(primary)[-1]
    with contextlib.closing(ZEO.client(secondary.address, read_only=True, wait_timeout=30)) as reading:
        servers.wait_for('it goes on', lambda: reading.lastTransaction() == last, 60, secondary.read_logs)
    secondary.stop()
    if secondary.is_python:
        assert torn not in tids(secondary) and tids(secondary)[-1] == last
    else:
        primary.stop()
        compare.same_files(primary.file, secondary.file)


# 2. Code that comes with the data.

@BOTH
def test_2_a_primary_can_not_run_code_in_a_secondary(cluster, primaries, tmp_path, command):
    hacked = tmp_path / 'hacked'
    evil = b"cos\nsystem\n(S'touch %s'\ntR." % bytes(hacked)
    primary = primaries(lambda number, start: streams.Stream(start).raw(evil).sent)
    secondary = cluster('secondary', command, replicate_from=primary.port).start()
    servers.wait_for('it says what came in', lambda: 'Input data error' in log(secondary), 60, secondary.read_logs)
    assert hacked.exists() == secondary.is_python
    assert secondary.size() == 4


# 3. What a wrong stream does.

@BOTH
@pytest.mark.parametrize('wrong', ['the same tid again', 'an earlier tid'])
def test_3_tids_that_do_not_grow_are_not_stored(cluster, primaries, command, wrong):
    second = TWO if wrong == 'the same tid again' else ONE
    primary = primaries(lambda number, start: streams.Stream(start).transaction(TWO, ROOT).transaction(second, ROOT)
                        .sent)
    secondary = cluster('secondary', command, replicate_from=primary.port).start()
    if secondary.is_python:
        servers.wait_for('both are stored', lambda: secondary.size() > 4 + 2 * len(ROOT), 60, secondary.read_logs)
        secondary.kill()
        assert tids(secondary) == [TWO, second]
    else:
        servers.wait_for('it says so', lambda: 'Input data error' in log(secondary), 60, secondary.read_logs)
        assert 'not later' in log(secondary)
        assert secondary.stop() == 0
        assert tids(secondary) == [TWO]


WRONG = {
    'a tid of 7 bytes': lambda start: streams.Stream(start).begin(ONE[:7]).sent,
    'an oid of 9 bytes': lambda start: streams.Stream(start).transaction(ONE, ROOT, oid=b'\0' * 9).sent,
}


@BOTH
@pytest.mark.parametrize('wrong', WRONG)
def test_3_after_a_wrong_message_the_right_ones_are_stored(cluster, primaries, command, wrong):
    def answer(number, start):
        return WRONG[wrong](start) if number == 0 else streams.Stream(start).transaction(TWO, ROOT).sent
    primary = primaries(answer)
    secondary = cluster('secondary', command, replicate_from=primary.port)
    # The wrong oid ends the storage of zc.zrs, and the start of the server if it comes early enough.
    secondary.start(wait=not secondary.is_python)
    servers.wait_for('the first connection ends', lambda: primary.ended, 60, secondary.read_logs)
    if secondary.is_python and wrong == 'an oid of 9 bytes':
        servers.wait_for('the end of the storage', lambda: 'Failure in _finish. Closing.' in log(secondary), 60,
                         secondary.read_logs)
    elif secondary.is_python:
        # It waits for its commit lock, in the only thread there is for replication.
        with pytest.raises(AssertionError, match='not within'):
            servers.wait_for('it is stored', lambda: secondary.size() > 4 + len(ROOT), 5)
    if secondary.is_python:
        secondary.kill()
    else:
        servers.wait_for('it is stored', lambda: secondary.size() > 4 + len(ROOT), 60, secondary.read_logs)
        assert secondary.stop() == 0
        assert tids(secondary) == [TWO]


def memory(server):
    with open('/proc/%d/status' % server.process.pid) as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith('VmRSS'))


@BOTH
def test_3_a_long_message_is_refused_before_it_is_read(cluster, primaries, command):
    size = 200 << 20
    primary = primaries(lambda number, start: struct.pack('>I', 0xffffffff) + bytes(size))
    secondary = cluster('secondary', command, replicate_from=primary.port).start()
    if secondary.is_python:
        servers.wait_for('it keeps all', lambda: memory(secondary) > size, 120, secondary.read_logs)
    else:
        servers.wait_for('it is refused', lambda: 'message too large' in log(secondary), 60, secondary.read_logs)
        servers.wait_for('again and again', lambda: primary.ended > 3, 60, secondary.read_logs)
        assert memory(secondary) < size
    secondary.kill()


# 4. Empty blobs.

@pytest.mark.parametrize('commands', [(ZRS, ZRS), (ZRS, RUNZEO), (RUNZEO, ZRS), (RUNZEO, RUNZEO)],
                         ids=['zrs to zrs', 'zrs to zc.zrs', 'zc.zrs to zrs', 'zc.zrs to zc.zrs'])
def test_4_an_empty_blob_has_a_file_at_the_secondary(cluster, commands):
    primary, secondary = chain(cluster, commands)
    primary.start()
    secondary.start()
    put(primary, 'empty', ZODB.blob.Blob(b''))
    put(primary, 'after', 1)
    level(primary, secondary)
    assert list(compare.blob_files(primary.blobs).values()) == [b'']
    if commands == (RUNZEO, RUNZEO):
        assert compare.blob_files(secondary.blobs) == {}
    else:
        compare.same_blobs(primary.blobs, secondary.blobs)


# 5. Bytes that differ, though the content is the same.

@pytest.mark.parametrize('commands', [(ZRS, ZRS), (ZRS, RUNZEO), (RUNZEO, RUNZEO)],
                         ids=['zrs to zrs', 'zrs to zc.zrs', 'zc.zrs to zc.zrs'])
def test_5_a_value_used_twice_in_an_extension_is_stored_with_the_same_bytes(cluster, commands):
    primary, secondary = chain(cluster, commands, blobs=False)
    value = ['used', 'twice']
    # Not over ZEO: its messages have two of it already.
    with contextlib.closing(ZODB.DB(ZODB.FileStorage.FileStorage(primary.file))) as db:
        with db.transaction() as connection:
            connection.root()['a'] = 1
            for name in 'one', 'other':
                connection.transaction_manager.get().setExtendedInfo(name, value)
    primary.start()
    secondary.start()
    last = tids(primary)[-1]
    with contextlib.closing(ZEO.client(secondary.address, read_only=True, wait_timeout=30)) as reading:
        servers.wait_for('it is there', lambda: reading.lastTransaction() == last, 60, secondary.read_logs)
    secondary.stop()
    primary.stop()
    one, two = (list(compare.transactions(s.file))[-1] for s in (primary, secondary))
    assert (one[3] == two[3]) == (commands != (RUNZEO, RUNZEO)), (one[3], two[3])
    with contextlib.closing(ZODB.FileStorage.FileStorage(secondary.file, read_only=True)) as storage:
        assert list(storage.iterator())[-1].extension == {'one': value, 'other': value}


@pytest.mark.parametrize('commands', [(ZRS, ZRS), (RUNZEO, ZRS), (ZRS, RUNZEO)],
                         ids=['zrs to zrs', 'zc.zrs to zrs', 'zrs to zc.zrs'])
def test_5_the_undo_of_a_blob_is_stored_with_the_same_bytes(cluster, commands):
    primary, secondary = chain(cluster, commands)
    with contextlib.closing(ZODB.DB(ZODB.FileStorage.FileStorage(primary.file, blob_dir=primary.blobs))) as db:
        with db.transaction() as connection:
            connection.root()['blob'] = ZODB.blob.Blob(b'first')
        with db.transaction() as connection:
            with connection.root()['blob'].open('w') as f:
                f.write(b'second')
        manager = transaction.TransactionManager()
        connection = db.open(manager)
        db.undo(db.undoInfo()[0]['id'], manager.get())
        manager.commit()
        connection.close()
    primary.start()
    secondary.start()
    last = tids(primary)[-1]
    with contextlib.closing(ZEO.client(secondary.address, read_only=True, wait_timeout=30)) as reading:
        servers.wait_for('it is there', lambda: reading.lastTransaction() == last, 60, secondary.read_logs)
    secondary.stop()
    primary.stop()
    compare.same_files(primary.file, secondary.file)
    compare.same_blobs(primary.blobs, secondary.blobs)


# 6. A pack that removes the last transactions.

def store_garbage(server):
    """Commits an object that nothing refers to; a pack removes the whole transaction."""
    storage = ZEO.client(server.address, wait_timeout=30)
    t = TransactionMetaData()
    storage.tpc_begin(t)
    storage.store(storage.new_oid(), b'\0' * 8, ROOT, '', t)
    storage.tpc_vote(t)
    tid = storage.tpc_finish(t)
    storage.close()
    return tid


@pytest.mark.parametrize('restarted', [False, True], ids=['packed', 'packed and restarted'])
@pytest.mark.parametrize('commands', [(ZRS, ZRS), (ZRS, RUNZEO), (RUNZEO, RUNZEO)],
                         ids=['zrs to zrs', 'zrs to zc.zrs', 'zc.zrs to zc.zrs'])
def test_6_who_has_what_a_pack_removed_from_the_end_is_not_refused(cluster, commands, restarted):
    primary, secondary = chain(cluster, commands)
    primary.start()
    secondary.start()
    put(primary, 'a', 1)
    garbage = store_garbage(primary)
    level(primary, secondary)
    secondary.stop()
    storage = ZEO.client(primary.address, wait_timeout=30)
    storage.pack(wait=True)
    storage.close()
    # Python's file ends with an earlier transaction now; ours keeps the last one, without records.
    assert not [t for t in compare.transactions(primary.file) if t[1] == garbage and t[4]]
    if restarted:
        primary.stop()
        primary.start()
    before = len(log(primary))
    secondary.start()
    servers.wait_for('it has asked', lambda: ': start ' in log(primary)[before:], 60, primary.read_logs)
    if commands == (RUNZEO, RUNZEO):
        servers.wait_for('it is refused', lambda: 'TidTooHigh' in log(primary), 60, primary.read_logs)
        return
    put(primary, 'b', 2)
    last = tids(primary)[-1]
    with contextlib.closing(ZEO.client(secondary.address, read_only=True, wait_timeout=30)) as reading:
        servers.wait_for('it goes on', lambda: reading.lastTransaction() == last, 60,
                         lambda: primary.read_logs() + secondary.read_logs())
    assert 'too high' not in log(primary) and log(primary)[before:].count(': start ') == 1, primary.read_logs()


# 7. An address that can't be had: test_o_refused_starts has all cases of ours.

@BOTH
@pytest.mark.parametrize('what', ['a port in use', 'a socket that a killed server left'])
def test_7_a_server_does_not_run_without_its_replication(cluster, command, what, tmp_path):
    with contextlib.ExitStack() as stack:
        if what == 'a port in use':
            taken = stack.enter_context(socket.create_server(('127.0.0.1', 0)))
            address = taken.getsockname()[1]
        else:
            address = '/tmp/zrs-%d.sock' % os.getpid()
            stack.callback(lambda: os.path.exists(address) and os.remove(address))
            with socket.socket(socket.AF_UNIX) as killed:
                killed.bind(address)
        server = cluster('server', command, replicate_to=address)
        if server.is_python or what != 'a port in use':
            server.start()
            if server.is_python:
                # All that it says is this.
                servers.wait_for('a trace of it', lambda: 'ERROR zc.zrs.reactor while calling' in log(server), 60,
                                 server.read_logs)
                assert server.process.poll() is None
            else:
                with socket.socket(socket.AF_UNIX) as secondary:
                    secondary.connect(address)
        else:
            server.start(wait=False)
            servers.wait_for('it ends', lambda: server.process.poll() is not None, 60, server.read_logs)
            assert server.process.returncode == 1 and 'in use' in server.read_logs()


# 8. Connections without limits. The time-out is in HostileSecondaryTest of the replication module.

@BOTH
def test_8_there_is_a_limit_of_connections_and_no_one_else_suffers(cluster, command):
    primary, secondary = chain(cluster, [command, ZRS])
    primary.start()
    secondary.start()
    put(primary, 'a', 1)
    level(primary, secondary)
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(socket.create_connection(('127.0.0.1', replication_port(primary)), 30))
                for _ in range(150)]
        if primary.is_python:
            servers.wait_for('all are taken', lambda: log(primary).count(': Connected') >= 151, 60, primary.read_logs)
        else:
            ended = set()

            def refused():
                for one in many:
                    one.settimeout(0.01)
                    with contextlib.suppress(TimeoutError):
                        # Nobody has said anything, so that nothing but the end can come.
                        assert one.recv(1) == b''
                        ended.add(one)
                return len(ended) >= 51
            servers.wait_for('the first ones have made room', refused, 25, primary.read_logs)
            assert ended >= set(many[:40]) and not ended & set(many[-40:])
            assert 'it had to make room' in log(primary)
        put(primary, 'b', 2)
        level(primary, secondary)


def replication_port(server):
    with open(server.conf) as f:
        return int(next(line for line in f if 'replicate-to' in line).split(':')[1])


# And what the notes on the protocol call silent.

@pytest.mark.parametrize('commands', [(ZRS, ZRS), (ZRS, RUNZEO), (RUNZEO, ZRS), (RUNZEO, RUNZEO)],
                         ids=['zrs to zrs', 'zrs to zc.zrs', 'zc.zrs to zrs', 'zc.zrs to zc.zrs'])
def test_a_fork_is_not_silently_continued(cluster, commands):
    """The secondary has a transaction that nobody else has, and the primary has passed it."""
    primary, secondary = chain(cluster, commands, blobs=False)
    with contextlib.closing(ZODB.DB(ZODB.FileStorage.FileStorage(primary.file))) as db:
        with db.transaction() as connection:
            connection.root()['a'] = 1
    with open(primary.file, 'rb') as f, open(secondary.file, 'wb') as g:
        g.write(f.read())
    for server, key in ((secondary, 'only here'), (primary, 'b')):
        with contextlib.closing(ZODB.DB(ZODB.FileStorage.FileStorage(server.file))) as db:
            with db.transaction() as connection:
                connection.root()[key] = 1
    fork, = set(tids(secondary)) - set(tids(primary))
    later, = set(tids(primary)) - set(tids(secondary))
    assert u64(fork) < u64(later)
    primary.start()
    secondary.start()
    if commands == (RUNZEO, RUNZEO):
        with contextlib.closing(ZEO.client(secondary.address, read_only=True, wait_timeout=30)) as reading:
            servers.wait_for('a mixture', lambda: reading.lastTransaction() == later, 60, secondary.read_logs)
        assert fork in tids(secondary) and later in tids(secondary)
        return
    teller, word = (secondary, 'diverged') if secondary.command is ZRS else (primary, 'refused')
    servers.wait_for('it is told', lambda: word in log(teller), 60, teller.read_logs)
    assert fork.hex() in log(teller)
    secondary.stop()
    assert fork in tids(secondary) and later not in tids(secondary)
