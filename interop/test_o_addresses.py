"""O: unix sockets and IPv6 between all kinds of servers, and several replicated storages in one server;
each with data, blobs and restarts of both sides."""
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile

import pytest
import ZEO
import ZODB

from support import compare, databases, servers
from support.servers import RUNZEO, ZRS

PAIRS = {'zrs to zc.zrs': (ZRS, RUNZEO), 'zc.zrs to zrs': (RUNZEO, ZRS), 'zrs to zrs': (ZRS, ZRS)}


@pytest.fixture
def sockets():
    """A folder with a name short enough for unix sockets."""
    folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    yield folder
    shutil.rmtree(folder)


def write(server, seed, count=40, storage='1'):
    db = ZODB.DB(ZEO.client(server.address, storage=storage, wait_timeout=60,
                            blob_dir='%s/client-%s-%d' % (server.folder, storage, seed)))
    connection = db.open()
    databases.commits(connection, count, random.Random(seed), start=seed * 1000)
    connection.close()
    db.close()


def level(primary, secondary, file='Data.fs'):
    def sizes():
        return [os.path.getsize('%s/%s' % (s.folder, file)) for s in (primary, secondary)]
    servers.wait_for('it has caught up', lambda: sizes()[0] == sizes()[1] > 4, 120,
                     lambda: primary.read_logs() + secondary.read_logs())


def live_restart_and_catch_up(primary, secondary):
    """What is live, what is committed while the secondary is away, and after a restart of the primary."""
    primary.start()
    secondary.start()
    write(primary, 1)
    level(primary, secondary)
    secondary.stop()
    write(primary, 2)
    secondary.start()
    level(primary, secondary)
    primary.stop()
    primary.start()
    write(primary, 3)
    level(primary, secondary)
    secondary.stop()
    primary.stop()
    python = secondary.is_python
    compare.same_files(primary.file, secondary.file, python_second=python)
    compare.same_blobs(primary.blobs, secondary.blobs, python_second=python)
    assert compare.blob_files(primary.blobs)


@pytest.mark.parametrize('pair', PAIRS)
def test_over_unix_sockets(cluster, sockets, pair):
    path = sockets + '/to.sock'
    live_restart_and_catch_up(cluster('primary', PAIRS[pair][0], replicate_to=path),
                              cluster('secondary', PAIRS[pair][1], replicate_from=path, keep_alive=1))


@pytest.mark.parametrize('pair', PAIRS)
def test_over_ipv6(cluster, pair):
    with socket.socket(socket.AF_INET6) as free:
        free.bind(('::1', 0))
        address = '[::1]:%d' % free.getsockname()[1]
    primary = cluster('primary', PAIRS[pair][0], replicate_to=address)
    live_restart_and_catch_up(primary, cluster('secondary', PAIRS[pair][1], replicate_from=address, keep_alive=1))


def test_zeo_clients_over_ipv6(cluster):
    with socket.socket(socket.AF_INET6) as free:
        free.bind(('::1', 0))
        port = free.getsockname()[1]
    server = cluster('server')
    with open(server.conf) as f:
        text = f.read().replace('address 127.0.0.1:%d' % server.port, 'address [::1]:%d' % port)
    with open(server.conf, 'w') as f:
        f.write(text)
    server.address = '::1', port
    server.start()
    write(server, 1, count=5)
    assert server.stop() == 0


def several(server, sections):
    """Puts <zrs> sections in the place of the server's storage: {name: lines of keys}."""
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    zrs = ''.join('''
<zrs %s>
  %s
  <filestorage>
    path %s/%s.fs
    blob-dir %s/%s-blobs
  </filestorage>
</zrs>
''' % (name, keys, server.folder, name, server.folder, name) for name, keys in sections.items())
    with open(server.conf, 'w') as f:
        f.write(text[:start] + '%import zc.zrs\n' + zrs + text[end:])


def same(name, primary, secondary):
    python = secondary.is_python
    one, two = ('%s/%s' % (s.folder, name) for s in (primary, secondary))
    compare.same_files(one + '.fs', two + '.fs', python_second=python)
    compare.same_blobs(one + '-blobs', two + '-blobs', python_second=python)
    assert compare.blob_files(one + '-blobs')


@pytest.mark.parametrize('pair', PAIRS)
def test_two_primaries_in_one_server_and_two_secondaries_in_another(cluster, sockets, pair):
    port = servers.free_port()
    addresses = {'left': '127.0.0.1:%d' % port, 'right': sockets + '/right.sock'}
    primary, secondary = cluster('primary', PAIRS[pair][0]), cluster('secondary', PAIRS[pair][1])
    several(primary, {name: 'replicate-to ' + address for name, address in addresses.items()})
    several(secondary, {name: 'replicate-from ' + address for name, address in addresses.items()})
    primary.start()
    secondary.start()
    write(primary, 1, storage='left')
    write(primary, 2, storage='right')
    for name in addresses:
        level(primary, secondary, name + '.fs')
    secondary.stop()
    write(primary, 3, storage='right')
    primary.stop()
    primary.start()
    secondary.start()
    write(primary, 4, storage='left')
    for name in addresses:
        level(primary, secondary, name + '.fs')
    secondary.stop()
    primary.stop()
    for name in addresses:
        same(name, primary, secondary)


def zrs(*arguments):
    return subprocess.run(servers.ZRS + list(arguments), capture_output=True, text=True, timeout=120)


def roles(server):
    done = zrs('status', '-C', server.conf, '--json')
    assert done.returncode == 0, done.stderr
    return {storage['name']: storage['role'] for storage in json.loads(done.stdout)['storages']}


@pytest.mark.ours
def test_servers_that_are_primary_of_one_storage_and_secondary_of_another(cluster, sockets):
    """Each takes over from the other for one storage."""
    one, two = cluster('one'), cluster('two')
    several(one, {'left': 'replicate-to %s/left.sock' % sockets, 'right': 'replicate-from %s/right.sock' % sockets})
    several(two, {'left': 'replicate-from %s/left.sock' % sockets, 'right': 'replicate-to %s/right.sock' % sockets})
    one.start()
    two.start()
    write(one, 1, storage='left')
    write(two, 2, storage='right')
    level(one, two, 'left.fs')
    level(two, one, 'right.fs')
    assert roles(one) == {'left': 'primary', 'right': 'secondary'}
    assert roles(two) == {'left': 'secondary', 'right': 'primary'}
    done = zrs('promote', '-C', two.conf)
    assert done.returncode == 1 and '--storage' in done.stderr and 'left' in done.stderr, done
    done = zrs('promote', '-C', two.conf, '--storage', 'middle')
    assert done.returncode == 1 and 'middle' in done.stderr, done
    one.stop()
    done = zrs('promote', '-C', two.conf, '--storage', 'left')
    assert done.returncode == 0 and "'left' is primary now" in done.stdout, done
    assert roles(two) == {'left': 'primary', 'right': 'primary'}
    write(two, 3, storage='left')
    write(two, 4, storage='right')
    # A restart keeps the one role and the other.
    two.stop()
    two.start()
    assert roles(two) == {'left': 'primary', 'right': 'primary'}
    one.start()
    level(two, one, 'right.fs')
    # What is committed to the promoted one is not in the other, and is not said to be.
    assert os.path.getsize(two.folder + '/left.fs') > os.path.getsize(one.folder + '/left.fs')
    one.stop()
    two.stop()
    same('right', two, one)
