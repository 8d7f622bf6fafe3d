"""N: roles changed while the servers run: status, promote, follow, and what a restart makes of it."""
import json
import os
import socket
import subprocess
import threading
import time

import pytest
import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping

from support import compare, servers

pytestmark = pytest.mark.ours


def zrs(*arguments):
    return subprocess.run(servers.ZRS + list(arguments), capture_output=True, text=True, timeout=120)


def status(server):
    done = zrs('status', '-C', server.conf, '--json')
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)['storages'][0]


def state(server):
    return status(server)['secondary']['state']


def commit(server, key, value, wait=30):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=wait))
    try:
        with db.transaction() as connection:
            connection.root()[key] = PersistentMapping({'value': value})
    finally:
        db.close()


def keys(server):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30, read_only=True))
    try:
        with db.transaction() as connection:
            return sorted(connection.root().keys())
    finally:
        db.close()


def pair(cluster):
    """Two servers that can each send to the other; the second follows the first."""
    ports = servers.free_port(), servers.free_port()
    one = cluster('one', replicate_to=ports[0])
    two = cluster('two', replicate_to=ports[1], replicate_from=ports[0])
    one.replication, two.replication = ports
    return one.start(), two.start()


def wait_level(one, two):
    servers.wait_for('both have the same', lambda: one.size() == two.size() and state(two) == 'live', 30,
                     lambda: one.read_logs() + two.read_logs())


def test_status_says_where_both_sides_stand(cluster):
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    primary, secondary = status(one), status(two)
    assert primary['role'] == 'primary' and secondary['role'] == 'secondary'
    assert primary['lastTid'] == secondary['lastTid'] == secondary['secondary']['appliedTid']
    sender, = primary['primary']['secondaries']
    assert sender['protocol'] == 'zrs2.1' and sender['sentTid'] == primary['lastTid']
    assert (sender['leftTransactions'], sender['leftBytes'], sender['leftSeconds']) == (0, 0, 0)
    assert secondary['secondary']['upstream'] == '127.0.0.1:%d' % one.replication
    assert os.stat(one.file + '.control').st_mode & 0o777 == 0o600
    text = zrs('status', '-C', two.conf).stdout
    assert 'follows 127.0.0.1:%d: live' % one.replication in text, text
    two.stop()
    done = zrs('status', '-C', two.conf)
    assert done.returncode == 1 and 'no server runs here' in done.stderr
    assert not os.path.exists(two.file + '.control')


def test_after_a_crash_of_the_primary_the_secondary_takes_over_and_the_old_one_follows(cluster):
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    # A client that knows both, and was there before.
    storage = ZEO.client([one.address, two.address], wait_timeout=60)
    db = ZODB.DB(storage)
    connection = db.open()
    killed = time.monotonic()
    one.kill()
    done = zrs('promote', '-C', two.conf)
    assert done.returncode == 0, done.stderr
    assert 'is primary now' in done.stdout and 'could not be asked' in done.stdout
    deadline = time.monotonic() + 60
    while True:
        try:
            connection.sync()
            connection.root()['b'] = PersistentMapping()
            transaction.commit()
            break
        except Exception:  # whatever ZEO has for a server that is gone
            transaction.abort()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    print('from the kill to the first commit: %.2f s' % (time.monotonic() - killed))
    connection.close()
    db.close()
    assert 'primary already' in zrs('promote', '-C', two.conf).stdout

    # A restart keeps the role, though zeo.conf says otherwise.
    two.stop()
    two.start()
    assert status(two)['role'] == 'primary'
    assert 'as an operator said (zrs promote)' in two.read_logs()
    commit(two, 'c', 1)

    # The old primary comes back as it was configured, and is told to follow.
    one.start()
    done = zrs('follow', '127.0.0.1:%d' % two.replication, '-C', one.conf)
    assert done.returncode == 0, done.stderr
    wait_level(two, one)
    assert keys(one) == ['a', 'b', 'c']
    one.stop()
    one.start()
    assert status(one)['role'] == 'secondary'
    commit(two, 'd', 1)
    wait_level(two, one)
    two.stop()
    one.stop()
    compare.same_files(two.file, one.file)


