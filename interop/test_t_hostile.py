"""T: peers that mean harm. Our server runs with little memory and ends at the first lack of it; it must live, and
serve the good ones, its ZEO clients and its secondary, as if nobody else were there."""
import contextlib
import os
import pickle
import random
import shutil
import socket
import struct
import threading
import time

import pytest
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from persistent.TimeStamp import TimeStamp

from support import databases, servers
from support.servers import ZRS

pytestmark = pytest.mark.ours

# What DESIGN.md states: enough for a server whose peers send and ask for the worst that they can.
HEAP = '-Xmx64m -XX:+ExitOnOutOfMemoryError'
# All of the process: heap, threads, code and the collector; measured: about 170 MB.
MOST_RESIDENT_KB = 400_000
SERVED_WITHIN = 60
STRANGERS = 500


def frame(body):
    return struct.pack('>I', len(body)) + body


def greeting(tid=bytes(8), protocol=b'zrs2.1'):
    return frame(protocol) + frame(tid)


def pickled(message):
    """As the pickles of zc.zrs."""
    return pickle.dumps(message, 1)


def resident(server):
    """The most memory that the process has had, in KB."""
    with open('/proc/%d/status' % server.process.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmHWM'))


@contextlib.contextmanager
def attacks(*visits):
    """Runs each visit again and again, on threads of their own; whatever the server does to them is its right."""
    over = threading.Event()
    counts = [0] * len(visits)

    def run(i):
        while not over.is_set():
            try:
                visits[i]()
            except OSError:
                pass
            counts[i] += 1

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(visits))]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        over.set()
        for thread in threads:
            thread.join(SERVED_WITHIN)


class Good:
    """A ZEO client of the primary that commits, and waits until the secondary has it."""

    def __init__(self, primary, secondary):
        self.primary, self.secondary = primary, secondary
        self.db = ZODB.DB(ZEO.client(primary.address, wait_timeout=60, blob_dir=primary.folder + '/client-blobs'))
        self.connection = self.db.open()
        self.random = random.Random(1)
        self.done = 0

    def work(self, count):
        for _ in range(count):
            databases.commits(self.connection, 1, self.random, start=self.done)
            self.done += 1
            servers.wait_for('the secondary has it', lambda: self.secondary.size() == self.primary.size(),
                             SERVED_WITHIN, lambda: self.primary.read_logs() + self.secondary.read_logs())

    def close(self):
        self.connection.close()
        self.db.close()


