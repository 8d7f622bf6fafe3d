"""Q: zrs nagios beside zc.zrs's zrs-nagios, with servers of both kinds in any mixture."""
import json
import os
import pickle
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest
import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from persistent.timestamp import TimeStamp
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.utils import p64, z64

from support import servers
from support.servers import RUNZEO, ZRS

pytestmark = pytest.mark.ours

STOCK_RUNZEO = [os.path.join(servers.PEERS, 'current', 'bin', 'runzeo')]
KINDS = {'zrs': ZRS, 'ZEO 6': STOCK_RUNZEO, 'ZEO 5': RUNZEO}
# Of those that replicate see below.
MIXTURES = [('zrs', 'ZEO 5'), ('ZEO 5', 'zrs'), ('ZEO 6', 'zrs')]
BEHIND = re.compile(r"Secondary behind primary by (\d+\.\d{4}) seconds")


class Done:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __repr__(self):
        return 'exit code %s\n%s%s' % (self.code, self.out, self.err)

    def lag(self):
        """The seconds in the only line."""
        assert self.out.count('\n') == 1 and not self.err, self
        found = BEHIND.match(self.out)
        assert found, self
        return float(found.group(1))


def run(command, arguments):
    return Done(subprocess.run(command + arguments, capture_output=True, text=True, timeout=120))


def ours(*arguments):
    return run(ZRS + ['nagios'], list(arguments))


def theirs(*arguments):
    return run([servers.LEGACY, os.path.join(servers.PEERS, 'legacy', 'bin', 'zrs-nagios')], list(arguments))


def same(*arguments):
    """Runs both, which must agree; what they say."""
    one, other = ours(*arguments), theirs(*arguments)
    # The usage of zc.zrs ends in a line of blanks.
    expected = re.sub('\n +\n$', '\n', other.out.replace('zrs-nagios', 'zrs nagios'))
    assert (one.out, one.code, one.err) == (expected, other.code, ''), (one, other)
    return one


def tid_at(seconds):
    return TimeStamp(*time.gmtime(seconds)[:5] + (seconds % 60,)).raw()


def seconds_of(tid):
    return TimeStamp(tid).timeTime()


def add(path, *times, oid=z64):
    """Appends transactions of these times to a Data.fs; their tids."""
    data = pickle.dumps(PersistentMapping, 2) + pickle.dumps({'data': {}}, 2)
    storage = FileStorage(path)
    tids = []
    for moment in times:
        t = TransactionMetaData()
        storage.tpc_begin(t, tid_at(moment))
        try:
            serial = storage.load(oid)[1]
        except KeyError:
            serial = z64
        storage.store(oid, serial, data, '', t)
        storage.tpc_vote(t)
        tids.append(storage.tpc_finish(t))
    storage.close()
    return tids


def text(server):
    return '%s:%d' % server.address


@pytest.fixture
def two(cluster, tmp_path):
    """Two servers that do not replicate, over files that have so many of the same transactions."""
    def make(primary, secondary, times, common):
        made = cluster('primary', KINDS[primary]), cluster('secondary', KINDS[secondary])
        tids = add(made[0].file, *times[:common])
        shutil.copy(made[0].file, made[1].file)
        tids += add(made[0].file, *times[common:])
        for server in made:
            server.start()
        return *made, tids
    return make


def rewrite(server, old, new):
    with open(server.conf) as f:
        conf = f.read()
    assert old in conf
    with open(server.conf, 'w') as f:
        f.write(conf.replace(old, new))


# What zc.zrs gets wrong.

@pytest.mark.parametrize('primary, secondary', MIXTURES)
def test_a_commit_after_an_idle_hour_is_not_an_hour_of_lag(two, primary, secondary):
    one, other, tids = two(primary, secondary, [time.time() - 3600, time.time()], 1)
    checked = ours('-w', '1800', '-e', '3000', text(one), text(other))
    age = time.time() - seconds_of(tids[1])
    assert checked.code == 0 and checked.lag() <= age, checked
    assert checked.out == 'Secondary behind primary by %.4f seconds\n' % checked.lag()
    assert theirs('-w', '1800', '-e', '3000', text(one), text(other)).code == 2


