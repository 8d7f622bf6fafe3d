"""Python's ZEO server and zrs side by side: the same requests, in turns, in one run.

    .venvs/current/bin/python benchmarks/side_by_side.py [ROUNDS]

For each workload it prints, for both, the CPU of the server per operation and the wall time per
operation (medians of the rounds), and their ratios. The clients are raw sockets with prepared
messages, so that they cost little; still, on a machine with few cores compare the CPU.
"""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import transaction
import ZODB
from BTrees.IOBTree import IOBTree
from measure import Client, cpu, in_parallel, memory, new_oids
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage

from support import servers  # found by measure

OBJECTS = 20_000


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
        print('%.0f MB of anonymous memory (zrs)' % memory(running['zrs'].process.pid)[1])
    finally:
        for server in running.values():
            server.kill()
        subprocess.run(['rm', '-rf', folder])


main(*map(int, sys.argv[1:]))
