"""Python's zc.zrs and zrs side by side as primary and secondary, in turns, in one run.

    .venvs/current/bin/python benchmarks/replication_side_by_side.py [ROUNDS [MEGABYTES [COMMITS]]]

For each pair of servers:
- catch-up: an empty secondary fetches MEGABYTES (155) in transactions of 38 kB with 10 records each, from
  the moment that it is connected until its file is complete; beside it, in the same round, the file goes
  over a plain loopback connection into a file that is synced. CPU from the connection on, and memory;
- live lag: COMMITS (500) a round of 4 x 300 bytes, from the acknowledgement to the committer until a client
  of the secondary has the invalidation; alone, and while others commit (80/s) and load (800/s). The lag of a
  client of the primary stands beside it. CPU per commit, without other load.
Prints medians of the rounds, percentiles over all, and ratios, as a Markdown table.
"""
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measure import Client, cpu, memory, new_oids
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.utils import maxtid, p64, z64

from support import servers  # found by measure

PAIRS = {
    'zc.zrs': (servers.RUNZEO, servers.RUNZEO),
    'zrs': (servers.ZRS, servers.ZRS),
    'zc.zrs to zrs': (servers.RUNZEO, servers.ZRS),
    'zrs to zc.zrs': (servers.ZRS, servers.RUNZEO),
}
REFERENCE = 'zc.zrs'
RECORDS = 10
RECORD_BYTES = 3_800
CHUNK = 1 << 20
WARM_UP = 300
PACE = 0.005
LOADERS = COMMITTERS = 4
LOAD_PACE = 0.005
COMMIT_PACE = 0.05
LIMIT = 600

RECEIVE = '''
import os, socket, sys, time
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
begun = time.perf_counter()
with open(sys.argv[1], 'wb') as f:
    while data := connection.recv(1 << 20):
        f.write(data)
    f.flush()
    os.fsync(f.fileno())
print(time.perf_counter() - begun, flush=True)
'''

# What the other clients do; a process of its own, so that it does not hold up what is measured.
LOAD = '''
import sys
sys.path.insert(0, sys.argv[1])
import replication_side_by_side
replication_side_by_side.make_load(int(sys.argv[2]), int(sys.argv[3]))
'''

# Notes when each transaction is heard of; the clock is the same for all processes.
LISTEN = '''
import sys, time
sys.path.insert(0, sys.argv[1])
from measure import Client
client = Client(int(sys.argv[2]), read_only=True)
print('listening', flush=True)
try:
    while True:
        tid = client.invalidation()
        print(tid.hex(), time.monotonic(), flush=True)
except EOFError:
    pass
'''


