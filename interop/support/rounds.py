"""A round of replication: a chain of servers, two clients that commit, and a schedule of restarts and packs.

The schedule follows from a seed; when exactly a process is hit does not.
"""
import os
import random
import re
import subprocess
import sys
import threading
import time

import ZEO
import ZODB.utils
from ZODB.TimeStamp import TimeStamp

from . import chains, compare, databases, servers, state

WRITERS = {'current': servers.CURRENT, 'legacy': servers.LEGACY}
# After all packs, so that there is a history to compare, and so that a primary of Python, whose pack may
# have removed its last transactions, answers a secondary that has them.
LAST_COMMITS = 30
# The part of the commits up to which packs begin.
LAST_PACK = 0.66
# A primary that is told to stop sends what its secondaries lack for up to 60 s, then ends.
STOP_LIMIT = 200
CONVERGE_LIMIT = 600
WRITE_LIMIT = 3600
DIVERGED = re.compile(r'CRITICAL zc\.zrs\.secondary \S+: the histories have diverged: ([^\n]*)')
# Where a record is found in place of another of the same transaction, Python's pack finds a transaction longer
# than it was, and gives up; nothing is lost.
PYTHON_PACK = 'builtins.AssertionError'
NOT_UPSTREAM = re.compile('the upstream does not have our transaction ([0-9a-f]{16})')


class Event:
    """Something that happens to a node when the round has come so far."""

    def __init__(self, node, what, caught_up=None, committed=None, later=0.0):
        self.node, self.what = node, what
        self.caught_up, self.committed, self.later = caught_up, committed, later

    def __repr__(self):
        when = ('at %.0f %% of the catch-up' % (100 * self.caught_up) if self.caught_up is not None
                else 'at %.0f %% of the commits' % (100 * self.committed))
        return '%s: %s node%d' % (when, self.what, self.node)


def schedule(rnd, nodes, restarts, packs, primary_restarts=None):
    """Restarts during the catch-up and during the commits, and packs before the last third of these.

    At most primary_restarts are of the first node, if that is given.
    """
    events = [
        Event(1, 'kill', caught_up=rnd.uniform(0.05, 0.5), later=rnd.uniform(0, 0.3)),
        Event(rnd.choice([0, nodes - 1]), rnd.choice(['kill', 'stop']), caught_up=rnd.uniform(0.4, 0.9)),
        # Whatever the dice say, each side is killed once while it is busy.
        Event(0, 'kill', committed=rnd.uniform(0.1, 0.6), later=rnd.uniform(0, 0.3)),
        Event(nodes - 1, 'kill', committed=rnd.uniform(0.3, 0.9), later=rnd.uniform(0, 0.3)),
    ]
    for _ in range(restarts):
        events.append(Event(rnd.randrange(nodes), rnd.choice(['kill', 'stop']),
                            committed=rnd.uniform(0.05, 0.98), later=rnd.uniform(0, 0.3)))
    for number in range(packs):
        # Each is packed if there are as many packs as nodes.
        node = number if number < nodes else rnd.randrange(nodes)
        events.append(Event(node, 'pack', committed=rnd.uniform(0.05, LAST_PACK)))
    if packs:
        events.append(Event(nodes - 1, 'miss a pack', committed=rnd.uniform(0.3, LAST_PACK)))
    if primary_restarts is not None:
        of_primary = [e for e in events if e.node == 0 and e.what != 'pack']
        for event in of_primary[primary_restarts:]:
            events.remove(event)
    return events


class Packing(threading.Thread):
    """A pack of a running server over ZEO, as a client that may not write."""

    def __init__(self, server, when):
        super().__init__(daemon=True)
        self.server, self.when = server, when
        self.error = None

    def run(self):
        try:
            storage = ZEO.client(self.server.address, read_only=True, wait_timeout=30,
                                 blob_dir=os.path.join(self.server.folder, 'packer-blobs'))
            try:
                storage.pack(self.when, wait=True)
            finally:
                storage.close()
        except Exception as e:  # judged by who waits for it: the server may have been killed
            self.error = e


def pack_tid(when):
    """The tid of a pack time, as FileStorage makes it."""
    return TimeStamp(*time.gmtime(when)[:5] + (when % 60,)).raw()


