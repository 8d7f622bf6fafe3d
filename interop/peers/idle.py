"""Clients that only listen: idle.py PORT COUNT. Prints 'ready' when all are registered; after a line on stdin waits
until all have been told the same, and no more comes, and prints {"clients", "bytes", "equal"} of what they were told."""
import hashlib
import json
import os
import resource
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.stranger import Stranger  # noqa: E402

QUIET = 3


def main(port, count):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    clients = {}
    for _ in range(int(count)):
        s = Stranger(('127.0.0.1', int(port)))
        s.socket.setblocking(False)
        clients[s.socket.fileno()] = [s, hashlib.sha1(bytes(s.received)), len(s.received)]
        poll.register(s.socket.fileno(), select.EPOLLIN)
    print('ready', flush=True)
    poll.register(0, select.EPOLLIN)
    asked, last = False, 0.0
    while not asked or time.monotonic() < last + QUIET or len({c[2] for c in clients.values()}) > 1:
        for number, _ in poll.poll(1):
            if number == 0:
                sys.stdin.readline()
                poll.unregister(0)
                asked, last = True, time.monotonic()
                continue
            client = clients[number]
            data = client[0].socket.recv(1 << 20)
            if not data:
                sys.exit('the server has closed the connection of port %d' % client[0].port)
            client[1].update(data)
            client[2] += len(data)
            last = time.monotonic()
    print(json.dumps({'clients': len(clients), 'bytes': next(iter(clients.values()))[2],
                      'equal': len({c[1].digest() for c in clients.values()}) == 1}), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
