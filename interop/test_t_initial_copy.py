"""T: a secondary that begins with a copy of its primary's files, made while the primary was in use."""
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob
import ZODB.FileStorage
from BTrees.IOBTree import IOBTree
from persistent.mapping import PersistentMapping

from support import compare, databases, servers
from support.servers import RUNZEO, ZRS
from test_n_roles import status, zrs

pytestmark = pytest.mark.ours

HEADER = struct.Struct('>8sQcHHH')
LIMIT = 120
PRIMARIES = pytest.mark.parametrize('command', [RUNZEO, ZRS], ids=['zc.zrs primary', 'zrs primary'])


class Writer(threading.Thread):
    """Commits small and large records and blobs to a tree of its own, until it is told to stop."""

    def __init__(self, server, name, folder):
        super().__init__(daemon=True)
        self.server, self.name, self.folder = server, name, folder
        self.done, self.error, self.ending = 0, None, threading.Event()

    def run(self):
        db = None
        try:
            db = ZODB.DB(ZEO.client(self.server.address, wait_timeout=60, blob_dir=str(self.folder)))
            connection = db.open()
            tree = connection.root()[self.name]
            rnd = random.Random(self.name)
            while not self.ending.is_set():
                kind = rnd.randrange(12)
                if kind == 0:
                    tree[self.done] = ZODB.blob.Blob(rnd.randbytes(rnd.choice([1, 1000, 65_536, 200_000])))
                elif kind == 1:
                    tree[self.done] = PersistentMapping({'data': rnd.randbytes(200_000)})
                else:
                    tree[self.done] = PersistentMapping({'data': rnd.randbytes(rnd.randrange(3000))})
                transaction.commit()
                self.done += 1
        except BaseException as e:
            self.error = e
            raise
        finally:
            transaction.abort()
            if db is not None:
                db.close()

    def stop(self):
        self.ending.set()
        self.join(LIMIT)
        assert not self.is_alive() and self.error is None, self.error


class Live:
    """A primary with a database, and two clients that commit to it."""

    def __init__(self, cluster, command, tmp_path):
        self.port = servers.free_port()
        self.server = cluster('primary', command, replicate_to=self.port)
        databases.make(tmp_path / 'made.fs', tmp_path / 'made-blobs', objects=600)
        shutil.move(tmp_path / 'made.fs', self.server.file)
        shutil.move(tmp_path / 'made-blobs', self.server.blobs)
        self.server.start()
        db = ZODB.DB(ZEO.client(self.server.address, wait_timeout=60))
        with db.transaction() as connection:
            for name in 'one', 'two':
                connection.root()[name] = IOBTree()
        db.close()
        self.writers = [Writer(self.server, name, tmp_path / ('cache ' + name)) for name in ('one', 'two')]
        for writer in self.writers:
            writer.start()
        self.await_commits(20)

    def await_commits(self, count):
        """Waits until both have done so many more."""
        wanted = [writer.done + count for writer in self.writers]

        def done():
            errors = [writer.error for writer in self.writers if writer.error]
            assert not errors, errors
            return all(writer.done >= w for writer, w in zip(self.writers, wanted))
        servers.wait_for('%d commits more' % count, done, LIMIT, self.server.read_logs)

    def stop(self):
        for writer in self.writers:
            writer.stop()


@pytest.fixture
def live(cluster, tmp_path, command):
    made = Live(cluster, command, tmp_path)
    yield made
    for writer in made.writers:
        writer.ending.set()
        writer.join(LIMIT)


def copy_blobs(source, target):
    """Copies all that is there; a file may vanish meanwhile, as temporary ones do."""
    for folder, _, names in os.walk(source):
        there = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(there, exist_ok=True)
        for name in names:
            try:
                shutil.copy2(os.path.join(folder, name), os.path.join(there, name))
            except FileNotFoundError:
                continue


class Headers:
    """Goes through the transactions of a file that grows."""

    def __init__(self, path):
        self.path, self.at, self.mark, self.behind = path, 4, None, 0

    def found_mark(self):
        """Whether there is a transaction that was not finished, and a whole one behind it."""
        with open(self.path, 'rb') as f:
            size = os.fstat(f.fileno()).st_size
            while True:
                f.seek(self.at)
                header = f.read(HEADER.size)
                if len(header) < HEADER.size:
                    return False
                _, length, status, *_ = HEADER.unpack(header)
                if self.at + length + 8 > size:
                    return False
                f.seek(self.at + length)
                if f.read(8) != struct.pack('>Q', length):
                    return False  # of one that was aborted
                if self.mark is not None:
                    return True
                if status == b'c':
                    self.mark = self.at
                self.at += length + 8