class Round:
    """commands: one for each node; packed: whether the database was packed before the round begins."""

    def __init__(self, make, folder, commands, seed, commits, pause, events, packed=True):
        self.nodes = chains.chain(make, commands)
        self.folder, self.seed, self.packed = str(folder), seed, packed
        self.commits, self.pause = commits, pause
        # A transaction that undid several may have two records of an object. A secondary of Python takes the
        # first for that to which a later undo points (ZODB, pull request 395), and so does a pack of Python.
        packed_by_python = self.nodes[0].is_python and any('pack' in event.what for event in events)
        self.undone = 1 if packed_by_python or any(node.is_python for node in self.nodes[1:]) else 3
        self.rnd = random.Random('moments %s' % seed)
        self.events = list(events)
        # What says that a node that is down may start again; when those that start must be there.
        self.down, self.starting = {}, {}
        self.restarts = [0] * len(self.nodes)
        self.packings = []
        self.pack_tids = [state.NOTHING] * len(self.nodes)
        if packed:
            self.pack_tids[0] = pack_tid(time.time())
        self.diverged = [0] * len(self.nodes)
        self.accepted = 0
        self.unpacked = 0
        self.cut = 0
        self.writers = {}
        self.lines, self.read_up_to, self.looked = [], {}, 0.0
        self.notes = ['seed %s, nodes %s, %d commits; planned:' % (seed, ' '.join(c[-1] for c in commands), commits)]
        self.notes += ['  %r' % event for event in self.events]

    def run(self):
        """Until all nodes have the same; stops them."""
        self.initial = self.nodes[0].size()
        self.write(dict.fromkeys(WRITERS, self.commits // len(WRITERS)))
        for node in self.nodes:
            node.start()
        deadline = time.monotonic() + WRITE_LIMIT
        while self.events or self.down or any(p.poll() is None for p in self.writers.values()):
            assert time.monotonic() < deadline, 'not done within %d s\n%s' % (WRITE_LIMIT, self.shown())
            self.step()
            time.sleep(0.05)
        for packing in self.packings:
            packing.join(CONVERGE_LIMIT)
            assert not packing.is_alive(), 'a pack does not end\n' + self.shown()
        self.check_packs()
        self.check_writers()
        self.write({'last': LAST_COMMITS})
        servers.wait_for('the last commits', lambda: self.writers['last'].poll() is not None, 120, self.shown)
        self.check_writers()
        servers.wait_for('all have the last transaction', self.converged, CONVERGE_LIMIT, self.shown)
        for node in reversed(self.nodes):
            node.stop(STOP_LIMIT)

    def write(self, counts):
        for name, count in counts.items():
            with open(self.output(name), 'wb') as output, open(self.output(name) + '.errors', 'wb') as errors:
                self.writers[name] = subprocess.Popen(
                    [WRITERS.get(name, sys.executable),
                     os.path.join(servers.ROOT, 'interop', 'peers', 'round_writer.py'),
                     str(self.nodes[0].port), name, str(count), str(self.seed), self.folder,
                     str(self.pause), str(self.undone)],
                    stdout=output, stderr=errors)

    def output(self, name):
        return os.path.join(self.folder, 'writer-' + name)

    def check_writers(self):
        """Reads what they say; fails if one has failed."""
        for name in self.writers:
            with open(self.output(name), 'rb') as f:
                f.seek(self.read_up_to.get(name, 0))
                text = f.read()
            whole = text.rfind(b'\n') + 1
            self.read_up_to[name] = self.read_up_to.get(name, 0) + whole
            self.lines += [line.split() for line in text[:whole].decode().splitlines()]
        for name, process in self.writers.items():
            if process.poll() not in (None, 0):
                with open(self.output(name) + '.errors') as f:
                    raise AssertionError('the writer %s failed:\n%s\n%s' % (name, f.read(), self.shown()))

    def step(self):
        self.check_writers()
        for number, may_start in list(self.down.items()):
            if number in self.starting:
                self.look_at_start(number)
            elif may_start():
                self.start(number)
        caught_up = self.nodes[1].size() / self.initial
        committed = len(self.acknowledged()) / self.commits
        for event in list(self.events):
            due = caught_up >= event.caught_up if event.caught_up is not None else committed >= event.committed
            # A node that is down is hit when it is up again.
            if due and event.node not in self.down and self.may_happen(event, committed):
                self.events.remove(event)
                self.happen(event)
        self.accept_packed()

    def acknowledged(self):
        return [line[1] for line in self.lines if line[0] == 'ok']

    def may_happen(self, event, committed):
        """Packs that must not be at once wait for each other, but not beyond the end of the commits."""
        if event.what == 'miss a pack':
            return event.node - 1 not in self.down and (committed >= 1 or self.may_pack(event.node - 1))
        return event.what != 'pack' or committed >= 1 or self.may_pack(event.node)

    def may_pack(self, number):
        """Not while the same node packs; and a secondary of Python only where that is safe.

        While it gets what its upstream has packed, it has objects to which nothing refers yet, as the older
        records of their parents are gone; zc.zrs's pack removes them, and the secondary lacks them for ever.
        """
        packing = [p.number for p in self.packings if p.is_alive()]
        if number in packing or any(self.nodes[n].is_python and n > number for n in packing):
            return False
        if not self.nodes[number].is_python or number == 0:
            return True
        last = chains.last_tid(self.nodes[number].file)
        return last is not None and last > max(self.pack_tids[:number]) and not any(n < number for n in packing)

    def happen(self, event):
        node = self.nodes[event.node]
        if event.what == 'pack':
            if self.may_pack(event.node):
                self.pack(event.node)
            else:
                self.note('no pack of node%d' % event.node)
            return
        if event.what == 'miss a pack':
            self.miss_pack(event.node)
            return
        time.sleep(event.later)
        self.note('%s node%d' % (event.what, event.node))
        self.restarts[event.node] += 1
        if event.what == 'kill':
            node.kill()
        else:
            node.stop(STOP_LIMIT)
        until = time.monotonic() + self.rnd.uniform(0, 2)
        self.down[event.node] = lambda: time.monotonic() >= until

    def miss_pack(self, number):
        """While the node is down some is committed, and its upstream packed up to then."""
        self.note('node%d misses a pack of node%d' % (number, number - 1))
        self.restarts[number] += 1
        self.nodes[number].kill()
        enough = len(self.acknowledged()) + self.rnd.randrange(5, 20)
        missed = []

        def may_start():
            if missed:
                return not missed[0].is_alive()
            if len(self.acknowledged()) >= enough and number - 1 not in self.down and self.may_pack(number - 1):
                missed.append(self.pack(number - 1, time.time()))
            return all(p.poll() is not None for p in self.writers.values())
        self.down[number] = may_start

    def start(self, number):
        node = self.nodes[number]
        if node.is_python and number > 0:
            tid = chains.cut_torn_tail(node.file)
            if tid is not None:
                self.cut += 1
                self.note('node%d: transaction %s was cut off' % (number, tid.hex()))
        node.start(wait=False)
        self.starting[number] = time.monotonic() + servers.START_LIMIT

    def look_at_start(self, number):
        node = self.nodes[number]
        if not node.accepts():
            assert time.monotonic() < self.starting[number], 'node%d does not start\n%s' % (number, self.shown())
            return
        del self.starting[number], self.down[number]
        self.note('node%d runs again' % number)
        if (number > 0 and self.packings and not node.is_python and self.may_pack(number)
                and len(self.acknowledged()) < LAST_PACK * self.commits):
            # What it gets now may be packed; objects come before what refers to them then.
            self.pack(number, time.time())

    def pack(self, number, when=None):
        """To that time, or a random one: now, or that of a transaction that is there."""
        node = self.nodes[number]
        told = self.acknowledged()
        if when is None:
            when = time.time()
            if told and self.rnd.randrange(3):
                when = TimeStamp(bytes.fromhex(self.rnd.choice(told))).timeTime()
        if node.is_python and number > 0 and pack_tid(when) <= max(self.pack_tids[:number]):
            when = time.time()
        self.pack_tids[number] = max(self.pack_tids[number], pack_tid(when))
        self.note('pack of node%d to %s' % (number, pack_tid(when).hex()))
        packing = Packing(node, when)
        packing.restarts_before = self.restarts[number]
        packing.number = number
        self.packings.append(packing)
        packing.start()
        return packing

    def check_packs(self):
        for packing in self.packings:
            if packing.error is not None and self.restarts[packing.number] == packing.restarts_before:
                if self.nodes[packing.number].is_python and PYTHON_PACK in str(packing.error):
                    self.unpacked += 1
                    self.note('the pack of node%d failed, by a mistake of Python' % packing.number)
                    continue
                raise AssertionError('the pack of node%d failed: %r\n%s'
                                     % (packing.number, packing.error, self.shown()))

    def accept_packed(self):
        """Does what an operator has to where the upstream packed the last transaction of a secondary away."""
        if time.monotonic() > self.looked + 1:
            self.looked = time.monotonic()
            for number in range(1, len(self.nodes)):
                self.accept_packed_of(number)

    def accept_packed_of(self, number):
        node = self.nodes[number]
        if node.is_python or number in self.down or not os.path.exists(node.log):
            return
        with open(node.log, errors='replace') as f:
            reasons = DIVERGED.findall(f.read())
        if len(reasons) == self.diverged[number]:
            return
        self.diverged[number] = len(reasons)
        tid = NOT_UPSTREAM.match(reasons[-1])
        last_pack = max(self.pack_tids[:number], default=state.NOTHING)
        assert tid and bytes.fromhex(tid[1]) <= last_pack, (
            'node%d says that histories have diverged, and no pack was so late: %s\n%s'
            % (number, reasons[-1], self.shown()))
        self.note('node%d: its transaction %s was packed away upstream' % (number, tid[1]))
        done = subprocess.run(servers.ZRS + ['follow', node.upstream, '--accept-packed', '-C', node.conf],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + self.shown()
        self.accepted += 1

    def converged(self):
        self.accept_packed()
        tids = [chains.last_tid(node.file) for node in self.nodes]
        return None not in tids and len(set(tids)) == 1

    def compare(self):
        """The stopped files; a line about what was compared."""
        acknowledged = {bytes.fromhex(tid) for tid in self.acknowledged()}
        in_file = [t[1] for t in compare.transactions(self.nodes[0].file)]
        assert in_file == sorted(set(in_file))
        after = max(self.pack_tids)
        lost = {tid for tid in acknowledged if tid > self.pack_tids[0]} - set(in_file)
        assert not lost, 'acknowledged and not there: %s\n%s' % (sorted(t.hex() for t in lost), self.shown())
        counts = {}
        for line in self.lines:
            counts[line[0]] = counts.get(line[0], 0) + 1
        said = '%s, %d restarts, %d packs (%d of Python failed), %d cut, %d accepted as packed' % (
            ', '.join('%d %s' % (n, what) for what, n in counts.items()), sum(self.restarts), len(self.packings),
            self.unpacked, self.cut, self.accepted)
        if self.packings:
            return said + '; ' + self.compare_states(after)
        return said + '; ' + self.compare_bytes()

    def compare_bytes(self):
        if self.nodes[0].is_python:
            chains.remove_uncommitted_blobs(self.nodes[0])
        for first, second in zip(self.nodes, self.nodes[1:]):
            compare.same_files(first.file, second.file, packed=self.packed, python_second=second.is_python,
                               python_first=first.is_python and first is not self.nodes[0])
            compare.same_blobs(first.blobs, second.blobs, python_second=second.is_python)
        return 'equal: %d bytes' % self.nodes[0].size()

    def compare_states(self, after):
        python = self.rnd.choice([servers.CURRENT, servers.LEGACY])
        for first, second in zip(self.nodes, self.nodes[1:]):
            objects, transactions = state.same(
                (first.file, first.blobs), (second.file, second.blobs), after, python, second.is_python)
            assert transactions >= LAST_COMMITS
        return 'equal: %d objects, %d transactions after %s' % (
            objects, transactions, ZODB.utils.tid_repr(after))

    def note(self, text):
        self.notes.append('%.2f %s' % (time.time(), text))

    def shown(self):
        return '\n'.join(self.notes) + '\n' + ''.join(node.read_logs() for node in self.nodes)

    def end(self):
        """Ends what a failed round leaves running."""
        for process in self.writers.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def database(folder, megabytes, packed):
    """A database to begin with; returns its file and its blob directory."""
    os.makedirs(folder, exist_ok=True)
    file, blobs = os.path.join(folder, 'Data.fs'), os.path.join(folder, 'blobs')
    databases.make(file, blobs, objects=1000, pack=packed)
    databases.grow(file, blobs, megabytes)
    return file, blobs
