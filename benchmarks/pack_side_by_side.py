"""The pack of a server in use beside Python's: the same file, with clients that load and commit meanwhile.

    .venvs/current/bin/python benchmarks/pack_side_by_side.py [OBJECTS]

Prints for both: CPU and wall seconds of the pack, how much the peak of resident memory grew by it, and how long
loads and commits took beside it. Then it compares what both packs left, transaction by transaction,
and that every commit is there; it fails if something differs.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from measure import Client, cpu, memory, new_oids
from storage_side_by_side import MAKE
from ZODB.FileStorage import FileIterator, FileStorage
from ZODB.utils import p64, u64

from support import servers  # found by measure

BOTH = {'ZEO': servers.RUNZEO_CURRENT, 'zrs': servers.ZRS}


class Worker(threading.Thread):
    """Does the same again and again, with pauses, and notes how long each time took."""

    def __init__(self, work, pause):
        super().__init__()
        self.work, self.pause = work, pause
        self.done = threading.Event()
        self.seconds = []
        self.failure = None

    def run(self):
        try:
            while not self.done.wait(self.pause):
                begun = time.perf_counter()
                self.work()
                self.seconds.append(time.perf_counter() - begun)
        except Exception as e:
            self.failure = e

    def end(self):
        self.done.set()
        self.join()
        if self.failure:
            raise self.failure

    def __str__(self):
        ms = sorted(s * 1e3 for s in self.seconds)
        return '%d, p50 %.1f p99 %.1f max %.1f ms' % (len(ms), ms[len(ms) // 2], ms[len(ms) * 99 // 100], ms[-1])


def pack(name, server, objects):
    """Packs with clients at work; returns the tids of what they committed."""
    process = server.process.pid
    pack_time, oids, tids = time.time(), new_oids(1), []
    loading, committing, packing = (Client(server.port) for _ in range(3))
    # Those of the database that are no garbage.
    loads = Worker(lambda: loading.loads([p64(random.randrange(objects // 3) * 3 + 1)], 1), 0.005)
    commits = Worker(lambda: tids.append(committing.commit(oids)), 0.02)
    loads.start()
    commits.start()
    time.sleep(3)  # both servers are a little warm
    del loads.seconds[:], commits.seconds[:]
    before, begun, resident = cpu(process), time.perf_counter(), memory(process)[0]
    packing.call('pack', pack_time, True)
    wall, used = time.perf_counter() - begun, cpu(process) - before
    print('%-4s cpu %.1f wall %.1f s; peak memory %d MB, before %d; loads: %s; commits: %s' % (
        name, used, wall, memory(process)[0], resident, loads, commits), flush=True)
    loads.end()
    commits.end()
    return tids


def transactions(path, first=None, last=None):
    for t in FileIterator(path, first, last):
        yield t.tid, t.status, t.user, t.description, t.extension, [(r.oid, r.tid, r.data) for r in t]


def compare(one, two, last):
    """Until a tid both are to be equal; returns how many transactions and records that are."""
    first, second = (transactions(path, None, last) for path in (one, two))
    count = records = 0
    for a in first:
        b = next(second, None)
        if a != b:
            raise AssertionError('transaction %s differs' % a[0].hex())
        count += 1
        records += len(a[-1])
    if next(second, None) is not None:
        raise AssertionError('%s has more' % two)
    return count, records


def main(objects=2_000_000):
    folder = tempfile.mkdtemp(prefix='zrs-benchmark-')
    try:
        original = os.path.join(folder, 'original.fs')
        subprocess.run([servers.CURRENT, '-c', MAKE, original, str(objects)], check=True)
        storage = FileStorage(original, read_only=True)
        last = storage.lastTransaction()
        storage.close()
        print('%d objects, %.2f GB' % (objects, os.path.getsize(original) / 1e9), flush=True)
        packed = []
        for name, command in BOTH.items():
            server = servers.Server(os.path.join(folder, name), command, blobs=False)
            shutil.copy(original, server.file)
            shutil.copy(original + '.index', server.file + '.index')
            server.start()
            try:
                tids = pack(name, server, objects)
            finally:
                server.stop()
            found = [t[0] for t in transactions(server.file, p64(u64(last) + 1))]
            assert found == tids, '%d commits, and %d are there' % (len(tids), len(found))
            packed.append(server.file)
            with open(server.log) as f:
                said = re.findall('commits stopped for at most .*', f.read())
            print('%-4s %.2f GB, all of %d commits are there; %s' % (
                name, os.path.getsize(server.file) / 1e9, len(found), said[0] if said else ''), flush=True)
        print('equal: %d transactions, %d records' % compare(*packed, last))
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
