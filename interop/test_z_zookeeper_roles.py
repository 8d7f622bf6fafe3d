"""Z: roles that are changed while servers find each other through ZooKeeper: promoted and followed, refused
where that would be wrong, and one of several upstreams that has another history."""
import os
import shutil
import time

import pytest
import ZEO
import ZODB
from ZODB.POSException import ReadOnlyError

from support import drills, servers, zookeeper
from support.drills import control, promote, state, status, zrs
from support.servers import wait_for
from support.zookeeper import PROVIDERS, followed_by, get, level, log, logs, port, put, wait_problem

pytestmark = pytest.mark.ours
OTHERS = '/others'
SESSION = 2
HELD = 'a client that wants to write waits'
# How often a secondary begins anew with the addresses in an order that nobody knows before.
STARTS = 20


def role_file(server):
    return server.file + '.role'


def pair(cluster, place, *keys):
    """A primary, and its secondary which is registered at another path; they are level."""
    place.ask('ensure', OTHERS)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options(*keys, timeout=SESSION)).start()
    secondary = cluster('secondary', replicate_to=OTHERS, replicate_from=PROVIDERS,
                        zrs=place.options(*keys, timeout=SESSION)).start()
    put(primary, 'x', 1)
    level(primary, secondary)
    for path, server in ((PROVIDERS, primary), (OTHERS, secondary)):
        place.wait_names(1, path, server.read_logs)
    wait_live(secondary)
    return primary, secondary


def wait_live(secondary):
    wait_for('it is live', lambda: state(secondary) == 'live', zookeeper.LIMIT, secondary.read_logs)


def lose_the_node(place, primary, secondary):
    """The primary goes on, and nobody finds it any more: the path is away, and nobody makes it."""
    place.ask('delete', PROVIDERS)
    wait_problem(primary, 'primary', 'there is no node')
    wait_problem(secondary, 'secondary', 'there is no node')
    assert status(secondary)['secondary']['zookeeper']['addresses'] == []
    wait_live(secondary)


def refused(server, path, code=1):
    """What zrs follow says when it is refused."""
    done = zrs('follow', path, '-C', server.conf)
    assert done.returncode == code and done.stdout == '', done
    assert 'Exception' not in done.stderr and '\tat ' not in done.stderr, done.stderr
    return done.stderr


# ---- promoted ----

def test_promoted_after_the_death_of_the_primary(cluster, place):
    primary, secondary = pair(cluster, place)
    name, = place.names(OTHERS)
    node = place.ask('get', OTHERS + '/' + name)
    primary.kill()
    assert 'could not be asked' in promote(secondary)
    put(secondary, 'x', 2)
    assert place.ask('get', OTHERS + '/' + name) == node
    with open(role_file(secondary)) as f:
        assert f.read().startswith('role: primary\n')

    secondary.stop()
    assert place.names(OTHERS) == []
    secondary.start()
    assert status(secondary)['role'] == 'primary' and os.path.exists(role_file(secondary))
    put(secondary, 'x', 3)
    name, = place.wait_names(1, OTHERS, secondary.read_logs)
    assert status(secondary)['primary']['zookeeper']['address'] == name
    assert place.ask('properties', OTHERS + '/' + name) == {'pid': secondary.process.pid}
    # Who looks there follows it.
    last = cluster('last', replicate_from=OTHERS, zrs=place.options(advertise=None)).start()
    level(secondary, last)
    assert get(last, 'x') == 3


def test_promoted_while_the_upstream_lives_and_is_not_registered(cluster, place):
    primary, secondary = pair(cluster, place)
    lose_the_node(place, primary, secondary)
    code, text = control(secondary, 'promote', '')
    assert code == 0, text
    assert ' answers and has nothing more' in text and 'could not be asked' not in text, text
    put(secondary, 'x', 2)


# ---- followed ----

def test_who_would_follow_himself_or_his_own_secondary_is_refused(cluster, place):
    primary, secondary = pair(cluster, place)
    name, = place.names(OTHERS)
    # It asks when nothing has come for a moment.
    wait_for('the secondary knows whom it follows', lambda: len(drills.lineage(port(name))) == 2, zookeeper.LIMIT,
             secondary.read_logs)
    writer = drills.Client('writer', servers.CURRENT, [primary])
    try:
        writer.commits_after(0, shown=primary.read_logs)
        since = followed_by(primary, 1)[0]['since']
        for path, words in ((PROVIDERS, 'this server itself'), (OTHERS, 'for ever')):
            error = refused(primary, path)
            assert path in error and words in error, error
            now = status(primary)
            assert now['role'] == 'primary' and now['secondary'] is None
            assert not os.path.exists(role_file(primary))
        # Nobody noticed.
        writer.commits_after(time.time(), shown=primary.read_logs)
        assert not [line for line in writer.lines if line[0] != 'ok'], writer.lines
        assert [each['since'] for each in followed_by(primary, 1)] == [since]
        assert status(secondary)['secondary']['connections'] == 1
    finally:
        writer.stop()


