import itertools
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import servers, zookeeper  # noqa: E402

LONG = bool(os.environ.get('ZRS_LONG'))


def pytest_addoption(parser):
    parser.addoption(
        '--server', choices=('zrs', 'python'), default='zrs',
        help='python: check the tests themselves, with runzeo and zc.zrs in the place of our program')


def pytest_configure(config):
    config.addinivalue_line('markers', 'long_only: has no short form; run by ./test long')
    config.addinivalue_line('markers', 'ours: what only our program promises; not run with --server=python')
    # Before the test modules are read.
    if config.getoption('--server') == 'python':
        servers.ZRS = servers.RUNZEO


def pytest_collection_modifyitems(config, items):
    left_out = [marker for marker, out in (('ours', config.getoption('--server') == 'python'), ('long_only', not LONG))
                if out]
    deselected = [item for item in items if any(item.get_closest_marker(marker) for marker in left_out)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def pytest_sessionstart(session):
    # Who runs this in the background ignores these, and so would the servers that it starts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        # This process goes on; those that it starts have the default again.
        signal.signal(signal.SIGHUP, lambda number, frame: None)
    for python in (servers.CURRENT, servers.LEGACY, zookeeper.PYTHON):
        if not os.access(python, os.X_OK):
            pytest.exit('the Python peer %s is missing: run ./test' % python, returncode=1)


@pytest.fixture
def long():
    """Whether the long forms are asked for."""
    return LONG


@pytest.fixture
def cluster(tmp_path):
    """Makes servers, and stops those that a test leaves running."""
    made = []

    def make(name, command=None, **options):
        server = servers.Server(tmp_path / name, command or servers.ZRS, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope='session')
def shared_zookeeper(tmp_path_factory):
    """One server for all tests that do it no harm."""
    server = zookeeper.ZooKeeper(tmp_path_factory.mktemp('zookeeper')).start()
    peer = zookeeper.Peer(server.address)
    yield server, peer, itertools.count(1)
    peer.kill()
    server.kill()


@pytest.fixture
def peers():
    """Makes Python processes that use ZooKeeper, and ends them."""
    made = []

    def make(address, **options):
        made.append(zookeeper.Peer(address, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.kill()


@pytest.fixture
def place(shared_zookeeper, peers):
    """A part of a ZooKeeper server that a test has for itself, through its connection string."""
    server, peer, numbers = shared_zookeeper
    root = '/place-%d' % next(numbers)
    peer('ensure', root)
    return zookeeper.Place(server.address + root, peers)


@pytest.fixture
def own_zookeeper(tmp_path, peers):
    """A server that a test may stop."""
    server = zookeeper.ZooKeeper(tmp_path / 'zookeeper').start()
    yield server
    server.kill()


@pytest.fixture
def ensemble(tmp_path):
    """Three servers that are one."""
    three = zookeeper.Ensemble(tmp_path / 'ensemble').start()
    yield three
    three.kill()
