"""Z: keys that don't go together, a server that needs nothing of ZooKeeper and has nothing of it, and ZEO
servers that are registered."""
import json
import os
import re
import shutil
import socket
import subprocess

import pytest
import ZEO
import ZODB

from support import drills, servers, zookeeper
from support.servers import wait_for
from support.zookeeper import PROVIDERS, get, level, log, port, put

pytestmark = pytest.mark.ours
ZEOS = '/db/zeo'
CONF = '''%%import zc.zrs
<zeo>
  address 127.0.0.1:%d
  %s
</zeo>
<zrs 1>
  %s
  <filestorage>
    path %s
  </filestorage>
</zrs>
'''

# Keys of <zeo>, keys of <zrs>, and which of them is named.
WRONG = {
    'an address to listen at': ('', 'zookeeper localhost:1\n  replicate-to 127.0.0.1:8100', 'replicate-to'),
    'an address to follow': ('', 'zookeeper localhost:1\n  replicate-from 127.0.0.1:8100', 'replicate-from'),
    'an address to follow with its own ensemble':
        ('', 'replicate-from-zookeeper localhost:1\n  replicate-from 127.0.0.1:8100', 'replicate-from'),
    'advertise without zookeeper': ('', 'replicate-to 127.0.0.1:8100\n  advertise localhost', 'advertise'),
    'an empty connection string': ('', 'zookeeper\n  replicate-to /a', 'zookeeper'),
    'a bad connection string': ('', 'zookeeper localhost:port\n  replicate-to /a', 'zookeeper'),
    'the same path twice': ('', 'zookeeper localhost:1\n  replicate-to /a\n  replicate-from /a', 'replicate-from'),
    'no path': ('', 'zookeeper localhost:1', 'zrs'),
    'bad credentials': ('', 'zookeeper localhost:1\n  replicate-to /a\n  zookeeper-auth password', 'zookeeper-auth'),
    'no time': ('', 'zookeeper localhost:1\n  replicate-to /a\n  zookeeper-timeout 0', 'zookeeper-timeout'),
    'a missing file': ('', 'zookeeper localhost:1\n  replicate-to /a\n  zookeeper-properties /no/such/file',
                       'zookeeper-properties'),
    'register without zookeeper': ('register /a', 'replicate-to 127.0.0.1:8100', 'register'),
    'zookeeper without register': ('zookeeper localhost:1', 'replicate-to 127.0.0.1:8100', 'zookeeper'),
    'advertise of a ZEO server without zookeeper': ('advertise localhost', 'replicate-to 127.0.0.1:8100', 'advertise'),
}


