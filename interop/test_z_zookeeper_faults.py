"""Z: sessions that expire, ZooKeeper that is away, loses its data or is silent: what is served and
replicated goes on, and afterwards each server is registered once."""
import os
import random
import signal
import time

import pytest
import ZEO
import ZODB

from support import drills, servers, zookeeper
from support.servers import wait_for
from support.zookeeper import PROVIDERS, followed_by, level, log, logs, put, wait_problem

pytestmark = pytest.mark.ours
SESSION = 2
OTHERS = '/others'
CONNECTED = 'ZEO.asyncio.server Connected'


class Running:
    """A primary, a secondary that is also registered, and ZEO clients of both."""

    def __init__(self, cluster, place, *keys):
        self.primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(*keys, timeout=SESSION)).start()
        self.secondary = cluster('secondary', replicate_to=OTHERS, replicate_from=PROVIDERS,
                                 zrs=place.options(*keys, timeout=SESSION)).start()
        self.place = place
        self.writer = None
        put(self.primary, 'a', 1)
        level(self.primary, self.secondary)
        for path in (PROVIDERS, OTHERS):
            place.wait_names(1, path, self.logs)
        self.since = followed_by(self.primary, 1, self.logs)[0]['since']
        self.reader = ZODB.DB(ZEO.client(self.secondary.address, wait_timeout=60, read_only=True))
        self.read()
        self.connected = log(self.secondary).count(CONNECTED)

    def logs(self):
        return logs(self.primary, self.secondary)

    def write(self):
        """Commits from now on, without end."""
        self.writer = drills.Client('writer', servers.CURRENT, [self.primary])

    def read(self):
        """From the secondary, through a connection that was there all the time."""
        with self.reader.transaction() as connection:
            return connection.root().get('a')

    def commits_arrive(self):
        """New commits are accepted, and the secondary gets them."""
        self.writer.commits_after(time.time(), shown=self.logs)
        self.writer.pause()
        level(self.primary, self.secondary)
        self.writer.order('go')

    def wait_registered(self):
        """Each of them once, by the session that it has now, which lasts."""
        for path, server in ((PROVIDERS, self.primary), (OTHERS, self.secondary)):
            wait_problem(server, 'primary', None)
            name, = self.place.wait_names(1, path, self.logs)
            assert name == drills.status(server)['primary']['zookeeper']['address']
            assert self.place.ask('properties', '%s/%s' % (path, name)) == {'pid': server.process.pid}

    def undisturbed(self):
        """The connection is the first one, and there was never another."""
        assert [each['since'] for each in followed_by(self.primary, 1, self.logs)] == [self.since], self.logs()
        assert drills.status(self.secondary)['secondary']['connections'] == 1, self.logs()
        assert self.read() == 1 and log(self.secondary).count(CONNECTED) == self.connected, self.logs()
        if self.writer:
            assert not [line for line in self.writer.lines if line[0] == 'error'], self.writer.lines[-5:]

    def stop(self):
        self.reader.close()
        if self.writer:
            self.writer.stop()


@pytest.fixture
def running(cluster):
    made = []

    def start(place, *keys):
        made.append(Running(cluster, place, *keys))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_a_server_that_was_silent_for_longer_than_its_session(running, place):
    place.ask('ensure', OTHERS)
    r = running(place)
    for path, server in ((PROVIDERS, r.primary), (OTHERS, r.secondary)):
        name, = place.names(path)
        owner = place.ask('get', '%s/%s' % (path, name))['owner']
        server.process.send_signal(signal.SIGSTOP)
        try:
            place.wait_names(0, path)
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert place.wait_names(1, path, r.logs) == [name]
        assert place.ask('get', '%s/%s' % (path, name))['owner'] != owner
        put(r.primary, path, 1)
        level(r.primary, r.secondary)
    r.wait_registered()
    r.undisturbed()


@pytest.mark.parametrize('kept', [True, False], ids=['with its data', 'without'])
def test_zookeeper_is_killed_and_started_again(running, own_zookeeper, peers, kept):
    place = zookeeper.Place(own_zookeeper.address, peers)
    place.ask('ensure', OTHERS)
    r = running(place)
    r.write()
    r.commits_arrive()
    own_zookeeper.kill()
    for server, part in ((r.primary, 'primary'), (r.secondary, 'primary'), (r.secondary, 'secondary')):
        wait_for('it says since when', lambda: drills.status(server)[part]['zookeeper']['awaySince'],
                 zookeeper.LIMIT, server.read_logs)
    for server in (r.primary, r.secondary):
        wait_for('the session is over', lambda: 'the session has expired' in log(server), zookeeper.LIMIT,
                 server.read_logs)
    r.commits_arrive()
    r.undisturbed()

    if not kept:
        own_zookeeper.wipe()
    own_zookeeper.start()
    place.look_again()
    if not kept:
        for server in (r.primary, r.secondary):
            wait_problem(server, 'primary', 'there is no node')
        r.commits_arrive()
        for path in (PROVIDERS, OTHERS):
            place.ask('ensure', path)
    r.wait_registered()
    r.commits_arrive()
    r.undisturbed()