def slowly(source, target, live):
    """Block by block, and on behind the end, until it has met a transaction that was being voted."""
    headers = Headers(target)
    deadline = time.monotonic() + LIMIT
    with open(source, 'rb', buffering=0) as f, open(target, 'wb', buffering=0) as t:
        while True:
            block = f.read(4096)
            t.write(block)
            if len(block) < 4096 and headers.found_mark():
                return headers.mark
            assert time.monotonic() < deadline, 'no transaction was met half done'


def with_cp(source, target, live):
    subprocess.run(['cp', source, target], check=True)
    live.await_commits(3)


def with_rsync(source, target, live):
    """What rsync does: so much as there was at first, to another name; again, as people do to get nearer."""
    for _ in range(2):
        if shutil.which('rsync'):
            subprocess.run(['rsync', '-a', source, target], check=True)
        else:
            size = os.path.getsize(source)
            with open(source, 'rb') as f, open(target + '.Xf8s2q', 'wb') as t:
                t.write(f.read(size))
            shutil.copystat(source, target + '.Xf8s2q')
            os.replace(target + '.Xf8s2q', target)
        live.await_commits(3)


def with_repozo(source, target, live):
    repository = target + '.repository'
    os.mkdir(repository)
    run = [servers.CURRENT, '-m', 'ZODB.scripts.repozo', '-r', repository]
    subprocess.run(run + ['-B', '-F', '-f', source], check=True)
    live.await_commits(3)
    subprocess.run(run + ['-R', '-o', target], check=True)


COPIERS = {'block by block': slowly, 'cp': with_cp, 'rsync': with_rsync, 'repozo': with_repozo}


def secondary_of(cluster, live, **options):
    return cluster('secondary', ZRS, replicate_from=live.port, keep_alive=1, **options)


def level(live, secondary):
    servers.wait_for('caught up', lambda: secondary.size() == live.server.size(), LIMIT,
                     lambda: live.server.read_logs() + secondary.read_logs())


def same(live, secondary):
    level(live, secondary)
    secondary.stop()
    live.server.stop()
    compare.same_files(live.server.file, secondary.file)
    compare.same_blobs(live.server.blobs, secondary.blobs)


def tids(path):
    return [t[1] for t in compare.transactions(path)]


@PRIMARIES
@pytest.mark.parametrize('copier', COPIERS)
def test_a_copy_of_a_primary_in_use_catches_up(cluster, command, live, copier):
    secondary = secondary_of(cluster, live)
    mark = COPIERS[copier](live.server.file, secondary.file, live)
    live.await_commits(5)
    copy_blobs(live.server.blobs, secondary.blobs)
    copied = secondary.size()
    live.await_commits(5)
    secondary.start()
    live.await_commits(10)
    live.stop()
    same(live, secondary)
    logs = secondary.read_logs()
    assert 'not finished there when the file was copied' in logs or mark is None, logs
    if mark is not None:
        assert os.path.getsize(secondary.file + '.tr0') == copied - mark
        assert 'truncated at %d' % mark in logs