def make_file(path, megabytes):
    """Many transactions of a size, as an application makes them that imports content."""
    storage = FileStorage(path)
    count = max(1, megabytes * 1_000_000 // (RECORDS * (RECORD_BYTES + 42) + 60))
    # Only this file is wanted, not its safety.
    os.fsync, fsync = (lambda fd: None), os.fsync
    try:
        oid = 0
        for i in range(count):
            t = TransactionMetaData(b'user', b'benchmark %d' % i)
            storage.tpc_begin(t)
            for _ in range(RECORDS):
                storage.store(p64(oid), z64, b'\x80\x03cpersistent.mapping\nPersistentMapping\n.}.'
                              + os.urandom(RECORD_BYTES - 50), '', t)
                oid += 1
            storage.tpc_vote(t)
            storage.tpc_finish(t)
    finally:
        os.fsync = fsync
        storage.close()
    return count


def raw_copy(path, target):
    """Seconds to bring a file over loopback into a synced file."""
    receiver = subprocess.Popen([sys.executable, '-c', RECEIVE, target], stdout=subprocess.PIPE, text=True)
    with socket.create_connection(('127.0.0.1', int(receiver.stdout.readline()))) as s, open(path, 'rb') as f:
        s.sendfile(f)
    seconds = float(receiver.stdout.readline())
    receiver.wait()
    os.remove(target)
    return seconds


def is_connected(port):
    """Whether anybody has a connection to a port of this machine."""
    for name, host in (('tcp', '0100007F'), ('tcp6', '0000000000000000FFFF00000100007F')):
        with open('/proc/net/' + name) as f:
            if any(fields[2] == '%s:%04X' % (host, port) and fields[3] == '01' for fields in map(str.split, f)):
                return True
    return False


class Pair:
    """A primary and a secondary, in folders of their own."""

    def __init__(self, folder, name):
        self.name = name
        port = servers.free_port()
        one, two = PAIRS[name]
        self.primary = servers.Server(os.path.join(folder, name, 'primary'), one, replicate_to=port, blobs=False)
        self.secondary = servers.Server(os.path.join(folder, name, 'secondary'), two, replicate_from=port, blobs=False)
        self.port = port

    def stop(self):
        self.secondary.kill()
        self.primary.kill()

    def used(self):
        return cpu(self.primary.process.pid), cpu(self.secondary.process.pid)

    def catch_up(self, path):
        """(MB/s, CPU s of the primary, of the secondary, memory of the primary, of the secondary)"""
        shutil.copy(path, self.primary.file)
        size = self.primary.size()
        self.primary.start()
        before = cpu(self.primary.process.pid)
        self.secondary.start(wait=False)
        servers.wait_for('the secondary is connected', lambda: is_connected(self.port), 60, self.secondary.read_logs)
        begun, mine = time.perf_counter(), cpu(self.secondary.process.pid)
        while self.secondary.size() < size:
            assert time.perf_counter() - begun < LIMIT, self.secondary.read_logs()
            time.sleep(0.002)
        seconds = time.perf_counter() - begun
        after = self.used()
        return (size / 1e6 / seconds, after[0] - before, after[1] - mine,
                memory(self.primary.process.pid), memory(self.secondary.process.pid))

    def lags(self, count, loaded):
        """([lags to a client of the secondary], [of the primary], CPU s per commit of the two)."""
        servers.wait_for('the secondary serves', self.secondary.accepts, 60)
        here = os.path.dirname(os.path.abspath(__file__))
        listeners = [subprocess.Popen([sys.executable, '-c', LISTEN, here, str(server.port)],
                                      stdout=subprocess.PIPE, text=True)
                     for server in (self.secondary, self.primary)]
        load = None
        try:
            heard = [Heard(each) for each in listeners]
            if loaded:
                load = subprocess.Popen([sys.executable, '-c', LOAD, here, str(self.primary.port),
                                         str(self.secondary.port)], stdout=subprocess.PIPE, text=True)
                assert load.stdout.readline().strip() == 'loading'
            client, oids = Client(self.primary.port), new_oids(99)
            client.commits(WARM_UP, oids)
            before = self.used()
            told = {}
            for _ in range(count):
                tid = client.commit(oids).hex()
                told[tid] = time.monotonic()
                time.sleep(PACE)
            for each in heard:
                each.wait_for(tid)
            after = self.used()
            return ([[each.at[tid] - told[tid] for tid in told] for each in heard],
                    [(b - a) / count for a, b in zip(before, after)])
        finally:
            for process in listeners + [load] * (load is not None):
                process.kill()
                process.wait()


class Heard(threading.Thread):
    """When a listener has heard of each transaction."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.at, self.output = {}, process.stdout
        assert self.output.readline().strip() == 'listening'
        self.start()

    def run(self):
        for line in self.output:
            tid, at = line.split()
            self.at[tid] = float(at)

    def wait_for(self, tid):
        servers.wait_for('the invalidation of %s' % tid, lambda: tid in self.at, 60)


def make_load(primary, secondary):
    """Until it is killed: some commit at the primary, some load from the secondary, each at its pace."""
    committers = [Client(primary) for _ in range(COMMITTERS)]
    loaders = [Client(secondary, read_only=True) for _ in range(LOADERS)]

    def repeat(pace, work):
        while True:
            work()
            time.sleep(pace)
    for i, client in enumerate(committers):
        oids = new_oids(i)
        threading.Thread(target=repeat, args=(COMMIT_PACE, lambda c=client, o=oids: c.commits(1, o)), daemon=True).start()
    for client in loaders:
        oid = p64(1)
        threading.Thread(target=repeat, args=(LOAD_PACE, lambda c=client: c.call('loadBefore', oid, maxtid)),
                         daemon=True).start()
    print('loading', flush=True)
    threading.Event().wait()


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def table(results, raw, megabytes, transactions):
    """Rows: (text, value of a pair, better is smaller)."""
    def median(key):
        return lambda name: statistics.median(results[name][key])

    def lag(key, percent):
        return lambda name: 1000 * percentile(results[name][key], percent)
    raw_speed = statistics.median(raw)
    rows = [
        ('catch-up, MB/s', median('speed'), '%.1f', True),
        ('catch-up, share of a raw copy (%.0f MB/s)' % raw_speed,
         lambda name: median('speed')(name) / raw_speed, '%.2f', True),
        ('catch-up, CPU s of the primary', median('cpu 1'), '%.2f', False),
        ('catch-up, CPU s of the secondary', median('cpu 2'), '%.2f', False),
        ('primary, peak memory MB', median('hwm 1'), '%.0f', False),
        ('primary, RssAnon MB', median('anon 1'), '%.0f', False),
        ('secondary, peak memory MB', median('hwm 2'), '%.0f', False),
        ('secondary, RssAnon MB', median('anon 2'), '%.0f', False),
        ('live, CPU ms per commit of the primary', lambda name: 1000 * median('live cpu 1')(name), '%.2f', False),
        ('live, CPU ms per commit of the secondary', lambda name: 1000 * median('live cpu 2')(name), '%.2f', False),
    ]
    for loaded in ('alone', 'under load'):
        for where in ('secondary', 'primary'):
            for percent in (50, 99):
                rows.append(('lag ms, client of the %s, %s, p%d' % (where, loaded, percent),
                             lag((where, loaded), percent), '%.2f', False))
    print('\n%.0f MB in %d transactions; %d rounds; the ratio to %s is in parentheses: more than 1 is better\n'
          % (megabytes, transactions, len(raw), REFERENCE))
    print('| | %s |' % ' | '.join(PAIRS))
    print('|-|%s' % ('-:|' * len(PAIRS)))
    for text, value, form, more_is_better in rows:
        reference = value(REFERENCE)
        cells = []
        for name in PAIRS:
            mine = value(name)
            over, under = (mine, reference) if more_is_better else (reference, mine)
            ratio = '' if name == REFERENCE or under <= 0 else ' (%.1f)' % (over / under)
            cells.append(form % mine + ratio)
        print('| %s | %s |' % (text, ' | '.join(cells)))


def measure(pair, path, commits, result):
    speed, one, two, memory1, memory2 = pair.catch_up(path)
    for key, value in (('speed', speed), ('cpu 1', one), ('cpu 2', two), ('hwm 1', memory1[0]), ('anon 1', memory1[1]),
                       ('hwm 2', memory2[0]), ('anon 2', memory2[1])):
        result.setdefault(key, []).append(value)
    for loaded in (False, True):
        (at_secondary, at_primary), used = pair.lags(commits, loaded)
        word = 'under load' if loaded else 'alone'
        result.setdefault(('secondary', word), []).extend(at_secondary)
        result.setdefault(('primary', word), []).extend(at_primary)
        if not loaded:
            result.setdefault('live cpu 1', []).append(used[0])
            result.setdefault('live cpu 2', []).append(used[1])


def main(rounds=3, megabytes=155, commits=500):
    folder = tempfile.mkdtemp(prefix='replication-')
    try:
        path = os.path.join(folder, 'Data.fs')
        transactions = make_file(path, megabytes)
        size = os.path.getsize(path)
        subprocess.run(servers.ZRS + ['--version'], check=True, stdout=subprocess.DEVNULL)  # builds it
        results, raw = {name: {} for name in PAIRS}, []
        for turn in range(rounds):
            raw.append(size / 1e6 / raw_copy(path, os.path.join(folder, 'copy')))
            for name in PAIRS:
                pair = Pair(os.path.join(folder, str(turn)), name)
                try:
                    measure(pair, path, commits, results[name])
                finally:
                    pair.stop()
                print('round %d: %s' % (turn + 1, name), file=sys.stderr)
            shutil.rmtree(os.path.join(folder, str(turn)))
        table(results, raw, size / 1e6, transactions)
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
