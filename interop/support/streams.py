"""The ZRS protocol by hand: a primary that says what a test wants it to say."""
import hashlib
import pickle
import socket
import struct
import threading

START = b'\0' * 8


def frame(body):
    return struct.pack('>I', len(body)) + body


class Stream:
    """What a primary sends, with right checksums."""

    def __init__(self, start=START):
        self.md5, self.sent = hashlib.md5(start), b''

    def raw(self, body):
        self.md5.update(body)
        self.sent += frame(body)
        return self

    def message(self, kind, *fields):
        return self.raw(pickle.dumps((kind, fields), 1))

    def begin(self, tid, status=' ', extension=None):
        return self.message('T', tid, status, b'', b'', extension or {})

    def store(self, oid, tid, data):
        return self.message('S', oid, tid, '', None).raw(data)

    def commit(self):
        return self.message('C', self.md5.digest())

    def transaction(self, tid, data, oid=START):
        return self.begin(tid).store(oid, tid, data).commit()


class FakePrimary:
    """Answers each connection with what answer(number of the connection, start tid) gives, and waits until
    the secondary ends the connection."""

    def __init__(self, answer):
        self.answer, self.starts, self.ended = answer, [], 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        number = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # the end of the test
            threading.Thread(target=self.serve, args=(connection, number), daemon=True).start()
            number += 1

    def serve(self, connection, number):
        try:
            with connection:
                greeting = connection.makefile('rb')
                greeting.read(4 + 6 + 4)
                self.starts.append(greeting.read(8))
                connection.sendall(self.answer(number, self.starts[-1]))
                while greeting.read1(4096):
                    pass
        except OSError:
            pass  # the secondary has reset the connection
        self.ended += 1

    def close(self):
        self.listener.close()
