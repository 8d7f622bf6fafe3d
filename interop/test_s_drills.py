"""S: promotion drills, with Python's clients that know both servers and keep running."""
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.utils import p64, z64

from conftest import LONG
from support import compare, databases, drills, servers
from support.drills import address, control, promote, state, status, zrs
from support.servers import CURRENT, LEGACY, RUNZEO, ZRS

pytestmark = pytest.mark.ours

SERVERS = {'zrs': ZRS, 'zc.zrs': RUNZEO}
PAIRS = [('zc.zrs', 'zrs'), ('zrs', 'zc.zrs')] + [('zrs', 'zrs')] * LONG
DIVERGED = 'diverged'


@pytest.fixture
def clients():
    """Starts clients; stops those that are left."""
    made = []

    def start(nodes, kinds=('6', '5', 'fallback')):
        commit(nodes[0], 'prepared')
        for kind in kinds:
            made.append(drills.Client('client %s' % kind, LEGACY if kind == '5' else CURRENT, nodes,
                                      fallback=kind == 'fallback'))
        for client in made:
            client.commits_after(0)
        return made

    yield start
    for client in made:
        client.stop()


def logs(*nodes):
    return lambda: ''.join(node.read_logs() for node in nodes)


def commit(server, key, wait=60):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=wait))
    try:
        with db.transaction() as connection:
            connection.root()[key] = PersistentMapping()
        return db.lastTransaction()
    finally:
        db.close()


def keys(server):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=60, read_only=True))
    try:
        with db.transaction() as connection:
            return sorted(connection.root().keys())
    finally:
        db.close()


def report(what, killed, running):
    times = ['%s %.2f s' % (client.name, client.commits_after(killed) - killed) for client in running]
    print('%s, from the kill to the first commit: %s' % (what, ', '.join(times)))


def tids(server):
    return [each[1] for each in compare.transactions(server.file)]


def everything_is_there(server, running):
    """Nothing that a client was told of is missing or there twice; the server must have stopped."""
    there = tids(server)
    assert there == sorted(set(there))
    for client in running:
        assert set(client.acknowledged()) <= set(there)
        counts = client.counts()
        assert counts == sorted(set(counts)), counts


def come_back_and_follow(old, new):
    """The old primary, which is killed, comes back as a secondary of the new one, the seed's way."""
    drills.configure(old, new.replication)
    old.start()


# ---- by command ----

@pytest.mark.parametrize('old', ['zc.zrs'] + ['zrs'] * LONG)
def test_promoted_by_command(cluster, clients, old):
    one, two = drills.pair(cluster, SERVERS[old])
    shown = logs(one, two)
    running = clients([one, two])
    for client in running:
        client.pause()
    drills.wait_equal(one, two)
    one.kill()
    killed = time.time()
    for client in running:
        client.order('go')
    assert 'could not be asked' in promote(two)
    report('%s killed, zrs promoted by command' % old, killed, running)

    # A restart keeps the role, and the clients come back.
    two.stop()
    two.start()
    restarted = time.time()
    assert status(two)['role'] == 'primary'
    for client in running:
        client.commits_after(restarted, shown=shown)

    # The old one comes back with nothing that the new one lacks.
    if old == 'zrs':
        one.start()
        done = zrs('follow', address(two.replication), '-C', one.conf)
        assert done.returncode == 0, done.stderr
    else:
        come_back_and_follow(one, two)
    for client in running:
        client.pause()
    drills.wait_equal(two, one)
    two.stop()
    one.stop()
    everything_is_there(two, running)
    compare.same_files(two.file, one.file)


def test_a_client_with_read_only_fallback_reads_until_the_promotion_and_writes_then(cluster, clients):
    one, two = drills.pair(cluster)
    client, = clients([one, two], ['fallback'])
    client.pause()
    drills.wait_equal(one, two)
    one.kill()
    client.order('go')
    # It reads at the secondary, and its writes are refused.
    client.wait('reads', lambda line: line[0] == 'read', shown=logs(two))
    promoted = time.time()
    promote(two)
    client.commits_after(promoted, shown=logs(two))


