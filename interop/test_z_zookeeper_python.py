"""Z: the same nodes for Python's programs and for ours: kazoo, zc.zk 2.1, and a real zc.zrs primary that
they register."""
import json

import pytest

from support import drills, servers, zookeeper
from support.servers import RUNZEO
from support.zookeeper import PROVIDERS, followed_by, get, level, log, logs, port, put, wait_problem

pytestmark = pytest.mark.ours


def python_primary(cluster, name='python'):
    number = servers.free_port()
    server = cluster(name, RUNZEO, replicate_to=number)
    server.replication = drills.address(number)
    return server.start()


def move(server):
    """It listens for secondaries at another port from its next start on."""
    old, server.replication = server.replication, drills.address(servers.free_port())
    with open(server.conf) as f:
        text = f.read()
    with open(server.conf, 'w') as f:
        f.write(text.replace(old, server.replication))


def test_kazoo_registers_a_zc_zrs_primary_which_moves(cluster, place):
    primary = python_primary(cluster)
    put(primary, 'x', 1)
    place.ask('create', PROVIDERS + '/' + primary.replication, '{"pid":%d}' % primary.process.pid, True)
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    level(primary, secondary)

    before = primary.replication
    primary.stop()
    place.ask('delete', PROVIDERS + '/' + before)
    move(primary)
    primary.start()
    put(primary, 'x', 2)
    place.ask('create', PROVIDERS + '/' + primary.replication, '{"pid":%d}' % primary.process.pid, True)
    level(primary, secondary)
    assert get(secondary, 'x') == 2
    assert drills.status(secondary)['secondary']['upstream'].endswith(':%d' % port(primary.replication))


def test_zc_zk_registers_a_zc_zrs_primary_behind_a_link(cluster, place):
    primary = python_primary(cluster)
    put(primary, 'x', 1)
    place.ask('import_tree', '/service\n  primaries -> %s\n' % PROVIDERS)
    place.ask('register', '/service/primaries', primary.replication, {'weight': 3})
    assert place.ask('properties', PROVIDERS + '/' + primary.replication) == {'pid': place.ask.pid, 'weight': 3}
    secondary = cluster('secondary', replicate_from='/service/primaries', zrs=place.options(advertise=None)).start()
    level(primary, secondary)

    # zc.zk's session ends: what works stays connected.
    place.ask('unregister')
    assert place.names() == []
    put(primary, 'x', 2)
    level(primary, secondary)
    assert get(secondary, 'x') == 2
    assert drills.status(secondary)['secondary']['connections'] == 1


def test_python_reads_what_we_register_and_is_told_when_we_come_and_go(cluster, place):
    place.ask('watch_children', PROVIDERS)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(advertise='localhost')).start()
    name, = place.wait_names(1, shown=primary.read_logs)
    path = PROVIDERS + '/' + name
    assert name == 'localhost:%d' % port(drills.status(primary)['primary']['address'])
    node = place.ask('get', path)
    assert node['data'] == '{"pid":%d}' % primary.process.pid
    assert json.loads(node['data']) == place.ask('properties', path)
    assert node['owner']
    assert node['acls'] == [[1, 'world']]  # everybody may read it
    assert '      /%s\n        pid = %d\n' % (name, primary.process.pid) in place.ask('export_tree', '/')
    # It is told of what is there when it looks, so that what has gone again meanwhile is passed over.
    assert place.wait_seen(2) == [[], [name]]
    primary.stop()
    assert place.wait_seen(3) == [[], [name], []]
    primary.start()
    again, = place.wait_names(1, shown=primary.read_logs)
    place.wait_seen(4)
    primary.stop()
    assert place.wait_seen(5) == [[], [name], [], [again], []]


def test_what_it_does_not_understand_disturbs_nothing(cluster, place):
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    for name in ('a', 'no address', 'x:', ':1', 'x:0', 'x:99999', 'x:-1', 'x:1x', '[::1:5', 'Z\u00fcrich', ' ', '%s',
                 '::1:8100', 'a:b:c', 'x' * 1000, '"{}'):
        place.ask('create', PROVIDERS + '/' + name)
    # Nor does what stands in nodes: no JSON, JSON of another kind, much of it.
    for i, data in enumerate(('no JSON', '{"pid":', '[1, 2]', '{"pid": "x", "up": {"a": [1]}}', '\xff\x00\xfe')):
        place.ask('create', '%s/bad-%d' % (PROVIDERS, i), data)
    place.ask('fill', PROVIDERS + '/a', 900_000)
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    put(primary, 'x', 1)
    level(primary, secondary)

    # Also when it changes while they run, and when the path itself has such data.
    name, = [each for each in place.names() if each.startswith('127.0.0.1:')]
    place.ask('fill', PROVIDERS, 900_000)
    for i in range(100):
        place.ask('create', '%s/more-%d' % (PROVIDERS, i), 'x' * 100)
    place.ask('delete', PROVIDERS + '/' + name)
    place.wait_names(lambda names: name in names, shown=primary.read_logs)
    put(primary, 'x', 2)
    level(primary, secondary)
    assert drills.status(primary)['primary']['zookeeper']['problem'] is None
    assert drills.status(secondary)['secondary']['zookeeper']['problem'] is None
    assert drills.status(secondary)['secondary']['connections'] == 1
    assert 'Exception' not in log(primary) + log(secondary), logs(primary, secondary)


def test_a_dead_address_that_somebody_left_is_passed_over(cluster, place):
    place.ask('create', '%s/127.0.0.1:%d' % (PROVIDERS, servers.free_port()))
    place.ask('create', PROVIDERS + '/no-such-host.invalid:8100')
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    followed_by(primary, 1, lambda: logs(primary, secondary))
    assert get(secondary, 'x') == 1


def test_only_who_knows_the_password_may_register(cluster, place):
    place.ask('protect', '/closed', 'zodb', 'secret')
    refused = cluster('refused', replicate_to='/closed', zrs=place.options()).start()
    wait_problem(refused, 'primary', 'does not allow')
    refused.stop()
    allowed = cluster('allowed', replicate_to='/closed', zrs=place.options(
        'zookeeper-auth digest:zodb:secret', 'zookeeper-acl creator')).start()
    place.ask('login', 'zodb', 'secret')
    name, = place.wait_names(1, '/closed', allowed.read_logs)
    assert place.ask('get', '/closed/' + name)['acls'] == [[31, 'digest']]
    assert 'secret' not in log(allowed) + drills.control(allowed, 'status', 'json')[1]


def test_over_tls_with_zookeeper_s_own_client_properties(cluster, tmp_path, peers):
    server = zookeeper.Secured(tmp_path / 'secured').start()
    try:
        place = zookeeper.Place(server.address, peers)
        place.address = '127.0.0.1:%d' % server.secure_port
        without = cluster('without', replicate_to=PROVIDERS, zrs=place.options()).start()
        primary = cluster('primary', replicate_to=PROVIDERS,
                          zrs=place.options('zookeeper-properties ' + server.client_properties())).start()
        name, = place.wait_names(1, shown=primary.read_logs)
        assert port(name) == port(drills.status(primary)['primary']['address'])
        secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(
            'zookeeper-properties ' + server.client_properties(), advertise=None)).start()
        put(primary, 'x', 1)
        level(primary, secondary)
        with open(primary.folder + '/output') as f:
            assert f.read() == ''
        # Who speaks in the clear is not let in.
        assert drills.status(without)['primary']['zookeeper']['awaySince']
        assert place.names() == [name]
    finally:
        server.kill()
