"""A: a database made by the real ZODB is served, every object of it, to ZEO 6 and ZEO 5."""
import os
import shutil
import subprocess

import pytest

from support import compare, databases, servers


@pytest.fixture(scope='module')
def database(tmp_path_factory):
    from conftest import LONG
    folder = tmp_path_factory.mktemp('database')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=200_000 if LONG else 3000)
    if LONG:
        assert os.path.getsize(folder / 'Data.fs') > 200_000_000
    return folder


def load_all(python, server, original=None):
    """Compares what the server serves with its own file, or with that of the server that it copies."""
    original = original or server
    done = subprocess.run(
        [python, os.path.join(servers.ROOT, 'interop', 'peers', 'load_all.py'), str(server.port), original.file,
         original.blobs],
        capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:] + server.read_logs()
    objects, revisions, blobs = map(int, done.stdout.split())
    assert objects > 2500 and revisions > objects and blobs >= 7, done.stdout


@pytest.mark.parametrize('index', [True, False], ids=['with index', 'without index'])
def test_every_object_is_served(cluster, database, index):
    server = cluster('server')
    shutil.copytree(database, server.folder, dirs_exist_ok=True)
    if not index:
        os.remove(server.file + '.index')
    server.start()
    load_all(servers.CURRENT, server)
    load_all(servers.LEGACY, server)
    assert server.stop() == 0
    assert not os.path.exists(server.pid_file)


def test_every_object_is_served_through_a_secondary(cluster, database):
    port = servers.free_port()
    primary = cluster('primary', replicate_to=port)
    secondary = cluster('secondary', replicate_from=port)
    shutil.copytree(database, primary.folder, dirs_exist_ok=True)
    primary.start()
    secondary.start()
    servers.wait_for('the secondary has caught up', lambda: secondary.size() == primary.size(), 600,
                     secondary.read_logs)
    load_all(servers.CURRENT, secondary, primary)
    load_all(servers.LEGACY, secondary, primary)
    python = servers.ZRS is servers.RUNZEO
    compare.same_files(primary.file, secondary.file, packed=True, python_second=python)
    compare.same_blobs(primary.blobs, secondary.blobs, python_second=python)