@pytest.mark.long_only
def test_a_client_that_may_not_be_held_finds_the_promoted_one_when_the_old_one_is_back(cluster, clients):
    """hold-writers 0 is what zc.zrs does."""
    one, two = drills.pair(cluster)
    two.stop()
    with open(two.conf) as f:
        text = f.read()
    with open(two.conf, 'w') as f:
        f.write(text.replace('<zrs 1>\n', '<zrs 1>\nhold-writers 0\n'))
    two.start()
    client, = clients([one, two], ['6'])
    client.pause()
    drills.wait_equal(one, two)
    one.kill()
    client.order('go')
    client.wait('is away', lambda line: line[0] == 'error')
    promote(two)
    promoted = time.time()
    come_back_and_follow(one, two)
    print('refused before, first commit %.1f s after the promotion'
          % (client.commits_after(promoted, shown=logs(one, two)) - promoted))


# ---- the way without commands ----

@pytest.mark.parametrize('old, new', PAIRS if LONG else [('zrs', 'zrs')])
def test_promoted_by_an_edited_configuration(cluster, clients, old, new):
    one, two = drills.pair(cluster, SERVERS[old], SERVERS[new])
    shown = logs(one, two)
    running = clients([one, two])
    for client in running:
        client.pause()
    drills.wait_equal(one, two)
    one.kill()
    killed = time.time()
    for client in running:
        client.order('go')
    for client in running:
        client.wait('is away', lambda line: line[0] in ('error', 'read'))
    two.stop()
    drills.configure(two)
    two.start()
    if new == 'zrs':
        report('%s killed, zrs promoted by zeo.conf' % old, killed, running)
    # Those that zc.zrs has refused come back only now, when the old one can be reached.
    come_back_and_follow(one, two)
    back = time.time()
    report('%s killed, %s promoted by zeo.conf, the old one is back' % (old, new), killed, running)
    for client in running:
        client.commits_after(back, shown=shown)
        client.pause()
    drills.wait_equal(two, one)
    two.stop()
    one.stop()
    everything_is_there(two, running)
    compare.same_files(two.file, one.file)


# ---- transactions that nobody else has ----

@pytest.mark.parametrize('old, new', PAIRS)
def test_a_fork_is_reported_and_neither_merged_nor_lost(cluster, old, new):
    one, two = drills.pair(cluster, SERVERS[old], SERVERS[new])
    commit(one, 'both')
    drills.wait_equal(one, two)
    two.stop()
    lost = commit(one, 'only here')
    one.kill()
    drills.configure(two)
    two.start()
    other = commit(two, 'after the promotion')
    mine, theirs = tids(one), tids(two)
    come_back_and_follow(one, two)
    if old == 'zrs':
        servers.wait_for('the fork is reported', lambda: state(one) == DIVERGED, 60, logs(one))
        error = status(one)['secondary']['lastError']
        assert lost.hex() in error and other.hex() in error, error
        assert keys(one) == ['both', 'only here']
        # A restart does not make it forget.
        one.stop()
        one.start()
        servers.wait_for('it is reported again', lambda: state(one) == DIVERGED, 60, logs(one))
    else:
        servers.wait_for('the fork is refused', lambda: 'its history has diverged from ours' in two.read_logs(), 60,
                         logs(one, two))
        assert 'refused: transaction ' + lost.hex() in two.read_logs()
    newest = commit(two, 'much later')
    one.stop()
    two.stop()
    assert tids(one) == mine
    assert tids(two) == theirs + [newest]


