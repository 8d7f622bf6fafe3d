"""A syslog daemon: prints its address, then each message in hex. Reads nothing any more after a line of input."""

import os
import select
import socket
import sys

kind, path = sys.argv[1:]
if kind == "datagram":
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    address = path
elif kind == "stream":
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    address = path
else:
    listener = socket.socket(socket.AF_INET6 if kind == "udp6" else socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("::1" if kind == "udp6" else "127.0.0.1", 0))
    address = ("[%s]:%d" if kind == "udp6" else "%s:%d") % listener.getsockname()[:2]
print(address, flush=True)
readers = [listener, sys.stdin]
rest = {}
while True:
    for ready in select.select(readers, [], [])[0]:
        if ready is sys.stdin:
            if not sys.stdin.readline():
                if "/" in address:
                    os.unlink(path)
                sys.exit()
            readers.remove(listener)
            print("stopped", flush=True)
        elif ready is listener and kind == "stream":
            connection = listener.accept()[0]
            rest[connection] = b""
            readers.append(connection)
        elif ready is listener:
            print(listener.recv(100000).hex(), flush=True)
        else:
            data = ready.recv(100000)
            if not data:
                readers.remove(ready)
            *messages, rest[ready] = (rest[ready] + data).split(b"\0")
            for message in messages:
                print((message + b"\0").hex(), flush=True)
