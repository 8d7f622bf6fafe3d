"""Conflicts that the server leaves to the clients: Lengths and BTrees under contention, with blobs in the same
transactions."""
import json
import socket
import struct
import subprocess

import pytest
import transaction
import ZEO
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping

from peers import resolver
from support import servers

NAMES = ['one', 'two', 'three']
COUNT = 40


def status(server):
    with socket.create_connection(('127.0.0.1', server.port)) as connection, connection.makefile('rb') as stream:
        stream.read(struct.unpack('>I', stream.read(4))[0])
        connection.sendall(struct.pack('>I', 4) + b'ruok')
        return json.loads(stream.read(struct.unpack('>I', stream.read(4))[0]))['1']


@pytest.mark.ours
@pytest.mark.parametrize('protocol', ['Z5', 'M5'])
def test_no_change_and_no_blob_is_lost(cluster, tmp_path, protocol):
    server = cluster('server', zeo='msgpack true' if protocol == 'M5' else '')
    server.start()
    db = ZEO.DB(('127.0.0.1', server.port), blob_dir=str(tmp_path / 'cache'))
    with db.transaction() as connection:
        root = connection.root()
        root['length'], root['tree'], root['blobs'] = Length(), OOBTree(), PersistentMapping()
        for name in NAMES:
            root['blobs'][name] = PersistentMapping()

    # The old client has no msgpack.
    pythons = [servers.CURRENT, servers.CURRENT, servers.LEGACY if protocol == 'Z5' else servers.CURRENT]
    clients = [subprocess.Popen([python, resolver.__file__, str(server.port), name, str(COUNT),
                                 str(tmp_path / name)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for python, name in zip(pythons, NAMES)]
    told = [client.communicate(timeout=300)[0] for client in clients]
    for client, lines in zip(clients, told):
        assert client.returncode == 0, lines
        assert [line for line in lines.splitlines() if line.startswith('ok')] == ['ok %d' % i for i in range(COUNT)]

    # There was something to resolve.
    assert status(server)['conflicts'] > len([line for lines in told for line in lines.splitlines()
                                              if line == 'conflict'])
    with db.transaction() as connection:
        connection.sync()
        root = connection.root()
        assert root['length']() == len(root['tree']) == len(NAMES) * COUNT
        for name in NAMES:
            assert sorted(root['blobs'][name]) == list(range(COUNT))
            for number, blob in root['blobs'][name].items():
                assert root['tree']['%s %d' % (name, number)] == number
                with blob.open('r') as f:
                    assert f.read() == b'%s %d' % (name.encode(), number)
    transaction.abort()
    db.close()
    assert server.stop() == 0
    assert ' ERROR ' not in server.read_logs() and ' CRITICAL ' not in server.read_logs()
