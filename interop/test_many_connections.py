"""Very many clients that only listen, and some that work; and one that does not even listen."""
import json
import struct
import subprocess
import time

import pytest

from peers import idle, stress
from support import jvm, servers
from support.processes import Helpers
from support.stranger import Stranger, framed

pytestmark = pytest.mark.ours

# Documented: 8 KiB of input buffer, and the objects of a connection. A virtual thread's stack comes to it.
MOST_FOR_A_CONNECTION = 32 << 10


def test_many_idle_connections_cost_little_and_all_are_told(cluster, long):
    count, seconds = (2_000, 60) if long else (300, 12)
    server = cluster('server').start()
    subprocess.run([servers.CURRENT, stress.__file__, 'prepare', str(server.port), server.folder], check=True,
                   timeout=60)
    pid = server.process.pid
    with Helpers(server) as listening, Helpers(server) as working:
        # The first ones have platform threads, and bring code that is there once.
        listening.start(idle.__file__, server.port, 100)
        listening.ready()
        retained, resident = jvm.retained(pid), jvm.resident(pid)
        listening.start(idle.__file__, server.port, count)
        listening.ready()
        each = (jvm.retained(pid) - retained) / count
        print('%d idle connections: %.1f KB of heap each, %.1f KB of the process each' % (
            count, each / 1024, (jvm.resident(pid) - resident) / count))
        assert each < MOST_FOR_A_CONNECTION
        assert jvm.status(server)['connections'] == count + 100
        for i in range(4):
            working.start(stress.__file__, 'work', server.port, server.folder, 'w%d' % i, 2, seconds)
        working.go()
        results = [json.loads(output) for output in working.outputs(seconds + 300)]
        listening.go()
        told = [json.loads(output) for output in listening.outputs(300)]
    assert not any(result['failures'] for result in results), results
    done = [r for result in results for r in result['results']]
    commits = sum(r['move'] + r['count'] + r['insert'] + sum(r['chain']) for r in done)
    print('%d commits of %d clients, all told to %s' % (commits, len(done), told))
    assert len(done) == 8 and commits > 20
    assert [each['clients'] for each in told] == [100, count]
    # Each commit is a message of more than 60 bytes, and all were told the same in the same order.
    assert all(each['equal'] for each in told) and told[1]['bytes'] > commits * 60
    assert told[0]['bytes'] == told[1]['bytes']
    servers.wait_for('all connections have ended', lambda: jvm.status(server)['connections'] == 0, 120,
                     server.read_logs)
    left = jvm.retained(pid) - retained
    print('%d KB more than before when all have gone' % (left // 1024))
    assert left < 4 << 20
    assert server.stop() == 0


OBJECTS = 20_000


class Template:
    """Transactions that all change the same many objects, made by replacing a serial in the bytes of one."""

    def __init__(self, stranger):
        self.stranger = stranger
        self.serial = bytes(8)
        oids = [struct.pack('>Q', (1 << 40) + i) for i in range(OBJECTS)]
        self.mark = b'<serial>'
        self.stores = b''.join(framed(stranger.encode(0, True, 'storea', (oid, self.mark, b'x', 1))) for oid in oids)

    def commit(self):
        self.stranger.begin()
        self.stranger.raw(self.stores.replace(self.mark, self.serial))
        self.stranger.require('vote', 1)
        self.serial = self.stranger.require('tpc_finish', 1)


def test_a_client_that_never_reads_is_disconnected_and_costs_little(cluster, long, monkeypatch):
    """While so much is announced to it; in the long form 100 MB."""
    megabytes = 100 if long else 45
    server = cluster('server', blobs=False)
    # What waits for one client is at most 32 MiB.
    jvm.start_with(server, monkeypatch, '-Xmx128m')
    subprocess.run([servers.CURRENT, stress.__file__, 'prepare', str(server.port), server.folder], check=True,
                   timeout=60)
    deaf = Stranger(server.address)
    writer = Stranger(server.address)
    template = Template(writer)
    template.commit()
    sent, began = 0, time.monotonic()
    with Helpers(server) as helpers:
        helpers.start(stress.__file__, 'work', server.port, server.folder, 'good', 2, 20)
        helpers.go()
        while sent < megabytes << 20:
            template.commit()
            # Each oid costs two bytes more.
            sent += OBJECTS * 10
        results = [json.loads(output) for output in helpers.outputs(300)]
    most = jvm.resident(server.process.pid, most=True)
    print('%d MB of invalidations in %d s, resident at most %d KB' % (sent >> 20, time.monotonic() - began, most))
    assert not any(result['failures'] for result in results), results
    assert all(r['looks'] > 5 for result in results for r in result['results'])
    assert most < 400_000
    with open(server.log) as f:
        said = [line for line in f if 'does not read' in line]
    assert len(said) == 1 and '127.0.0.1:%d' % deaf.port in said[0], said
    # It finds what was sent before, and the end.
    deaf.socket.settimeout(60)
    received = 0
    try:
        while data := deaf.socket.recv(1 << 20):
            received += len(data)
    except ConnectionResetError:
        pass
    assert received < sent
    writer.close()
    deaf.close()
    servers.wait_for('both have gone', lambda: jvm.status(server)['connections'] == 0, 60, server.read_logs)
    assert server.stop() == 0