def test_transactions_that_nobody_else_has_are_reported_and_kept(cluster):
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    two.stop()
    commit(one, 'only here', 1)
    lost = status(one)['lastTid']
    one.stop()
    two.start()
    assert zrs('promote', '-C', two.conf).returncode == 0
    commit(two, 'b', 1)
    other = status(two)['lastTid']
    one.start()
    size = one.size()
    assert zrs('follow', '127.0.0.1:%d' % two.replication, '-C', one.conf).returncode == 0
    servers.wait_for('the histories are compared', lambda: state(one) == 'diverged', 30, one.read_logs)
    error = status(one)['secondary']['lastError']
    assert lost in error and other in error, error
    assert lost in one.read_logs() and 'diverged' in one.read_logs()
    assert keys(one) == ['a', 'only here'] and one.size() == size
    assert keys(two) == ['a', 'b']


class StalledOnce:
    """A network that brings nothing on the first connection, and passes the later ones on."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        self.first, _ = self.listener.accept()
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # the end of the test
            upstream = socket.create_connection(('127.0.0.1', self.target))
            for ends in ((client, upstream), (upstream, client)):
                threading.Thread(target=self.pump, args=ends, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of the two sides has gone

    def close(self):
        self.listener.close()
        self.first.close()


def test_promotion_is_refused_where_the_upstream_has_more(cluster):
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    two.stop()
    commit(one, 'b', 1)
    network = StalledOnce(one.replication)
    with open(two.conf) as f:
        text = f.read()
    with open(two.conf, 'w') as f:
        f.write(text.replace('replicate-from 127.0.0.1:%d' % one.replication,
                             'replicate-from 127.0.0.1:%d' % network.port))
    two.start()
    servers.wait_for('it is connected', lambda: status(two)['secondary']['connections'] == 1, 30, two.read_logs)
    done = zrs('promote', '-C', two.conf)
    assert done.returncode == 1 and 'has more' in done.stderr, done
    assert status(two)['role'] == 'secondary'
    done = zrs('promote', '-C', two.conf, '--force')
    assert done.returncode == 0 and 'forced, though' in done.stdout, done
    assert status(two)['role'] == 'primary' and keys(two) == ['a']
    network.close()


def test_a_role_that_contradicts_zeo_conf_stops_the_start(cluster):
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    one.stop()
    assert zrs('promote', '-C', two.conf).returncode == 0
    two.stop()
    with open(two.conf) as f:
        text = f.read()
    other = text.replace('replicate-from 127.0.0.1:%d' % one.replication, 'replicate-from 127.0.0.1:1')
    assert other != text
    with open(two.conf, 'w') as f:
        f.write(other)
    line = 1 + other[:other.index('replicate-from')].count('\n')
    done = subprocess.run(servers.ZRS + ['serve', '-C', two.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    for part in ('secondary of 127.0.0.1:1', 'zeo.conf, line %d' % line, 'but primary', two.file + '.role',
                 'zrs role --clear'):
        assert part in done.stderr, done.stderr
    assert 'primary since' in zrs('role', '-C', two.conf).stdout
    assert 'is removed' in zrs('role', '-C', two.conf, '--clear').stdout
    two.start()
    assert status(two)['role'] == 'secondary'
    two.stop()


def test_the_way_without_commands(cluster):
    """replicate-from is removed and the server started again."""
    one, two = pair(cluster)
    commit(one, 'a', 1)
    wait_level(one, two)
    one.stop()
    two.stop()
    with open(two.conf) as f:
        text = f.read()
    with open(two.conf, 'w') as f:
        f.write(text.replace('replicate-from 127.0.0.1:%d' % one.replication, ''))
    two.start()
    assert status(two)['role'] == 'primary'
    commit(two, 'b', 1)
    assert keys(two) == ['a', 'b']