@pytest.mark.parametrize('case', WRONG)
def test_what_does_not_go_together_is_named_with_its_place(tmp_path, case):
    zeo, zrs, key = WRONG[case]
    conf = tmp_path / 'zeo.conf'
    conf.write_text(CONF % (servers.free_port(), zeo, zrs, tmp_path / 'Data.fs'))
    done = subprocess.run(servers.ZRS + ['serve', '-C', str(conf)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith('Error: ')]
    assert len(errors) == 1 and 'Exception' not in done.stderr and '\tat ' not in done.stderr, done.stderr
    place = re.search(re.escape(str(conf)) + r'\D+(\d+)', errors[0])
    assert place, done.stderr
    assert re.search(r'\b%s\b' % re.escape(key), errors[0]), done.stderr
    line = conf.read_text().splitlines()[int(place[1]) - 1]
    assert key in line or line.startswith(('<z', '</z')), (line, done.stderr)
    assert not (tmp_path / 'Data.fs').exists()


def test_without_these_keys_no_class_of_it_is_loaded(cluster, tmp_path, monkeypatch):
    loaded = tmp_path / 'loaded'
    monkeypatch.setenv('ZRS_JAVA_OPTS', '-Xlog:class+load:file=' + str(loaded))
    number = servers.free_port()
    primary = cluster('primary', replicate_to=number).start()
    monkeypatch.delenv('ZRS_JAVA_OPTS')
    secondary = cluster('secondary', replicate_from=number).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    assert drills.status(primary)['primary']['zookeeper'] is None
    primary.stop()
    text = loaded.read_text()
    assert 'dev.zrs.server.Main ' in text and 'dev.zrs.replication.ReplicationPrimary ' in text
    strange = re.findall(r'\S*(?:org\.apache\.|io\.netty|dev\.zrs\.zookeeper)\S*', text)
    assert not strange


def without_zookeeper(folder):
    """The command of the program as it is without the jars of ZooKeeper and what only that needs."""
    folder.mkdir()
    for jar in zookeeper.jars('*.jar'):
        if not re.match(r'(zookeeper|curator|netty|metrics|snappy)', os.path.basename(jar)):
            shutil.copy(jar, folder)
    assert len(list(folder.iterdir())) < len(zookeeper.jars('*.jar'))
    return [zookeeper.java(), '-XX:TieredStopAtLevel=1', '--enable-native-access=ALL-UNNAMED', '-cp',
            str(folder / '*'), 'dev.zrs.server.Main']


def test_it_works_without_the_jars_of_zookeeper(cluster, tmp_path):
    command = without_zookeeper(tmp_path / 'lib')
    number = servers.free_port()
    primary = cluster('primary', command, replicate_to=number).start()
    secondary = cluster('secondary', command, replicate_from=number).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    assert get(secondary, 'x') == 1
    assert primary.stop() == 0
    # Who asks for it is told what is missing.
    asking = cluster('asking', command, replicate_to='/a', zrs='zookeeper 127.0.0.1:1')
    done = subprocess.run(command + ['serve', '-C', asking.conf], capture_output=True, text=True, timeout=120)
    errors = [line for line in done.stderr.splitlines() if line.startswith('Error: ')]
    assert done.returncode and len(errors) == 1 and 'lacks the jars' in errors[0], done.stderr
    assert '\tat ' not in done.stderr + log(asking)


def test_a_zeo_server_is_registered_and_found_by_its_clients(cluster, place):
    place.ask('ensure', ZEOS)
    place.ask('try_connections', ZEOS)
    keys = 'zookeeper %s\n          register %s\n          advertise localhost' % (place.address, ZEOS)
    server = cluster('server', zeo=keys).start()
    name, = place.wait_names(1, ZEOS, server.read_logs)
    assert name == 'localhost:%d' % server.port
    assert place.ask('properties', ZEOS + '/' + name) == {'pid': server.process.pid}
    db = ZODB.DB(ZEO.client((name.split(':')[0], port(name)), wait_timeout=60))
    with db.transaction() as connection:
        connection.root()['x'] = 1
    db.close()
    assert get(server, 'x') == 1
    code, text = drills.control(server, 'status', 'json')
    assert code == 0
    assert json.loads(text)['zookeeper'] == {'connectionString': place.address, 'path': ZEOS, 'address': name,
                                             'awaySince': None, 'problem': None}
    assert place.wait_seen(1) == [[name, 'accepts']]
    server.stop()
    assert place.names(ZEOS) == []


def test_both_addresses_of_a_server_are_registered(cluster, place):
    place.ask('ensure', ZEOS)
    zeo = 'zookeeper %s\n          register %s\n          advertise 127.0.0.1' % (place.address, ZEOS)
    primary = cluster('primary', replicate_to=PROVIDERS, zeo=zeo, zrs=place.options()).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS, zeo=zeo, zrs=place.options(advertise=None)).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    zeos = place.wait_names(2, ZEOS)
    assert {port(name) for name in zeos} == {primary.port, secondary.port}
    provider, = place.names()
    assert port(provider) not in (primary.port, secondary.port)


@pytest.mark.parametrize('keys, host, listens', [
    (lambda a, b: ['advertise 127.0.0.1:%d' % a], '127.0.0.1', 0),
    (lambda a, b: ['advertise 127.0.0.1:%d' % a, 'listen 127.0.0.1:%d' % b], '127.0.0.1', 1),
    (lambda a, b: ['advertise localhost', 'listen %d' % b], 'localhost', 1),
], ids=['advertise with port', 'both', 'listen'])
def test_what_is_told_and_where_it_listens(cluster, place, keys, host, listens):
    ports = servers.free_port(), servers.free_port()
    primary = cluster('primary', replicate_to=PROVIDERS,
                      zrs=place.options(*keys(*ports), advertise=None)).start()
    told = '%s:%d' % (host, ports[0] if keys(*ports)[0].endswith(':%d' % ports[0]) else ports[listens])
    assert place.wait_names(1, shown=primary.read_logs) == [told]
    socket.create_connection(('127.0.0.1', ports[listens]), 10).close()
    wait_for('the log says where', lambda: ':%d' % ports[listens] in log(primary), 30, primary.read_logs)