def test_nothing_is_lost_in_silence_when_it_is_killed_under_load(cluster, long):
    """Whatever the old one had acknowledged and not sent: it follows, or says that it has diverged."""
    for turn in range(6 if long else 1):
        one, two = drills.pair(lambda name, *args, **kw: cluster('%d %s' % (turn, name), *args, **kw))
        writer = drills.Client('writer', CURRENT, [one])
        try:
            writer.commits_after(0)
            time.sleep(random.random())
            one.kill()
        finally:
            writer.stop()
        promote(two)
        new = commit(two, 'new')
        one.start()
        mine = tids(one)
        assert zrs('follow', address(two.replication), '-C', one.conf).returncode == 0
        shared = [tid for tid in tids(two) if tid != new]
        assert mine[:len(shared)] == shared
        if mine == shared:
            drills.wait_equal(two, one)
        else:
            servers.wait_for('it is reported', lambda: state(one) == DIVERGED, 60, logs(one))
            assert mine[-1].hex() in status(one)['secondary']['lastError']
            assert tids(one) == mine
        print('killed under load: %d transactions were not at the secondary' % (len(mine) - len(shared)))
        one.stop()
        two.stop()


def test_what_has_arrived_is_applied_before_the_promotion(cluster):
    """The secondary was busy, and had it in its buffers only, when the primary died."""
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    servers.wait_for('level', lambda: state(two) == 'live', 30, logs(two))
    two.process.send_signal(signal.SIGSTOP)
    last = [commit(one, 'while it is busy %d' % i) for i in range(20)][-1]
    servers.wait_for('all is sent', lambda: status(one)['primary']['secondaries'][0]['sentTid'] == last.hex(), 30,
                     logs(one))
    one.kill()
    two.process.send_signal(signal.SIGCONT)
    code, text = control(two, 'promote', '')
    assert code == 0, text
    assert status(two)['lastTid'] == last.hex()


# ---- cascades, catching up ----

def test_the_middle_of_a_cascade_is_promoted_and_the_end_goes_on(cluster, clients):
    ports = [servers.free_port() for _ in range(3)]
    one = cluster('one', replicate_to=ports[0]).start()
    two = cluster('two', replicate_to=ports[1], replicate_from=ports[0]).start()
    three = cluster('three', replicate_to=ports[2], replicate_from=ports[1]).start()
    client, = clients([one, two], ['6'])
    client.pause()
    drills.wait_equal(one, two)
    drills.wait_equal(two, three)
    one.kill()
    killed = time.time()
    client.order('go')
    promote(two)
    report('the middle of a cascade', killed, [client])
    client.pause()
    drills.wait_equal(two, three)
    assert status(three)['secondary']['connections'] == 1
    two.stop()
    three.stop()
    compare.same_files(two.file, three.file)


class CutOff:
    """A network that passes so many bytes on to the secondary, and no more; then it is cut."""

    def __init__(self, target, limit):
        self.target, self.left = target, limit
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.ends = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return  # the end of the test
        upstream = socket.create_connection(('127.0.0.1', self.target))
        self.ends = [client, upstream]
        threading.Thread(target=self.up, daemon=True).start()
        while self.left:
            data = upstream.recv(min(self.left, 65536))
            self.left -= len(data)
            client.sendall(data)

    def up(self):
        client, upstream = self.ends
        try:
            while data := client.recv(65536):
                upstream.sendall(data)
        except OSError:
            pass  # it was cut

    def cut(self):
        self.listener.close()
        for end in self.ends:
            end.close()