def test_a_primary_becomes_the_secondary_of_who_is_found(cluster, place):
    place.ask('ensure', OTHERS)
    primary = cluster('primary', replicate_to=PROVIDERS, zrs=place.options()).start()
    put(primary, 'x', 1)
    other = cluster('other', replicate_to=OTHERS, zrs=place.options()).start()
    assert status(other)['role'] == 'primary'
    for path in ('/a//b', '//', '/a/../b'):
        error = refused(other, path, code=2)
        assert path in error, error
    assert status(other)['role'] == 'primary' and not os.path.exists(role_file(other))

    done = zrs('follow', PROVIDERS, '-C', other.conf)
    assert done.returncode == 0 and PROVIDERS in done.stdout, done
    level(primary, other)
    assert get(other, 'x') == 1
    other.stop()
    put(primary, 'x', 2)
    other.start()
    now = status(other)
    assert now['role'] == 'secondary' and now['secondary']['zookeeper']['path'] == PROVIDERS
    level(primary, other)
    assert get(other, 'x') == 2
    name, = place.names()
    assert status(other)['secondary']['upstream'] == name
    # It is still there for others.
    place.wait_names(1, OTHERS, other.read_logs)


# ---- writers at a secondary ----

def test_a_writer_waits_only_when_the_upstream_is_away(cluster, place):
    """Whether it is registered says nothing."""
    primary, secondary = pair(cluster, place, 'hold-writers 600')
    lose_the_node(place, primary, secondary)
    # It is refused, and takes what it gets; otherwise it would wait for ten minutes.
    db = ZODB.DB(ZEO.client(secondary.address, wait_timeout=120, read_only_fallback=True))
    try:
        with pytest.raises(ReadOnlyError):
            with db.transaction() as connection:
                connection.root()['x'] = 2
    finally:
        db.close()
    assert HELD not in log(secondary), secondary.read_logs()

    primary.kill()
    writer = drills.Client('writer', servers.CURRENT, [secondary])
    try:
        wait_for('it waits', lambda: HELD in log(secondary), zookeeper.LIMIT, secondary.read_logs)
        assert writer.lines == []
        promote(secondary)
        writer.commits_after(0, shown=secondary.read_logs)
    finally:
        writer.stop()


# ---- one of several has another history ----

class Forked:
    """A primary, a copy of it that went on alone, registered below the same path, and a secondary of the first."""

    def __init__(self, cluster, place):
        self.good = cluster('good', replicate_to=PROVIDERS, zrs=place.options()).start()
        put(self.good, 'x', 0)
        self.good.stop()
        self.bad = cluster('bad', replicate_to=PROVIDERS,
                           zrs=place.options('listen 127.0.0.1:%d' % servers.free_port()))
        shutil.copy(self.good.file, self.bad.file)
        self.good.start()
        self.secondary = cluster('secondary', replicate_from=PROVIDERS,
                                 zrs=place.options(advertise=None), keep_alive=1).start()
        self.count = 0
        self.commit_at_the_good_one()
        self.secondary.stop()
        self.bad.start()
        place.wait_names(2, shown=self.logs)

    def logs(self):
        return logs(self.good, self.bad, self.secondary)

    def commit_at_the_good_one(self):
        self.count += 1
        put(self.good, 'x', self.count)
        level(self.good, self.secondary)
        wait_for('it follows the good one', lambda: state(self.secondary) in ('live', 'catching up'), zookeeper.LIMIT,
                 self.logs)
        assert status(self.secondary)['secondary']['upstream'].endswith(':%d' % self.port(self.good)), self.logs()
        assert get(self.secondary, 'x') == self.count and get(self.secondary, 'alone') is None

    def commit_at_the_bad_one(self):
        """Later than what the secondary has, so that the difference shows."""
        self.count += 1
        put(self.bad, 'alone', self.count)

    def set_up_anew(self):
        """The bad one, from a copy of the good one; it has the same address again."""
        self.bad.stop()
        for name in os.listdir(self.bad.folder):
            if name.startswith('Data.fs'):
                os.remove(os.path.join(self.bad.folder, name))
        shutil.copy(self.good.file, self.bad.file)
        self.bad.start()

    @staticmethod
    def port(server):
        return int(status(server)['primary']['address'].rsplit(':', 1)[1])

    def reported(self):
        """How often the log says that the bad one has another history."""
        return len([line for line in log(self.secondary).splitlines()
                    if ':%d: ' % self.port(self.bad) in line and 'diverged' in line
                    and ('ERROR' in line or 'CRITICAL' in line or 'WARN' in line)])


def test_an_upstream_with_another_history_is_passed_over(cluster, place):
    forked = Forked(cluster, place)
    secondary = forked.secondary
    seen = set()
    for _ in range(STARTS):
        before = forked.reported()
        forked.commit_at_the_bad_one()
        secondary.start()
        forked.commit_at_the_good_one()
        seen.add(forked.reported() > before)
        if len(seen) == 2:
            break
        secondary.stop()
    assert seen == {True, False}, forked.logs()

    # Only the other one is left.
    forked.commit_at_the_bad_one()
    mine = secondary.size()
    forked.good.stop()
    wait_for('it says that the histories differ', lambda: state(secondary) == 'diverged', zookeeper.LIMIT, forked.logs)
    error = status(secondary)['secondary']['lastError']
    assert 'diverged' in error and status(forked.bad)['lastTid'] in error, error
    assert secondary.size() == mine
    # It is the good one's turn again.
    forked.good.start()
    forked.commit_at_the_good_one()


def test_one_that_was_set_up_anew_is_followed(cluster, place):
    """At the address where there was another history before."""
    forked = Forked(cluster, place)
    for _ in range(STARTS):
        forked.commit_at_the_bad_one()
        forked.secondary.start()
        forked.commit_at_the_good_one()
        if forked.reported():
            break
        forked.secondary.stop()
    assert forked.reported(), forked.logs()
    forked.set_up_anew()
    place.wait_names(2, shown=forked.logs)
    forked.good.stop()
    put(forked.bad, 'x', 'anew')
    level(forked.bad, forked.secondary)
    assert get(forked.secondary, 'x') == 'anew'
