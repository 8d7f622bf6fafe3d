"""F: Python's tools on the file that a running server commits to and packs: what cron jobs do with it.

Two clients commit all the while. What was acknowledged before a tool began must be in what it shows or
copies; of what comes later it may show a part, but nothing half, and nothing wrong.
"""
import os
import re
import subprocess
import threading
import time

import pytest
import ZEO
import ZODB
from ZODB.FileStorage import FileStorage
from ZODB.scripts import fstest
from ZODB.TimeStamp import TimeStamp
from ZODB.utils import p64

from peers import committer
from support import servers
from test_c_commits import Committers, state

SHARED = 3
MODULES = {'fsdump': 'ZODB.FileStorage.fsdump', 'fsoids': 'ZODB.scripts.fsoids', 'fsrefs': 'ZODB.scripts.fsrefs',
           'fstail': 'ZODB.scripts.fstail', 'fstest': 'ZODB.scripts.fstest', 'repozo': 'ZODB.scripts.repozo'}
# What the tools say when a transaction begins after they have measured the file.
IN_PROGRESS = re.compile(r'truncated(?:,)? possibly (?:due to|because of) damaged records at (\d+)'
                         r'|checkpoint flag was not cleared at (\d+)|truncated at (\d+)')


def run(tool, *arguments):
    command = [servers.CURRENT, '-m', MODULES[tool], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


class Live:
    """A server that two clients commit to, and what they were told."""

    def __init__(self, server):
        self.server = server
        self.file = server.file
        names = ['a', 'b']
        committer.prepare(server.port, names, SHARED)
        # A new, empty file has an index that is good for nothing, and the tools say so.
        assert server.stop() == 0
        server.start()
        self.db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
        with self.db.transaction() as connection:
            self.counters = [connection.root()['counters'][i]._p_oid for i in range(SHARED)]
        self.packed_to = b'\0' * 8
        self.is_packed_meanwhile = False
        self.committers = Committers(server, names, 0)

    def acknowledged(self):
        """{tid: (counter's oid, value)} of the transactions that are acknowledged by now."""
        return {bytes.fromhex(tid): (self.counters[int(number)], int(value))
                for _, tid, number, value in self.committers.acknowledged()}

    def await_commits(self, count=20):
        before = len(self.committers.acknowledged())
        servers.wait_for('%d commits' % count, lambda: len(self.committers.acknowledged()) >= before + count, 60,
                         lambda: '\n'.join(list(self.committers.lines())[-5:]) + self.server.read_logs())

    def pack(self):
        """Packs over ZEO to what is the last transaction now."""
        self.packed_to = max(self.acknowledged())
        self.db.storage.pack(TimeStamp(self.packed_to).timeTime(), wait=True)

    def must_have(self, acknowledged):
        """Those of them that no pack has removed."""
        return {tid for tid in acknowledged if tid > self.packed_to}

    def tool(self, name, *arguments):
        """Runs a tool; returns its lines and the tids that it has to know of."""
        acknowledged = self.acknowledged()
        size = self.server.size()
        done = run(name, *arguments)
        assert done.returncode == 0, done.stderr
        for line in done.stderr.splitlines():
            self.must_be_in_progress(line, size)
        return done.stdout.splitlines(), self.must_have(acknowledged)

    def must_be_in_progress(self, text, size):
        """Whether a complaint is about a transaction beyond the end of what was there before."""
        found = IN_PROGRESS.search(text)
        assert found, text
        # A pack moves everything.
        assert self.is_packed_meanwhile or int(next(filter(None, found.groups()))) >= size, text

    def stop(self):
        self.committers.stop()
        self.db.close()


@pytest.fixture
def live(cluster):
    made = Live(cluster('server').start())
    yield made
    made.stop()


class Backups:
    """A repository of repozo."""

    def __init__(self, live, folder, *options):
        self.live, self.folder, self.options = live, str(folder), options
        os.mkdir(self.folder)
        self.now = None

    def repozo(self, *arguments):
        done = run('repozo', '-v', '-r', self.folder, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def backup(self, expected, *options):
        """Makes one; returns when it was made, and what must be in it."""
        # Its files are named after the second.
        servers.wait_for('a new second', lambda: time.gmtime()[:6] != self.now)
        acknowledged = self.live.acknowledged()
        said = self.repozo('-B', '-f', self.live.file, *self.options, *options)
        assert ('writing %s backup' % expected if expected == 'full' else 'writing incremental') in said, said
        self.now = time.gmtime()[:6]
        newest = max(n for n in os.listdir(self.folder) if n.endswith(('.fs', '.deltafs')))
        assert newest.endswith('.fs' if expected == 'full' else '.deltafs')
        return os.path.splitext(newest)[0], acknowledged

    def restore(self, target, date=None):
        self.repozo('-V')
        self.repozo('-R', '-o', str(target), *(['-D', date] if date else []))
        return target


def same_beginning(part, whole):
    """Whether the file `part` is the beginning of the file `whole`, byte for byte."""
    with open(part, 'rb') as p, open(whole, 'rb') as w:
        while True:
            block = p.read(1 << 20)
            if not block:
                return True
            if block != w.read(len(block)):
                return False


def check_copy(path, wanted, values):
    """The copy is a good database with these transactions, and opens with its index."""
    fstest.check(str(path))
    storage = FileStorage(str(path), read_only=True)
    try:
        assert not os.path.exists(str(path) + '.index') or storage._used_index == 1
        tids = [t.tid for t in storage.iterator()]
        assert tids == sorted(set(tids))
        assert wanted <= set(tids), 'transactions are missing: %s' % sorted(wanted - set(tids))[:3]
        assert storage.lastTransaction() == tids[-1]
        for tid in wanted:
            oid, value = values[tid]
            assert state(storage.loadSerial(oid, tid))['data']['value'] == value
    finally:
        storage.close()
    done = run('fsrefs', path)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


@pytest.mark.parametrize('quick', [False, True], ids=['checked', 'quick'])
def test_repozo_backs_up_while_we_commit_and_pack(live, tmp_path, quick):
    backups = Backups(live, tmp_path / 'repository', *(['-Q'] if quick else []))
    made = []

    def backup(expected, *options):
        live.await_commits()
        when, acknowledged = backups.backup(expected, *options)
        copy = backups.restore(tmp_path / when)
        assert same_beginning(copy, live.file)
        check_copy(copy, live.must_have(acknowledged), acknowledged)
        made.append((when, os.path.getsize(copy)))

    backup('full', '-F')
    backup('incremental')
    backup('incremental')
    live.await_commits()
    before = live.server.size()
    live.pack()
    assert live.server.size() < before
    backup('full')
    backup('incremental')
    # Those from before the pack are still good.
    for when, size in made:
        again = backups.restore(tmp_path / 'again', when)
        assert os.path.getsize(again) == size and same_beginning(tmp_path / when, again)
    live.await_commits()
    live.committers.stop()
    assert backups.backup('incremental')[1] == live.acknowledged()
    backups.restore(tmp_path / 'last')
    with open(tmp_path / 'last', 'rb') as copy, open(live.file, 'rb') as original:
        assert copy.read() == original.read()
    live.db.close()
    assert live.server.stop() == 0


def dump_tids(lines):
    tids = [bytes.fromhex(m.group(1)) for m in map(re.compile(r'Trans #\d+ tid=([0-9a-f]{16}) ').match, lines) if m]
    assert tids == sorted(set(tids))
    return tids


def check_fsdump(live):
    lines, wanted = live.tool('fsdump', live.file)
    assert wanted <= set(dump_tids(lines))
    # Each record is readable: it has a class.
    records = [line for line in lines if line.startswith('  data #')]
    assert records and all(' class=persistent.' in line for line in records)


def check_fstail(live):
    lines, wanted = live.tool('fstail', '-n', '1000000', live.file)
    offsets = [int(m.group(1)) for m in map(re.compile(r'.* offset=(\d+) ').match, lines) if m]
    assert len(offsets) >= len(wanted) and offsets == sorted(offsets, reverse=True)
    users = [line for line in lines if line.startswith('user=')]
    assert sum("description='a " in u or "description='b " in u or "description=b'a " in u or "description=b'b " in u
               for u in users) >= len(wanted)


def check_fsoids(live):
    oid = live.counters[0]
    lines, wanted = live.tool('fsoids', live.file, hex(int.from_bytes(oid, 'big')))
    title = re.match(r'oid (0x[0-9a-f]+) persistent\.mapping\.PersistentMapping (\d+) revisions?$', lines[0])
    assert title and p64(int(title.group(1), 16)) == oid, lines[0]
    tids = {p64(int(m.group(1), 16)) for m in map(re.compile(r' {4}tid (0x[0-9a-f]+) offset=').match, lines) if m}
    acknowledged = live.acknowledged()
    mine = {tid for tid in wanted if acknowledged[tid][0] == oid}
    assert mine <= tids
    revisions = sum(' new revision persistent.mapping.PersistentMapping at ' in line for line in lines)
    assert revisions == int(title.group(2)) >= len(mine)
    assert any(' referenced by 0x' in line for line in lines)


def check_fsrefs(live):
    assert live.tool('fsrefs', live.file)[0] == []


def check_fstest(live):
    size = live.server.size()
    done = run('fstest', live.file)
    if done.returncode:
        # It has no notion of a transaction that is being written; before that one all must be well.
        live.must_be_in_progress(done.stdout + done.stderr, size)


CHECKS = [check_fsdump, check_fstail, check_fsoids, check_fsrefs, check_fstest]


@pytest.mark.parametrize('check', CHECKS, ids=[c.__name__[6:] for c in CHECKS])
def test_a_tool_reads_the_file_while_we_commit(live, check, long):
    for _ in range(20 if long else 5):
        live.await_commits(5)
        check(live)
    live.pack()
    live.await_commits(5)
    check(live)
    live.committers.stop()
    check(live)
    live.db.close()
    assert live.server.stop() == 0
    check(live)


# The others open the file more than once, or look at it from its end, and are confused by a pack meanwhile.
ONE_LOOK = [check_fsdump, check_fsoids, check_fstest]


def test_tools_that_open_the_file_once_are_not_disturbed_by_packs(live, long):
    end = threading.Event()
    failed = []

    def packs():
        db = ZODB.DB(ZEO.client(live.server.address, wait_timeout=30))
        try:
            while not end.wait(0.2):
                before = time.time() - 2
                live.packed_to = TimeStamp(*time.gmtime(before)[:5], before % 60).raw()
                db.storage.pack(before, wait=True)
        except Exception as e:
            failed.append(e)
        finally:
            db.close()

    thread = threading.Thread(target=packs)
    live.is_packed_meanwhile = True
    thread.start()
    try:
        for _ in range(10 if long else 3):
            for check in ONE_LOOK:
                live.await_commits(2)
                check(live)
    finally:
        end.set()
        thread.join(60)
    assert not failed