def test_zookeeper_is_silent_for_longer_than_the_session(running, own_zookeeper, peers):
    place = zookeeper.Place(own_zookeeper.address, peers)
    r = running(place, 'create-path true')
    r.write()
    own_zookeeper.pause()
    try:
        for server in (r.primary, r.secondary):
            wait_for('the session is over', lambda: 'the session has expired' in log(server), zookeeper.LIMIT,
                     server.read_logs)
        r.commits_arrive()
    finally:
        own_zookeeper.resume()
    r.wait_registered()
    r.commits_arrive()
    r.undisturbed()


class Faults:
    """What happens to them; each leaves all processes running."""

    def __init__(self, rnd, running, server):
        self.rnd = rnd
        self.running = running
        self.server = server

    def restart(self):
        self.server.kill()
        time.sleep(self.rnd.uniform(0, 1.5 * SESSION))
        self.server.start()

    def restart_without_data(self):
        self.server.kill()
        self.server.wipe()
        self.server.start()

    def remove_nodes(self):
        place = self.running.place
        place.look_again()
        for path in (PROVIDERS, OTHERS):
            for name in place.names(path) or []:
                place.ask('delete', '%s/%s' % (path, name))

    def silence(self):
        process = self.rnd.choice([self.server, self.running.primary, self.running.secondary]).process
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.rnd.uniform(0, 2 * SESSION))
        process.send_signal(signal.SIGCONT)

    def one(self):
        fault = self.rnd.choice([self.restart, self.restart_without_data, self.remove_nodes, self.silence])
        print(fault.__name__)
        fault()


@pytest.mark.parametrize('number', range(5 if os.environ.get('ZRS_LONG') else 1))
def test_a_random_sequence_of_faults(running, own_zookeeper, peers, number, long):
    seed = int(os.environ.get('ZRS_SEED') or random.randrange(1 << 30)) + number
    print('ZRS_SEED=%d' % seed)
    r = running(zookeeper.Place(own_zookeeper.address, peers), 'create-path true')
    r.write()
    faults = Faults(random.Random(seed), r, own_zookeeper)
    for _ in range(10 if long else 3):
        faults.one()
        if faults.rnd.random() < 0.5:
            r.commits_arrive()
    r.place.look_again()
    r.wait_registered()
    r.commits_arrive()
    assert [each['since'] for each in followed_by(r.primary, 1, r.logs)] == [r.since], r.logs()
    assert drills.status(r.secondary)['secondary']['connections'] == 1, r.logs()


def test_there_is_no_node_before_the_port_accepts_nor_after_a_stop(cluster, place):
    place.ask('try_connections', PROVIDERS)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options())
    names = []
    for _ in range(3):
        primary.start(wait=False)
        names += place.wait_names(1, shown=primary.read_logs)
        # The one who tries may be later than the one who looks here.
        place.wait_seen(len(names))
        primary.stop()
        assert place.names() == []
    assert place.ask('seen') == [[name, 'accepts'] for name in names]


def test_a_missing_path_is_named_and_waited_for_or_made(cluster, place):
    waiting = cluster('waiting', replicate_to='/missing/here', zrs=place.options()).start()
    wait_problem(waiting, 'primary', 'there is no node /missing')
    state = drills.status(waiting)['primary']['zookeeper']
    assert (state['address'], state['awaySince'], state['path']) == (None, None, '/missing/here')
    put(waiting, 'x', 1)
    # It is said once; again at most after a connection that was lost meanwhile.
    errors = [line for line in log(waiting).splitlines() if ' is not registered: ' in line]
    missing = ['there is no node /missing' in line for line in errors]
    assert any(missing) and not any(a and b for a, b in zip(missing, missing[1:])), waiting.read_logs()
    assert all('ERROR' in line for line in errors), waiting.read_logs()
    assert place.names('/missing') is None
    place.ask('ensure', '/missing/here')
    name, = place.wait_names(1, '/missing/here', waiting.read_logs)
    wait_problem(waiting, 'primary', None)
    assert drills.status(waiting)['primary']['zookeeper']['address'] == name
    waiting.stop()

    making = cluster('making', replicate_to='/made/of/several', zrs=place.options('create-path true')).start()
    place.wait_names(1, '/made/of/several', making.read_logs)
    making.stop()
    assert place.names('/made/of/several') == []


def test_a_server_starts_and_serves_and_stops_without_zookeeper(cluster, own_zookeeper, peers):
    """It is not there at the start; when it comes, everything finds itself."""
    place = zookeeper.Place(own_zookeeper.address, peers)
    own_zookeeper.kill()
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(timeout=SESSION)).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS,
                        zrs=place.options(timeout=SESSION, advertise=None)).start()
    put(primary, 'x', 1)
    for server, part in ((primary, 'primary'), (secondary, 'secondary')):
        assert drills.status(server)[part]['zookeeper']['awaySince']
    own_zookeeper.start()
    level(primary, secondary)
    own_zookeeper.kill()
    assert secondary.stop() == 0 and primary.stop() == 0
    assert 'Exception' not in log(primary) + log(secondary), logs(primary, secondary)


def test_what_died_is_replaced_while_its_node_is_still_there(cluster, place):
    """kill -9 leaves the node until the session ends; another server at once has the same data."""
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(timeout=SESSION)).start()
    secondary = cluster('secondary', replicate_from=PROVIDERS, zrs=place.options(advertise=None)).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    old, = place.wait_names(1)
    primary.kill()
    primary.start()
    new, = place.wait_names(lambda names: len(names) == 1 and names != [old], shown=primary.read_logs)
    put(primary, 'x', 2)
    level(primary, secondary)
    assert new != old and len(place.names()) == 1
