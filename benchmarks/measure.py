"""What the benchmarks of servers have in common: a cheap client, and what the system says of a process."""
import os
import pickle
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'interop'))

from ZODB.utils import maxtid, p64, z64  # noqa: E402

TICK = os.sysconf('SC_CLK_TCK')


def cpu(pid):
    """CPU seconds of a process."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid):
    """Megabytes of a process: (the most that was ever resident, anonymous now)."""
    with open('/proc/%d/status' % pid) as f:
        found = dict(line.split(':', 1) for line in f)
    return [int(found[name].split()[0]) / 1024 for name in ('VmHWM', 'RssAnon')]


class Client:
    """A ZEO 5 connection that sends prepared messages."""

    def __init__(self, port, read_only=False):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b''
        self.frame()
        self.send(b'Z5')
        self.last = self.call('register', '1', read_only)
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

    def invalidation(self):
        """The tid of the next transaction that the server tells of."""
        while True:
            body = self.frame()
            if b'invalidateTransaction' in body[:200]:
                return pickle.loads(body)[3][0]

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

    def commit(self, oids):
        """Commits four new objects of 300 bytes; returns the tid."""
        data = (b'\x80\x03cpersistent.mapping\nPersistentMapping\nq\x01.\x80\x03}q\x02U\x04dataC\xf0'
                + b'x' * 240 + b's.')
        self.number += 1
        t = self.number
        begin = pickle.dumps((0, True, 'tpc_begin', (t, b'', b'', {}, None, ' ')), 3)
        stores = [pickle.dumps((0, True, 'storea', (o, z64, data, t)), 3) for o in [next(oids) for _ in range(4)]]
        vote = pickle.dumps((2, False, 'vote', (t,)), 3)
        self.send(begin, *stores, vote)
        reply = pickle.loads(self.replies(1)[0])
        assert reply[1] == 0, reply
        self.send(pickle.dumps((3, False, 'tpc_finish', (t,)), 3))
        return pickle.loads(self.replies(1)[0])[3]

    def commits(self, count, oids):
        for _ in range(count):
            self.commit(oids)


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