def start_with_little_memory(server, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv('ZRS_JAVA_OPTS', HEAP)
        return server.start()


def test_a_primary_under_attack_serves_on_with_little_memory(cluster, tmp_path, monkeypatch):
    port = servers.free_port()
    databases.make(tmp_path / 'made.fs', tmp_path / 'made-blobs', objects=1500, pack=False)
    primary = cluster('primary', ZRS, replicate_to=port)
    shutil.move(tmp_path / 'made.fs', primary.file)
    shutil.move(tmp_path / 'made-blobs', primary.blobs)
    start_with_little_memory(primary, monkeypatch)
    secondary = cluster('secondary', ZRS, replicate_from=port).start()
    good = Good(primary, secondary)
    good.work(3)

    def connect():
        return socket.create_connection(('127.0.0.1', port), timeout=10)

    # First all at once: silent ones, half greetings, and as many as get in that ask for everything and read nothing.
    crowd = []
    for i in range(STRANGERS):
        stranger = connect()
        crowd.append(stranger)
        with contextlib.suppress(OSError):
            stranger.sendall((b'', greeting()[:7], greeting())[i % 3])
    good.work(10)

    def flood_keep_alives():
        with connect() as stranger:
            stranger.sendall(greeting(b'\0' * 7 + b'\1'))
            while True:
                stranger.sendall(bytes(40_000))

    def come_and_go():
        connect().close()

    def wrong_length():
        with connect() as stranger:
            stranger.sendall(random.choice([b'\xff' * 4, b'\x80\0\0\0', b'\0\0\0\x09', b'\0\1\0\0']) + bytes(10_000))
            stranger.recv(1)

    def ask_for_rings():
        with connect() as stranger:
            stranger.sendall(frame(b'zrs-ring'))
            stranger.recv(100)

    def go_in_the_middle():
        with connect() as stranger:
            stranger.sendall(greeting())
            stranger.recv(random.randrange(1, 100_000))
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def tid_too_high():
        with connect() as stranger:
            stranger.sendall(greeting(b'\xff' * 8))
            stranger.recv(1)

    # Some of those that got in leave, so that the others can.
    for stranger in crowd[::2]:
        stranger.close()
    with attacks(flood_keep_alives, come_and_go, wrong_length, ask_for_rings, go_in_the_middle, tid_too_high) as counts:
        good.work(20)
        servers.wait_for('all attacks were tried', lambda: min(counts) > 3, SERVED_WITHIN, primary.read_logs)
    for stranger in crowd:
        stranger.close()
    good.work(5)
    most = resident(primary)
    print('attacks %s, resident at most %d KB' % (counts, most))
    assert most < MOST_RESIDENT_KB
    log = primary.read_logs()
    assert 'OutOfMemory' not in log and 'unexpected error' not in log, log
    good.close()
    assert secondary.stop() == 0
    assert primary.stop() == 0
    with open(primary.file, 'rb') as one, open(secondary.file, 'rb') as other:
        assert one.read() == other.read()
    # Nobody has filled the disk with lines about strangers.
    assert os.path.getsize(primary.log) < 1_000_000


class HostilePrimary:
    """Answers each connection of a secondary with the next one of its streams, again and again."""

    def __init__(self, streams):
        self.streams = streams
        self.served = 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # the end of the test
            with connection:
                connection.settimeout(30)
                with contextlib.suppress(OSError):
                    connection.recv(100)
                    for piece in self.streams[self.served % len(self.streams)]():
                        connection.sendall(piece)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(10_000):
                        pass
            self.served += 1

    def close(self):
        self.listener.close()


# Later than whatever a test commits.
TOMORROW = TimeStamp(*time.gmtime(time.time() + 86_400)[:5], 0.0).raw()


def begun(extension=None, tid=TOMORROW):
    return frame(pickled(('T', (tid, ' ', b'', b'', extension or {}))))


def test_a_secondary_of_a_hostile_primary_serves_on_with_little_memory(cluster, tmp_path, monkeypatch):
    tid, oid = TOMORROW, b'\0' * 7 + b'\5'
    record = frame(pickled(('S', (oid, tid, '', None))))
    mega = bytes(1 << 20)

    def announced():
        yield begun() + record + struct.pack('>I', (1 << 32) - 1)

    def huge_record():
        yield begun() + record + struct.pack('>I', 1 << 30)
        for _ in range(1 << 10):
            yield mega

    def largest_record_and_silence():
        yield begun() + record + struct.pack('>I', 15 << 20)
        for _ in range(14):
            yield mega

    def many_records():
        yield begun()
        piece = (record + frame(b'x')) * 1_000
        for _ in range(2_000):
            yield piece

    def much_data():
        yield begun()
        for _ in range(200):
            yield record + frame(mega)

    def many_values():
        body = b'(' + b']' * ((4 << 20) - 100) + b't.'
        yield frame(body)

    def large_text():
        yield begun({'a': '\u4e2d' * 1_300_000})

    def endless_transactions_without_records():
        yield b''.join(begun() for _ in range(10))

    def nothing():
        yield b''

    def keep_alives():
        yield bytes(4_000_000)

    def blocks():
        yield begun() + frame(pickled(('B', (oid, tid, '', None, 1 << 62))))
        yield frame(b'cZODB.blob\nBlob\nq\1.N.')
        for _ in range(100):
            yield (frame(bytes(1 << 16))) * 16

    streams = [announced, huge_record, largest_record_and_silence, many_records, much_data, many_values, large_text,
               endless_transactions_without_records, nothing, keep_alives, blocks]
    hostile = HostilePrimary(streams)
    secondary = cluster('secondary', ZRS, replicate_from=hostile.port, replicate_to=servers.free_port())
    with open(secondary.conf) as f:
        text = f.read()
    with open(secondary.conf, 'w') as f:
        f.write(text.replace('<zrs 1>', '<zrs 1>\n reconnect-delay 1'))
    databases.make(secondary.file, secondary.blobs, objects=300, pack=False)
    size = secondary.size()
    start_with_little_memory(secondary, monkeypatch)
    db = ZODB.DB(ZEO.client(secondary.address, wait_timeout=60, read_only=True, cache_size=0))
    read = 0
    deadline = time.monotonic() + 300
    while hostile.served < 2 * len(streams):
        assert time.monotonic() < deadline, secondary.read_logs()
        assert secondary.process.poll() is None, secondary.read_logs()
        with db.transaction() as connection:
            connection.cacheMinimize()
            assert len(list(connection.root()['tree'].values())) > 100
            read += 1
    db.close()
    hostile.close()
    most = resident(secondary)
    print('%d streams, read %d times meanwhile, resident at most %d KB' % (hostile.served, read, most))
    assert read > 10
    assert most < MOST_RESIDENT_KB
    log = secondary.read_logs()
    assert 'OutOfMemory' not in log and 'there is no memory' not in log, log
    assert secondary.size() == size
    assert not [name for _, _, names in os.walk(os.path.join(secondary.blobs, 'tmp')) for name in names]
    assert secondary.stop() == 0


def test_a_client_of_a_primary_that_lies_sees_only_whole_transactions(cluster, tmp_path, monkeypatch):
    """The good part of a stream is there, byte for byte, and nothing behind it, however it goes on."""
    good_port = servers.free_port()
    primary = cluster('primary', ZRS, replicate_to=good_port).start()
    with contextlib.closing(ZODB.DB(ZEO.client(primary.address, wait_timeout=60))) as db:
        with db.transaction() as connection:
            connection.root()['a'] = PersistentMapping({'value': 1})
    with socket.create_connection(('127.0.0.1', good_port), timeout=30) as recorder:
        recorder.sendall(greeting())
        recorder.settimeout(2)
        stream = b''
        with contextlib.suppress(socket.timeout):
            while data := recorder.recv(100_000):
                stream += data
    assert stream
    lies = [stream + begun(tid=b'\x7f' + bytes(7)), stream + stream, stream + b'\xff' * 40, stream + begun()[:30]]
    hostile = HostilePrimary([lambda lie=lie: [lie] for lie in lies])
    secondary = cluster('secondary', ZRS, replicate_from=hostile.port)
    start_with_little_memory(secondary, monkeypatch)
    servers.wait_for('it has what is good', lambda: secondary.size() == primary.size(), 30, secondary.read_logs)
    servers.wait_for('all lies were told', lambda: hostile.served >= len(lies), 60, secondary.read_logs)
    with contextlib.closing(ZODB.DB(ZEO.client(secondary.address, wait_timeout=60, read_only=True))) as db:
        with db.transaction() as connection:
            assert connection.root()['a']['value'] == 1
    hostile.close()
    secondary.stop()
    primary.stop()
    with open(primary.file, 'rb') as one, open(secondary.file, 'rb') as other:
        assert one.read() == other.read()
