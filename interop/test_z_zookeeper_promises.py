"""Z: what zc.zrs 2.4's own tests promise of ZooKeeper, with a real ZooKeeper server; the table is
zc-zrs-zookeeper-promises.md."""
import socket

import pytest

from support import drills, servers, zookeeper
from support.zookeeper import PROVIDERS, followed_by, get, level, logs, port, put, wait_problem

pytestmark = pytest.mark.ours
OTHERS = '/db/secondary/replication/providers'


def test_a_primary_is_registered_and_found_and_followed_to_another_port(cluster, place):
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(advertise=None)).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    name, = place.wait_names(1, shown=primary.read_logs)
    assert name.rsplit(':', 1)[0] == socket.getfqdn()
    assert place.ask('properties', PROVIDERS + '/' + name) == {'pid': primary.process.pid}
    put(primary, 'x', 1)
    level(primary, secondary)
    assert get(secondary, 'x') == 1

    primary.stop()
    assert place.names() == []
    primary.start()
    moved, = place.wait_names(1, shown=primary.read_logs)
    assert moved != name
    put(primary, 'x', 2)
    level(primary, secondary)
    assert get(secondary, 'x') == 2


def test_a_secondary_may_be_there_before_any_primary(cluster, place):
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    wait_problem(secondary, 'secondary', 'nobody is registered')
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    put(primary, 'x', 3)
    level(primary, secondary)
    assert get(secondary, 'x') == 3
    assert drills.status(secondary)['secondary']['zookeeper']['problem'] is None


def test_secondaries_of_secondaries_and_several_addresses_below_one_path(cluster, place):
    place.ask('ensure', OTHERS)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    middle = [cluster('middle-%d' % i, replicate_to=OTHERS, replicate_from=PROVIDERS, zrs=place.options())
              for i in range(3)]
    for each in middle:
        each.start(wait=False)
    last = cluster('last', replicate_from=OTHERS, zrs=place.options(advertise=None)).start()
    names = place.wait_names(3, OTHERS, lambda: logs(*middle))
    assert len(set(names)) == 3 and len(place.names()) == 1
    pids = {each.process.pid: each for each in middle}
    nodes = {port(name): pids[place.ask('properties', '%s/%s' % (OTHERS, name))['pid']] for name in names}
    assert len(set(nodes.values())) == 3
    put(primary, 'x', 3)
    level(primary, last, *middle)
    assert get(last, 'x') == 3

    # It stays with its upstream while that works, and takes another when it fails: first before anybody can
    # know from ZooKeeper that it is dead, then from one that stops as it should.
    upstream = nodes[followed_port(last)]
    for end in (upstream.kill, None):
        if end is None:
            upstream = nodes[followed_port(last)]
            end = upstream.stop
        end()
        put(primary, 'x', get(primary, 'x') + 1)
        rest = [each for each in middle if each.process]
        level(primary, last, *rest)
        assert nodes[followed_port(last)] in rest
    assert get(last, 'x') == 5


def followed_port(secondary):
    return port(drills.status(secondary)['secondary']['upstream'])


def test_another_ensemble_for_the_upstream(cluster, place, own_zookeeper, peers):
    far = zookeeper.Place(own_zookeeper.address, peers)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=far.options()).start()
    # The path is the same, the place is not: who looked in the wrong one would find himself.
    middle = cluster('middle', replicate_to='/here', replicate_from=PROVIDERS, keep_alive=42,
                     zrs=place.options('replicate-from-zookeeper ' + far.address, 'create-path true')).start()
    last = cluster('last', replicate_from=PROVIDERS, zrs='replicate-from-zookeeper ' + far.address).start()
    place.wait_names(1, '/here', middle.read_logs)
    followed_by(primary, 2, lambda: logs(primary, middle, last))
    put(primary, 'x', 1)
    level(primary, middle, last)
    report = drills.status(middle)
    assert report['primary']['zookeeper']['connectionString'] == place.address
    assert report['primary']['zookeeper']['path'] == '/here'
    assert report['secondary']['zookeeper']['connectionString'] == far.address
    assert report['secondary']['zookeeper']['path'] == PROVIDERS
    assert drills.status(last)['secondary']['zookeeper']['connectionString'] == far.address
    assert place.names() == [] and len(far.names()) == 1


def test_only_the_upstream_from_zookeeper(cluster, place):
    """An address of its own, as without ZooKeeper, beside one that is looked up."""
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    number = servers.free_port()
    middle = cluster('middle', replicate_to=number, replicate_from=PROVIDERS,
                     zrs='replicate-from-zookeeper ' + place.address).start()
    last = cluster('last', replicate_from=number).start()
    put(primary, 'x', 1)
    level(primary, middle, last)
    assert len(place.names()) == 1
    assert drills.status(middle)['primary']['zookeeper'] is None
    assert drills.status(last)['secondary']['zookeeper'] is None


def test_the_loss_of_one_of_three_servers(cluster, ensemble, peers):
    place = zookeeper.Place(ensemble.address, peers)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    name, = place.wait_names(1, shown=primary.read_logs)
    made = place.ask('get', PROVIDERS + '/' + name)['made']
    put(primary, 'x', 1)
    level(primary, secondary)

    lost = ensemble.leader()
    lost.kill()
    servers.wait_for('there is another leader', ensemble.leader, zookeeper.LIMIT)
    put(primary, 'x', 2)
    level(primary, secondary)
    # Its session has lived on, with the node; so has the connection.
    place = zookeeper.Place(ensemble.address, peers)
    assert place.wait_names(1) == [name]
    assert place.ask('get', PROVIDERS + '/' + name)['made'] == made
    for part, server in (('primary', primary), ('secondary', secondary)):
        servers.wait_for('it is connected again',
                           lambda: drills.status(server)[part]['zookeeper']['awaySince'] is None,
                           zookeeper.LIMIT, server.read_logs)
    assert drills.status(secondary)['secondary']['connections'] == 1

    # The two that are left do all that the three did.
    primary.stop()
    assert place.names() == []
    primary.start()
    assert place.wait_names(1, shown=primary.read_logs) != [name]
    put(primary, 'x', 3)
    level(primary, secondary)
    assert get(secondary, 'x') == 3
    # The third comes back to them.
    lost.start()
    assert len(place.names()) == 1
