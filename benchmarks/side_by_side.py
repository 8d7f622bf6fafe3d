"""Python's ZEO server and zrs side by side: the same requests, in turns, in one run.

    .venvs/current/bin/python benchmarks/side_by_side.py [ROUNDS]

For each workload it prints, for both, the CPU of the server per operation and the wall time per
operation (medians of the rounds), and their ratios. The clients are raw sockets with prepared
messages, so that they cost little; still, on a machine with few cores compare the CPU.
"""
import os
import pickle
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'interop'))

import transaction  # noqa: E402
import ZODB  # noqa: E402
from BTrees.IOBTree import IOBTree  # noqa: E402
from persistent.mapping import PersistentMapping  # noqa: E402
from support import servers  # noqa: E402
from ZODB.FileStorage import FileStorage  # noqa: E402
from ZODB.utils import maxtid, p64, z64  # noqa: E402

OBJECTS = 20_000
TICK = os.sysconf('SC_CLK_TCK')


def cpu(pid):
    """CPU seconds of a process."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Client:
    """A ZEO 5 connection that sends prepared messages."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b''
        self.frame()
        self.send(b'Z5')
        self.last = self.call('register', '1', False)
        self.number = 0

    def send(self, *bodies):
        self.socket.sendall(b''.join(struct.pack('>I', len(b)) + b for b in bodies))

    def frame(self):
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack_from('>I', self.buffer)[0]:
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError
            self.buffer += data
        length = struct.unpack_from('>I', self.buffer)[0]
        body, self.buffer = self.buffer[4:4 + length], self.buffer[4 + length:]
        return body

    def replies(self, count):
        """Reads replies, and passes over what else the server has to say."""
        got = []
        while len(got) < count:
            body = self.frame()
            if b'.reply' in body[:200]:
                got.append(body)
        return got

    def call(self, method, *args):
        self.send(pickle.dumps((1, False, method, args), 3))
        reply = pickle.loads(self.replies(1)[0])
        assert reply[1] == 0, reply
        return reply[3]

    def loads(self, oids, depth):
        for i in range(0, len(oids), depth):
            part = oids[i:i + depth]
            self.send(*(pickle.dumps(((o, maxtid), False, 'loadBefore', (o, maxtid)), 3) for o in part))
            self.replies(len(part))

    def commits(self, count, oids):
        data = b'\x80\x03cpersistent.mapping\nPersistentMapping\nq\x01.\x80\x03}q\x02U\x04datax' + b'x' * 300
        for _ in range(count):
            self.number += 1
            t = self.number
            begin = pickle.dumps((0, True, 'tpc_begin', (t, b'', b'', {}, None, ' ')), 3)
            stores = [pickle.dumps((0, True, 'storea', (o, z64, data, t)), 3) for o in [next(oids) for _ in range(4)]]
            vote = pickle.dumps((2, False, 'vote', (t,)), 3)
            self.send(begin, *stores, vote)
            reply = pickle.loads(self.replies(1)[0])
            assert reply[1] == 0, reply
            self.send(pickle.dumps((3, False, 'tpc_finish', (t,)), 3))
            self.replies(1)


def in_parallel(count, work):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def new_oids(seed):
    number = (seed << 40) | (time.time_ns() & 0xffffffff) << 8
    while True:
        number += 1
        yield p64(number & 0x7fffffffffff)


def load(clients, depth, total):
    def run(server, oids):
        connections = [Client(server.port) for _ in range(clients)]
        chosen = [random.choices(oids, k=total // clients) for _ in connections]

        def measured():
            in_parallel(clients, lambda i: connections[i].loads(chosen[i], depth))
        return measured, total
    return run


def commit(clients, total):
    def run(server, oids):
        connections = [Client(server.port) for _ in range(clients)]
        generators = [new_oids(i + 1) for i in range(clients)]

        def measured():
            in_parallel(clients, lambda i: connections[i].commits(total // clients, generators[i]))
        return measured, total
    return run


WORKLOADS = {
    'load, 1 connection, 1 in flight': load(1, 1, 6000),
    'load, 8 connections, 8 in flight': load(8, 8, 24_000),
    'commit of 4 x 300 B, 1 connection': commit(1, 300),
    'commit of 4 x 300 B, 8 connections': commit(8, 800),
}


def database(path):
    db = ZODB.DB(FileStorage(path))
    with db.transaction() as c:
        tree = c.root()['tree'] = IOBTree()
        for i in range(OBJECTS):
            tree[i] = PersistentMapping({'n': 'x' * 220})
            if i % 1000 == 999:
                transaction.savepoint(True)
    db.close()
    storage = FileStorage(path, read_only=True)
    oids = list(storage._index.keys())
    storage.close()
    return oids


def main(rounds=5):
    folder = tempfile.mkdtemp(prefix='side-by-side-')
    oids = database(os.path.join(folder, 'Data.fs'))
    both = {'ZEO': [os.path.join(servers.PEERS, 'current', 'bin', 'runzeo')], 'zrs': servers.ZRS}
    running = {}
    try:
        for name, command in both.items():
            server = servers.Server(os.path.join(folder, name), command, blobs=False)
            shutil.copy(os.path.join(folder, 'Data.fs'), server.file)
            running[name] = server.start()
        results = {}
        for turn in range(rounds + 1):
            for workload, prepare in WORKLOADS.items():
                for name, server in running.items():
                    measured, count = prepare(server, oids)
                    before, begun = cpu(server.process.pid), time.perf_counter()
                    measured()
                    wall, used = time.perf_counter() - begun, cpu(server.process.pid) - before
                    if turn:  # the first one warms up
                        results.setdefault((workload, name), []).append((used / count * 1e6, wall / count * 1e6))
        print('%-38s %22s %22s %15s' % ('us per operation: CPU / wall', 'ZEO (Python)', 'zrs', 'ratio'))
        for workload in WORKLOADS:
            row = [[statistics.median(x) for x in zip(*results[workload, name])] for name in both]
            (c1, w1), (c2, w2) = row
            print('%-38s %10.1f / %9.1f %10.1f / %9.1f %6.2f / %6.2f' % (workload, c1, w1, c2, w2, c1 / c2, w1 / w2))
        with open('/proc/%d/status' % running['zrs'].process.pid) as f:
            print([line.split()[1] for line in f if line.startswith('RssAnon')][0], 'kB of anonymous memory (zrs)')
    finally:
        for server in running.values():
            server.kill()
        subprocess.run(['rm', '-rf', folder])


main(*map(int, sys.argv[1:]))
