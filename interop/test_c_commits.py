"""C: concurrent committers with conflicts, and kill -9 in the middle of commits."""
import io
import os
import random
import subprocess
import time

from ZODB._compat import PersistentUnpickler
from ZODB.FileStorage import FileStorage
from ZODB.scripts import fstest

from peers import committer
from support import servers

SHARED = 3


class Committers:
    def __init__(self, server, names, count):
        self.paths = [os.path.join(server.folder, 'committer-' + n) for n in names]
        self.outputs = [open(path, 'ab') for path in self.paths]
        self.processes = [
            subprocess.Popen(
                [servers.CURRENT, committer.__file__, str(server.port), name, str(count), str(SHARED)],
                stdout=output, stderr=subprocess.STDOUT)
            for name, output in zip(names, self.outputs)]

    def lines(self):
        """What they have said, but for a line that is being written."""
        for path in self.paths:
            # Not through the file that the process writes to: the two would share its position.
            with open(path, 'rb') as output:
                yield from output.read().decode().rpartition('\n')[0].splitlines()

    def acknowledged(self):
        return [line.split() for line in self.lines() if line.startswith('ok ')]

    def wait(self, limit):
        for process in self.processes:
            assert process.wait(limit) == 0, list(self.lines())[-20:]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def state(record):
    """The state in a data record; references to other objects stay references."""
    unpickler = PersistentUnpickler(None, lambda reference: reference, io.BytesIO(record))
    unpickler.load()
    return unpickler.load()


def counters(path):
    """The tids in the file, and {oid of a counter: [(tid, value)]}."""
    storage = FileStorage(path, read_only=True)
    tids, values = [], {}
    for t in storage.iterator():
        tids.append(t.tid)
        for r in t:
            data = state(r.data)['data']
            if set(data) == {'value'}:
                values.setdefault(r.oid, []).append((t.tid, data['value']))
    storage.close()
    assert tids == sorted(set(tids))
    return tids, values


def check(path, acknowledged):
    """Each acknowledged transaction is in the file, in tid order, none twice, and no counter lost one."""
    tids, values = counters(path)
    in_file = set(tids)
    for _, tid, number, value in acknowledged:
        assert bytes.fromhex(tid) in in_file, (tid, number, value)
    told = [tid for _, tid, _, _ in acknowledged]
    assert len(told) == len(set(told))
    by_tid = {tid: value for history in values.values() for tid, value in history}
    for _, tid, _, value in acknowledged:
        assert by_tid[bytes.fromhex(tid)] == int(value)
    for history in values.values():
        assert [v for _, v in history] == list(range(len(history))), history[-5:]
    fstest.check(path)


def test_committers_with_conflicts_lose_nothing(cluster):
    server = cluster('server').start()
    names = ['a', 'b', 'c', 'd']
    committer.prepare(server.port, names, SHARED)
    committers = Committers(server, names, 500)
    try:
        committers.wait(300)
    finally:
        committers.stop()
    lines = list(committers.lines())
    assert lines.count('conflict') > 50, 'too few conflicts to prove anything'
    assert not [line for line in lines if not line.startswith(('ok ', 'conflict'))], lines[-5:]
    acknowledged = committers.acknowledged()
    assert len(acknowledged) == 2000
    assert server.stop() == 0
    check(server.file, acknowledged)
    tids, values = counters(server.file)
    assert sum(len(history) - 1 for history in values.values()) == 2000


def test_no_kill_loses_an_acknowledged_commit(cluster, long):
    server = cluster('server').start()
    names = ['a', 'b']
    rnd = random.Random(11)
    committer.prepare(server.port, names, SHARED)
    committers = Committers(server, names, 0)
    last = 0
    try:
        for round in range(100 if long else 30):
            servers.wait_for('commits in round %d' % round, lambda: len(committers.acknowledged()) > last, 60,
                             lambda: '\n'.join(list(committers.lines())[-5:]) + server.read_logs())
            time.sleep(rnd.random() * 0.3)  # nothing to wait for: the moment must be any moment
            server.kill()
            acknowledged = committers.acknowledged()
            last = len(acknowledged)
            storage = FileStorage(server.file, read_only=True)
            assert storage.lastTransaction() >= max(bytes.fromhex(a[1]) for a in acknowledged)
            storage.close()
            server.start()
    finally:
        committers.stop()
    assert server.stop() == 0
    check(server.file, committers.acknowledged())