def test_promoted_while_it_catches_up(cluster, long):
    """The primary is lost within a transaction: refused, as it may have it whole; but that can be forced."""
    for turn in range(5 if long else 1):
        one, two = drills.pair(lambda name, *args, **kw: cluster('%d %s' % (turn, name), *args, **kw))
        two.stop()
        one.stop()
        databases.make(one.file, one.blobs, objects=2_000, pack=False)
        whole = tids(one)
        limit = random.randrange(100, os.path.getsize(one.file) * 9 // 10)
        network = CutOff(one.replication, limit)
        drills.configure(two, network.port)
        one.start()
        two.start()
        servers.wait_for('all that gets through is there', lambda: not network.left, 60, logs(two))
        network.cut()
        one.kill()
        servers.wait_for('the loss is seen', lambda: state(two) in ('waiting', 'connecting'), 60, logs(two))
        code, text = control(two, 'promote', '')
        if code:
            # Not if it was cut between two.
            assert 'a part has arrived' in text and '--force' in text, text
            assert status(two)['role'] == 'secondary' and not os.path.exists(two.file + '.role')
            # Nothing has changed when it is asked again.
            code, again = control(two, 'promote', '')
            assert code == 1 and 'a part has arrived' in again, again
            code, text = control(two, 'promote', '', 'force')
        assert code == 0 and 'could not be asked' in text, text
        got = tids(two)
        print('promoted after %d of %d transactions' % (len(got), len(whole)))
        assert got == whole[:len(got)] and len(got) < len(whole)
        newest = commit(two, 'new')
        one.start()
        code, text = control(one, 'follow', '', address(two.replication))
        assert code == 0, text
        servers.wait_for('it is reported', lambda: state(one) == DIVERGED, 60, logs(one))
        error = status(one)['secondary']['lastError']
        assert whole[-1].hex() in error and newest.hex() in error, error
        one.stop()
        two.stop()
        assert tids(one) == whole


# ---- with clients at work ----

def begun(server, number):
    """A client that has something to commit: (storage, transaction)."""
    storage = ZEO.client(server.address, wait_timeout=60)
    meta = TransactionMetaData()
    storage.tpc_begin(meta)
    storage.store(p64(number << 32), z64, b'cpersistent.mapping\nPersistentMapping\n.}.', '', meta)
    return storage, meta


def test_followed_and_promoted_while_clients_hold_and_wait_for_the_commit_lock(cluster):
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    before = tids(one)
    holder, held = begun(one, 1)
    holder.tpc_vote(held)
    waiter, waiting = begun(one, 2)
    outcome = []

    def vote():
        try:
            waiter.tpc_vote(waiting)
            outcome.append('voted')
        except Exception as e:  # the server has gone from the client's view
            outcome.append(type(e).__name__)
    thread = threading.Thread(target=vote)
    thread.start()
    servers.wait_for('it waits for the lock', lambda: holder.server_status()['waiting'] == 1, 30, logs(one))
    assert control(two, 'promote', '')[0] == 0
    code, text = control(one, 'follow', '', address(two.replication))
    assert code == 0, text
    thread.join(60)
    assert outcome == ['ClientDisconnected'], outcome
    with pytest.raises(Exception):  # noqa: B017 (ZEO has several for a connection that is gone)
        holder.tpc_finish(held)
    holder.close()
    waiter.close()
    commit(two, 'b')
    drills.wait_equal(two, one)
    assert status(one)['role'] == 'secondary' and state(one) != DIVERGED
    # And back again.
    two.kill()
    promote(one)
    commit(one, 'c')
    assert keys(one) == ['a', 'b', 'c']
    assert tids(one)[:len(before)] == before


def test_promoted_and_followed_while_a_pack_runs(cluster, long):
    one, two = drills.pair(cluster)
    two.stop()
    one.stop()
    databases.make(one.file, one.blobs, objects=40_000 if long else 4_000, pack=False)
    shutil.copy(one.file, two.file)
    shutil.copytree(one.blobs, two.blobs, dirs_exist_ok=True)
    one.start()
    two.start()
    failed = []

    def pack(server):
        try:
            for _ in range(3):
                storage = ZEO.client(server.address, wait_timeout=60, read_only=True)
                try:
                    storage.pack(time.time(), wait=True)
                except ZEO.Exceptions.ClientDisconnected:
                    pass  # the change of the role ended its connection; the pack goes on
                finally:
                    storage.close()
        except Exception as e:
            failed.append(e)
            raise
    servers.wait_for('level', lambda: state(two) == 'live', 60, logs(two))
    threads = [threading.Thread(target=pack, args=(server,)) for server in (one, two)]
    for thread in threads:
        thread.start()
    servers.wait_for('a pack runs', lambda: os.path.exists(two.file + '.pack') or os.path.exists(two.file + '.old'), 60)
    code, text = control(two, 'promote', '')
    assert code == 0, text
    code, text = control(one, 'follow', '', address(two.replication))
    assert code == 0, text
    for thread in threads:
        thread.join(120)
    assert not failed, failed
    newest = commit(two, 'new')
    servers.wait_for('it follows', lambda: status(one)['lastTid'] == newest.hex(), 60, logs(one))
    assert keys(one) == keys(two)


def test_two_promotions_at_once(cluster):
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    one.kill()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(control(two, 'promote', ''))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [code for code, _ in answers] == [0] * 4, answers
    assert sorted('is primary now' in text for _, text in answers) == [False] * 3 + [True], answers
    assert sum('is primary already' in text for _, text in answers) == 3
    commit(two, 'b')


def test_killed_while_it_is_promoted(cluster, long):
    """At any moment: it starts again as the one or the other, and as what it has said to be."""
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    one.kill()
    seed = random.randrange(1 << 30)
    rnd = random.Random(seed)
    outcomes = []
    for _ in range(25 if long else 2):
        answer = []

        def ask():
            try:
                answer.append(control(two, 'promote', ''))
            except OSError:
                pass  # killed before the answer
        thread = threading.Thread(target=ask)
        thread.start()
        # After the wait for what may still arrive it takes a few milliseconds, or more on a busy machine.
        # The more of them hit the middle, the better; what is asserted holds for all.
        time.sleep(0.2 + rnd.random() * 0.15)
        two.kill()
        thread.join(60)
        if os.path.exists(two.file + '.role'):
            with open(two.file + '.role') as f:
                assert f.read().startswith('role: primary\n')
        two.start()
        role = status(two)['role']
        assert role == ('primary' if os.path.exists(two.file + '.role') else 'secondary')
        if answer:
            assert answer[0][0] == 0 and role == 'primary', answer
        outcomes.append((bool(answer), role))
        two.stop()
        assert zrs('role', '-C', two.conf, '--clear').returncode == 0
        two.start()
        assert status(two)['role'] == 'secondary'
    print('seed %d: (answered, role after the kill): %s' % (seed, sorted(outcomes)))


# ---- the commands, and what can be wrong ----

def fails(code, *arguments, **options):
    """Runs a command that must fail, with one line of reasons; returns it."""
    done = zrs(*arguments, **options)
    assert done.returncode == code, (done, arguments)
    assert done.stdout == '' and 'Exception' not in done.stderr and '\tat ' not in done.stderr, done.stderr
    return done.stderr


def test_the_commands_explain_themselves():
    for command, words in {
            'promote': ['secondary the primary', '--force', '--storage', '--control', '-C'],
            'follow': ['HOST:PORT', 'replicate-to', '--accept-packed', '--storage', '-C'],
            'status': ['--json', '-C'],
            'role': ['--clear', 'must not run', '-C']}.items():
        done = zrs(command, '--help')
        assert done.returncode == 0
        for word in words:
            assert word in done.stdout, done.stdout


def test_errors_without_a_server(cluster, tmp_path):
    one = cluster('one', replicate_to=servers.free_port())
    for command in (['promote'], ['follow', '127.0.0.1:1']):
        error = fails(1, *command, '-C', one.conf)
        assert 'no server runs here' in error and one.file + '.control' in error, error
    assert str(tmp_path / 'none.conf') in fails(2, 'promote', '-C', tmp_path / 'none.conf')
    assert 'Data.fs' in fails(2, 'status', '-C', _data_file(one))
    assert '-C FILE' in fails(2, 'promote')
    assert 'HOST:PORT' in fails(2, 'follow', '-C', one.conf)
    # A socket that a killed server has left.
    one.start().kill()
    error = fails(1, 'promote', '-C', one.conf)
    assert 'no server runs here' in error, error
    # Not a socket.
    error = fails(1, 'promote', '--control', one.conf)
    assert one.conf in error, error


def _data_file(server):
    databases.make(server.file, objects=10, pack=False)
    return server.file


def test_errors_of_a_running_server(cluster):
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    servers.wait_for('level', lambda: state(two) == 'live', 30, logs(two))

    error = fails(1, 'promote', '--storage', 'main', '-C', two.conf)
    assert "'main'" in error and "it has '1'" in error, error
    error = fails(2, 'follow', 'nowhere', '-C', one.conf)
    assert 'nowhere' in error and 'HOST:PORT' in error, error
    for bad in ('', 'host:port', '127.0.0.1:70000', '127.0.0.1:0'):
        code, error = control(one, 'follow', '', bad)
        assert code == 2 and bad in error, error
    # Oneself, in three spellings.
    for same in ('127.0.0.1', 'localhost', ''):
        code, error = control(one, 'follow', '', '%s:%d' % (same, one.replication))
        assert code == 1 and 'this server itself' in error, error
    # Who follows this one.
    servers.wait_for('the secondary knows its upstream', lambda: len(drills.lineage(two.replication)) == 2, 30,
                     logs(one, two))
    error = fails(1, 'follow', address(two.replication), '-C', one.conf)
    assert 'promote it first' in error, error
    assert status(one)['role'] == 'primary' and not os.path.exists(one.file + '.role')
    commit(one, 'b')
    # The role of a running server is not taken from under it.
    drills.wait_equal(one, two)
    one.stop()
    promote(two)
    error = fails(1, 'role', '--clear', '-C', two.conf)
    assert 'in use' in error or 'running' in error or 'lock' in error, error
    assert os.path.exists(two.file + '.role')
    assert 'primary since' in zrs('role', '-C', two.conf).stdout


def test_errors_where_nothing_is_replicated(cluster):
    plain = cluster('plain').start()
    for command in (['promote'], ['follow', '127.0.0.1:1']):
        error = fails(1, *command, '-C', plain.conf)
        assert '<zrs>' in error, error
    assert zrs('status', '-C', plain.conf).stdout.count('standalone') == 1


def test_the_socket_of_another_user(cluster, tmp_path):
    one = cluster('one', replicate_to=servers.free_port()).start()
    if os.getuid():
        os.chmod(one.file + '.control', 0)
        error = fails(1, 'status', '--control', one.file + '.control')
    else:
        for folder in [one.folder] + [str(each) for each in tmp_path.parents if 'pytest' in str(each)] + [str(tmp_path)]:
            os.chmod(folder, 0o755)
        other = 65534
        status(one)
        code = 'import socket,os; os.setuid(%d); socket.socket(socket.AF_UNIX).connect(%r)' % (other, one.file + '.control')
        done = subprocess.run([CURRENT, '-c', code], capture_output=True, text=True)
        assert 'PermissionError' in done.stderr, done
        error = fails(1, 'status', '--control', one.file + '.control', user=other)
    assert 'Permission denied' in error and one.file + '.control' in error, error


def test_role_files_that_are_damaged_or_copied(cluster):
    one, two = drills.pair(cluster)
    commit(one, 'a')
    drills.wait_equal(one, two)
    one.kill()
    promote(two)
    two.stop()
    role = two.file + '.role'
    with open(role, 'rb') as f:
        good = f.read()

    def refused():
        return fails(1, 'serve', '-C', two.conf)
    damaged = [b'\xff\xfe\0garbage', good.replace(b'primary', b'king')]
    if LONG:
        damaged += [b'', good[:9], b'role: secondary\n', b'x' * 5000]
    for bad in damaged:
        with open(role, 'wb') as f:
            f.write(bad)
        error = refused()
        assert role in error and 'damaged' in error and 'zrs role --clear' in error, (bad, error)
    error = fails(1, 'role', '-C', two.conf)
    assert role in error, error

    # A copy of the folder of the promoted one, for a further secondary, with the zeo.conf of all.
    os.rename(role, role + '.kept')  # its inode stays taken
    with open(role, 'wb') as f:
        f.write(good.replace(b'file: ', b'file: /other'))
    error = refused()
    assert 'copied from another server' in error and role in error and 'zrs role --clear' in error, error
    assert 'zeo.conf, line' in error, error
    done = zrs('role', '--clear', '-C', two.conf)
    assert done.returncode == 0 and role in done.stdout, done
    two.start()
    assert status(two)['role'] == 'secondary'