@pytest.mark.parametrize('primary, secondary', MIXTURES)
def test_a_transaction_that_has_been_missing_for_hours_is_not_a_second_of_lag(two, primary, secondary):
    then = time.time() - 7200
    one, other, tids = two(primary, secondary, [then - 1, then, then + 1], 1)
    checked = ours('-m', '-w', '30', '-e', '7000', text(one), text(other))
    age = time.time() - seconds_of(tids[1])
    assert checked.code == 2 and 7200 <= checked.lag() <= age, checked
    lag = '%.4f' % checked.lag()
    assert checked.out == "Secondary behind primary by %s seconds > 7000|'lag'=%sseconds\n" % (lag, lag)
    assert ours('-w', '30', '-e', '100000', text(one), text(other)).code == 1
    assert theirs('-w', '30', '-e', '7000', text(one), text(other)).code == 0


@pytest.mark.parametrize('primary', KINDS)
def test_an_empty_secondary_lacks_the_first_transaction(two, primary):
    then = time.time() - 500
    one, other, tids = two(primary, 'zrs', [then, then + 400], 0)
    lag = ours('-m', text(one), text(other)).lag()
    assert 500 <= lag <= time.time() - seconds_of(tids[0])


def test_a_primary_whose_clock_is_ahead(two):
    ahead = time.time() + 1000
    one, other, tids = two('zrs', 'zrs', [ahead, ahead + 1, ahead + 101], 1)
    # By its own tids it is 100 seconds; this machine's clock would say less than nothing.
    checked = ours('-w', '99', text(one), text(other))
    assert checked.code == 1 and abs(checked.lag() - 100) < 0.001, checked


@pytest.mark.parametrize('primary', KINDS)
def test_a_last_transaction_that_was_packed_away_is_not_missing(two, primary):
    """Python's pack removes it, ours keeps its head; either server goes on naming it."""
    then = time.time() - 1000
    one, other, _ = two(primary, 'zrs', [then], 1)
    client = ZEO.client(one.address, wait_timeout=30)
    t = TransactionMetaData()
    client.tpc_begin(t)
    client.store(p64(7), z64, pickle.dumps(PersistentMapping, 2) + pickle.dumps({}, 2), '', t)
    client.tpc_vote(t)
    garbage = client.tpc_finish(t)
    assert ours('-m', text(one), text(other)).lag() < 1000
    client.pack(time.time() + 1, wait=True)
    assert client.lastTransaction() == garbage
    client.close()
    checked = ours('-m', '-e', '1', text(one), text(other))
    assert checked.code == 0, checked
    assert checked.out == ('Secondary up to date. The primary names a later transaction, but has nothing of it.'
                           "|'lag'=0.0000seconds\n")


def test_a_last_transaction_that_changed_nothing_is_not_missing(two):
    """Our server writes it and sends it on; a Python secondary leaves it out."""
    one, other, _ = two('zrs', 'ZEO 5', [time.time() - 1000], 1)
    client = ZEO.client(one.address, wait_timeout=30)
    before = client.lastTransaction()
    t = TransactionMetaData()
    client.tpc_begin(t)
    client.tpc_vote(t)
    assert client.tpc_finish(t) == client.lastTransaction() > before
    client.close()
    checked = ours('-e', '1', text(one), text(other))
    assert checked.code == 0 and checked.out.startswith('Secondary up to date. The primary names'), checked


# Where both agree.

def several(server, **files):
    """Has a server serve other storages."""
    sections = ''
    for name, transactions in files.items():
        path = os.path.join(server.folder, name + '.fs')
        add(path, *transactions)
        sections += '<filestorage %s>\npath %s\n</filestorage>\n' % (name.lstrip('_'), path)
    with open(server.conf) as f:
        conf = f.read()
    with open(server.conf, 'w') as f:
        f.write(re.sub('<filestorage.*</filestorage>', sections, conf, flags=re.DOTALL))


