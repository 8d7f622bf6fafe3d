import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import servers  # noqa: E402

LONG = bool(os.environ.get('ZRS_LONG'))


def pytest_sessionstart(session):
    for python in (servers.CURRENT, servers.LEGACY):
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

    def make(name, command=servers.ZRS, **options):
        server = servers.Server(tmp_path / name, command, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()
