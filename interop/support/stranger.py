"""A client of a ZEO server that says what it likes."""
import os
import socket
import struct

from ZEO.asyncio import marshal

LIMIT = 60


def framed(body):
    return struct.pack('>I', len(body)) + body


class Stranger:
    """One connection. Speaks the encoding that the server offers; registered with a storage unless told otherwise."""

    def __init__(self, address, greet=True, register=True, source=None):
        self.socket = socket.create_connection(address, LIMIT, source_address=source)
        self.port = self.socket.getsockname()[1]
        self.received = bytearray()
        self.greeting = self.read()
        self.pickles = self.greeting[:1] == b'Z'
        self.encode = marshal.encoder(self.greeting)
        self.decode = marshal.decoder(self.greeting)
        self.ids = 0
        if greet:
            self.frame(self.greeting)
            if register:
                self.require('register', '1', False)

    def raw(self, data):
        """Sends bytes. That the server may have had enough in their midst is no failure: its reading end shows it."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def frame(self, body):
        self.raw(framed(body))

    def message(self, identity, flag, method, arguments):
        self.frame(self.encode(identity, flag, method, arguments))

    def cast(self, method, *arguments):
        """Without a reply."""
        self.message(0, True, method, arguments)

    def send(self, method, *arguments):
        self.ids += 1
        self.message(self.ids, False, method, arguments)
        return self.ids

    def exactly(self, count):
        while len(self.received) < count:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError('closed')
            self.received += data
        piece = bytes(self.received[:count])
        del self.received[:count]
        return piece

    def read(self):
        return self.exactly(struct.unpack('>I', self.exactly(4))[0])

    def answer(self, identity):
        """(whether it is an error, value)."""
        while True:
            got, flag, name, value = self.decode(self.read())
            if name == '.reply' and got == identity:
                return flag == 2, value

    def call(self, method, *arguments):
        return self.answer(self.send(method, *arguments))

    def require(self, method, *arguments):
        failed, value = self.call(method, *arguments)
        assert not failed, (method, value)
        return value

    def is_closed(self):
        """Waits until the server has closed it; False if it has not within the limit."""
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def new_oid(self):
        return self.require('new_oids', 1)[0]

    def begin(self, number=1, extension=None):
        self.cast('tpc_begin', number, b'', b'', extension or {}, None, ' ')

    def store(self, oid, data=b'x', serial=bytes(8), number=1):
        self.cast('storea', oid, serial, data, number)

    def commit(self, oid, data=b'x', serial=bytes(8)):
        self.begin()
        self.store(oid, data, serial)
        self.require('vote', 1)
        return self.require('tpc_finish', 1)

    def close(self):
        self.socket.close()

    def reset(self):
        """Goes away without a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()


def file_count(pid):
    return len(os.listdir('/proc/%d/fd' % pid))