@pytest.mark.parametrize('command', [RUNZEO], ids=['zc.zrs primary'])
def test_a_mark_by_hand(cluster, tmp_path, command, live):
    """With the index that was saved later, and blobs that are there before their transactions come again."""
    live.await_commits(30)
    live.stop()
    server = live.server
    server.stop()  # which saves the index
    copies = [cluster('alone', ZRS), secondary_of(cluster, live)]
    positions = [(t[0], t[1]) for t in compare.transactions(server.file)]
    mark, tid = positions[len(positions) * 2 // 3]
    before = positions[len(positions) * 2 // 3 - 1][1]
    for copy in copies:
        shutil.copy(server.file, copy.file)
        shutil.copytree(server.blobs, copy.blobs)
        with open(copy.file, 'r+b') as f:
            f.seek(mark + 16)
            f.write(b'c')
    alone, secondary = copies

    done = subprocess.run(ZRS + ['serve', '-C', alone.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    for part in ('position %d' % mark, tid.hex(), 'copied while a server used it', 'start a secondary of that server'):
        assert part in done.stderr, done.stderr
    assert not os.path.exists(alone.file + '.tr0')

    shutil.copy(server.file + '.index', secondary.file + '.index')
    # A blob that was half copied, of a transaction that comes again.
    late = [path for path in compare.blob_files(secondary.blobs)
            if int(os.path.basename(path)[2:-5], 16) > int(tid.hex(), 16)]
    assert late
    for path in late[:2]:
        half = os.path.join(secondary.blobs, path)
        os.chmod(half, 0o644)
        os.truncate(half, os.path.getsize(half) // 2)
    secondary.start()
    logs = secondary.read_logs()
    assert 'Ignoring index' in logs and 'truncated at %d: transaction %s' % (mark, tid.hex()) in logs, logs
    assert status(secondary)['lastTid'] == before.hex()
    # Who would lose what was cut off is told so.
    done = zrs('promote', '-C', secondary.conf)
    assert done.returncode == 1 and 'has not arrived again' in done.stderr, done
    # Also after a restart.
    secondary.stop()
    secondary.start()
    done = zrs('promote', '-C', secondary.conf)
    assert done.returncode == 1 and 'has not arrived again' in done.stderr, done
    server.start()
    same(live, secondary)


def add_junk(folder, server):
    """What a copy of the whole folder of a server may bring along."""
    with open(server.file + '.lock', 'w') as f:
        f.write(' 1\n')
    with open(server.file + '.packtime', 'w') as f:
        f.write('03e000000000000\n')
    with open(server.file + '.pack', 'wb') as f:
        f.write(b'FS30 half a pack')
    with open(server.file + '.catchup', 'wb') as f:
        f.write(struct.pack('>QI', 4, 1))
    for name in ('zrs-5d1c.tmp', 'BUSHY.tmp'):
        with open(os.path.join(server.blobs, 'tmp', name), 'w') as f:
            f.write('temporary')
    with open(os.path.join(server.blobs, '.removed-by-zrs-pack'), 'w') as f:
        for folder, _, names in os.walk(server.blobs):
            for name in names:
                if name.endswith('.blob'):
                    oid = ''.join(part[2:] for part in os.path.relpath(folder, server.blobs).split(os.sep))
                    f.write('%s%016x\n' % (oid, int(name[2:-5], 16)))
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(server.file + '.control')


@pytest.mark.parametrize('command', [ZRS], ids=['zrs primary'])
def test_a_copy_of_the_whole_folder(cluster, tmp_path, command, live):
    live.await_commits(20)
    secondary = secondary_of(cluster, live)
    for name in os.listdir(live.server.folder):
        path = os.path.join(live.server.folder, name)
        if name.startswith('Data.fs') and not stat.S_ISSOCK(os.lstat(path).st_mode):
            shutil.copy2(path, os.path.join(secondary.folder, name))
    copy_blobs(live.server.blobs, secondary.blobs)
    add_junk(secondary.folder, secondary)
    secondary.start()
    assert status(secondary)['role'] == 'secondary'
    live.await_commits(5)
    live.stop()
    level(live, secondary)
    assert not os.path.exists(secondary.file + '.pack')
    # The last one may be on its way out of there.
    servers.wait_for('only what is not ours is left',
                     lambda: os.listdir(os.path.join(secondary.blobs, 'tmp')) == ['BUSHY.tmp'],
                     shown=lambda: str(os.listdir(os.path.join(secondary.blobs, 'tmp'))))
    same(live, secondary)
    assert not os.path.exists(secondary.file + '.catchup')


@pytest.mark.parametrize('command', [ZRS], ids=['zrs primary'])
def test_the_role_of_another_server_is_not_taken_over(cluster, tmp_path, command, live):
    """The copy of a promoted server's folder would else make a second primary."""
    live.stop()
    # The one that is copied: configured as the new one will be, then promoted.
    promoted = cluster('promoted', ZRS, replicate_from=live.port).start()
    level(live, promoted)
    assert zrs('promote', '-C', promoted.conf).returncode == 0
    assert status(promoted)['role'] == 'primary'
    secondary = secondary_of(cluster, live)
    for name in 'Data.fs', 'Data.fs.role':
        shutil.copy2(os.path.join(promoted.folder, name), os.path.join(secondary.folder, name))
    copy_blobs(promoted.blobs, secondary.blobs)
    done = subprocess.run(ZRS + ['serve', '-C', secondary.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    for part in ('is to be secondary of 127.0.0.1:%d' % live.port, 'zeo.conf, line', secondary.file + '.role says primary',
                 'copied from another server', promoted.file + '.role at ', 'remove it, or run: zrs role --clear'):
        assert part in done.stderr, done.stderr
    assert 'is removed' in zrs('role', '-C', secondary.conf, '--clear').stdout
    secondary.start()
    assert status(secondary)['role'] == 'secondary'
    # The one that it belongs to is still what it was made, also in a folder that was moved.
    promoted.stop()
    promoted.start()
    assert status(promoted)['role'] == 'primary'
    same(live, secondary)


@pytest.mark.parametrize('command', [ZRS], ids=['zrs primary'])
def test_a_copy_of_a_secondary_that_is_catching_up(cluster, tmp_path, command, live):
    """Its batches are marked at their first transaction, and so is a copy that meets one."""
    live.await_commits(30)
    middle = cluster('middle', ZRS, replicate_from=live.port, keep_alive=1)
    middle.start()
    secondary = secondary_of(cluster, live)
    servers.wait_for('it has begun', lambda: middle.size() > 4, LIMIT, middle.read_logs)
    shutil.copy(middle.file, secondary.file)
    if os.path.exists(middle.file + '.catchup'):
        shutil.copy(middle.file + '.catchup', secondary.file + '.catchup')
    copy_blobs(middle.blobs, secondary.blobs)
    secondary.start()
    live.stop()
    level(live, middle)
    same(live, secondary)