@pytest.mark.parametrize('primary, secondary', MIXTURES)
def test_same_output_where_both_agree(cluster, primary, secondary):
    then = time.time() - 5000
    one, other = cluster('one', KINDS[primary]), cluster('other', KINDS[secondary])
    several(one, _1=[then], first=[then, then + 7], friday=[then], second=[], third=[])
    several(other, _1=[then], first=[then, then + 7, then + 75.5678], second=[], third=[then], thursday=[])
    one.start()
    other.start()
    a, b = text(one), text(other)
    checked = same('-w33', '-e99', '-m', a, b)
    assert checked.code == 2
    lines = checked.out.split('\n')
    assert lines[0] == "Secondary up to date.|'lag'=0.0000seconds"
    assert re.fullmatch(r"Primary \('first'\) behind secondary by -68\.567\d+ seconds", lines[1])
    assert lines[2:5] == ["Storage 'friday' in primary, but not secondary",
                          "Secondary ('second') up to date.",
                          "Primary ('third') behind secondary by %r seconds" % (
                              seconds_of(z64) - seconds_of(tid_at(then)))]
    assert lines[5] == "Storage 'thursday' in secondary, but not primary| 'lagfirst'=-68.5678seconds"
    assert lines[6] == " 'lagsecond'=0.0000seconds" and lines[7].startswith(" 'lagthird'=-") and lines[8:] == ['']
    same('-w33', a, b)
    assert same('--warning', '33', '--error=44', '--output-metrics', b, b).code == 0
    one.kill()
    assert same('-e1', a, b).out == "Can't connect to primary at '%s': [Errno 111] Connection refused\n" % a
    other.kill()
    assert same('-e1', a, b).out == "Can't connect to secondary at '%s': [Errno 111] Connection refused\n" % b


def test_same_usage_and_addresses_without_servers(tmp_path):
    for arguments in ([], ['a:1', 'b:1'], ['-m'], ['-m', 'a:1'], ['-m', 'a', 'b', 'c'], ['-w0', '-e', '0', 'a', 'b']):
        assert same(*arguments).code == 2
    plain = str(tmp_path / 'plain')
    open(plain, 'w').close()
    port = servers.free_port()
    for address in (str(tmp_path / "it's not there"), plain, plain + '/below', 'localhost:%d' % port,
                    '[::1]:%d' % port, 'no-such-host.invalid:1'):
        assert same('-m', 'a:1', address).code == 2
    for bad in (['-w', 'x', 'a', 'b'], ['--nonsense', 'a', 'b']):
        one, other = ours(*bad), theirs(*bad)
        assert one.code == other.code == 2 and one.err and not one.out and not other.out
    assert ours('-m', 'a:1', 'a:65536').out == "Can't connect to secondary at 'a:65536': port must be 0-65535\n"


# Replication that is really held up.

class Gate:
    """A way to an upstream that can be shut: connections are cut, and new ones closed at once."""

    def __init__(self, target):
        self.target, self.open, self.sockets = target, True, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # the end of the test
            with self.lock:
                if not self.open:
                    client.close()
                    continue
                upstream = socket.create_connection(('127.0.0.1', self.target))
                self.sockets += [client, upstream]
            for ends in ((client, upstream), (upstream, client)):
                threading.Thread(target=self.pump, args=ends, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # one of the two sides has gone, or the gate was shut

    def shut(self):
        with self.lock:
            self.open = False
            for each in self.sockets:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is gone already
                each.close()
            self.sockets = []

    def reopen(self):
        with self.lock:
            self.open = True

    def close(self):
        self.listener.close()
        self.shut()


@pytest.mark.parametrize('primary', ['zrs', 'ZEO 5'])
@pytest.mark.parametrize('secondary', ['zrs', 'ZEO 5'])
def test_a_secondary_that_is_cut_off_and_comes_back(cluster, primary, secondary):
    port = servers.free_port()
    gate = Gate(port)
    one = cluster('one', KINDS[primary], replicate_to=port)
    other = cluster('other', KINDS[secondary], replicate_from=gate.port, keep_alive=1)
    one.start()
    other.start()
    logs = lambda: one.read_logs() + other.read_logs()  # noqa: E731
    a, b = text(one), text(other)
    db = ZODB.DB(ZEO.client(one.address, wait_timeout=30))
    connection = db.open()

    def commit(value):
        connection.root()['value'] = value
        transaction.commit()
        return seconds_of(db.lastTransaction())

    def level():
        return one.size() == other.size()

    commit(0)
    servers.wait_for('replicated', level, 60, logs)
    servers.wait_for('level', lambda: ours('-m', '-e2', a, b).out == "Secondary up to date.|'lag'=0.0000seconds\n",
                     60, logs)
    assert same('-m', '-w1', a, b).code == 0

    gate.shut()
    first = commit(1)
    commit(2)
    before = time.time()
    lag = ours('-m', a, b).lag()
    assert before - first <= lag <= time.time() - first
    # While nothing more is committed the lag grows, until it is too much.
    servers.wait_for('a warning', lambda: ours('-w3', '-e1000', a, b).code == 1, 60, logs)
    commit(3)
    checked = ours('-w1000', '-e3', a, b)
    assert checked.code == 2 and checked.lag() > 3, checked

    gate.reopen()
    servers.wait_for('replicated again', level, 60, logs)
    servers.wait_for('level again', lambda: ours('-w1', a, b).out == 'Secondary up to date.\n', 60, logs)
    db.close()
    gate.close()


# Addresses.

@pytest.mark.parametrize('kind', KINDS)
def test_unix_sockets(cluster, tmp_path, kind):
    then = time.time() - 100
    made = []
    for name, times in (('one', [then, then + 1]), ('other', [then])):
        server = cluster(name, KINDS[kind])
        path = str(tmp_path / (name + '.sock'))
        rewrite(server, 'address 127.0.0.1:%d' % server.port, 'address ' + path)
        add(server.file, *times)
        server.start(wait=False)
        servers.wait_for('the socket', lambda path=path: os.path.exists(path), 60, server.read_logs)
        made.append(path)
    servers.wait_for('level with itself', lambda: ours('-m', made[1], made[1]).code == 0, 60)
    assert same('-m', made[1], made[1]).code == 0
    assert same('-m', made[1], made[0]).code == 2
    assert 99 <= ours('-m', *made).lag() <= time.time() - then


@pytest.mark.parametrize('kind', KINDS)
def test_ipv6_and_other_spellings(cluster, kind):
    then = time.time() - 100
    one, other = cluster('one', KINDS[kind]), cluster('other', KINDS[kind])
    rewrite(one, 'address 127.0.0.1:', 'address [::1]:')
    add(one.file, then, then + 1)
    add(other.file, then)
    one.address = ('::1', one.port)
    one.start()
    other.start()
    six = '[::1]:%d' % one.port
    assert same('-m', six, six).code == 0
    assert same('-m', text(other), six).code == 2
    for four in (text(other), 'localhost:%d' % other.port, str(other.port)):
        assert 99 <= ours('-m', six, four).lag() <= time.time() - then


def test_a_server_that_offers_msgpack(cluster):
    then = time.time() - 100
    one = cluster('one', STOCK_RUNZEO, zeo='msgpack true')
    other = cluster('other', STOCK_RUNZEO)
    add(one.file, then, then + 1)
    add(other.file, then)
    one.start()
    other.start()
    with socket.create_connection(one.address) as s:
        assert s.recv(6) == b'\0\0\0\2M5'
    assert 99 <= ours('-m', text(one), text(other)).lag() <= time.time() - then


# Servers that are none.

class Fake:
    """Accepts connections and runs a script on each."""

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.text = '127.0.0.1:%d' % self.listener.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return  # the end of the test
            self.kept.append(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            self.script(s)
        except OSError:
            pass  # the client has given up

    def close(self):
        self.listener.close()
        for s in self.kept:
            s.close()


def frame(content):
    return struct.pack('>I', len(content)) + content


def drip(s):
    s.sendall(struct.pack('>I', 60))
    while True:
        s.sendall(b'x')
        time.sleep(0.1)


def status_only(status, closes=True):
    """A server that answers ruok, and nothing else."""
    def script(s):
        s.sendall(frame(b'Z5'))
        if s.recv(100) == frame(b'ruok'):
            s.sendall(frame(json.dumps(status).encode()))
            s.close()
        elif closes:
            s.close()
    return script


@pytest.mark.parametrize('script, words', [
    (lambda s: None, 'no answer within 2.0 s'),
    (drip, 'no answer within 2.0 s'),
    (lambda s: s.sendall(b'SSH-2.0-OpenSSH_9.9\r\n'), 'a message of 1397966893 bytes'),
    (lambda s: s.sendall(frame(b'hello')), 'no ZEO server'),
    (lambda s: s.sendall(b'\xff' * 5000), 'a message of 4294967295 bytes'),
    (lambda s: s.close(), 'closed the connection'),
    (status_only([1, 2]), 'its status can\'t be read'),
    (status_only({'1': {'last-transaction': 'zz'}}), 'its status can\'t be read'),
], ids=['silent', 'slow', 'ssh', 'greeting', 'noise', 'closes', 'other json', 'no tid'])
def test_what_is_no_zeo_server_is_one_clear_line(script, words):
    fake = Fake(script)
    checked = ours('-m', '-t', '2', fake.text, fake.text)
    fake.close()
    assert checked.code == 2 and not checked.err, checked
    assert checked.out.startswith("No status from secondary at '%s': " % fake.text) and words in checked.out, checked
    assert checked.out.count('\n') == 1 and '|' not in checked.out


def test_two_servers_without_storages():
    fake = Fake(status_only({}))
    assert same('-m', fake.text, fake.text).out == 'No storages\n'
    fake.close()


@pytest.mark.parametrize('closes, words', [(True, 'closed the connection'), (False, 'no answer within 2.0 s')])
def test_a_primary_that_does_not_say_since_when(closes, words):
    now = time.time()
    primary = Fake(status_only({'1': {'last-transaction': tid_at(now - 100).hex()}}, closes))
    secondary = Fake(status_only({'1': {'last-transaction': tid_at(now - 5000).hex()}}))
    checked = ours('-w', '60', '-e', '4000', '-t', '2', primary.text, secondary.text)
    elapsed = time.time() - now
    primary.close()
    secondary.close()
    found = re.fullmatch(
        r'Secondary behind primary by (\S+) seconds > 4000 \(at most; at least (\S+); '
        r'the primary does not say since when: (.*)\)\n', checked.out)
    assert found and checked.code == 2 and words in found.group(3), checked
    assert 5000 - 0.001 <= float(found.group(1)) <= 5000 + elapsed
    assert 100 - 0.001 <= float(found.group(2)) <= 100 + elapsed


@pytest.mark.parametrize('primary', KINDS)
def test_a_secondary_that_claims_a_storage_of_another_name(two, primary):
    """A hostile status does not make the question to the primary fail otherwise than in words."""
    one, _, tids = two(primary, 'zrs', [time.time() - 100], 1)
    fake = Fake(status_only({'1': {'last-transaction': z64.hex()}, '|\n': {'last-transaction': z64.hex()}}))
    checked = ours('-m', text(one), fake.text)
    fake.close()
    assert checked.code == 2 and 100 <= float(BEHIND.match(checked.out).group(1)) <= time.time() - seconds_of(tids[0])
    assert checked.out.endswith("\nStorage '|\\n' in secondary, but not primary\n"), checked
