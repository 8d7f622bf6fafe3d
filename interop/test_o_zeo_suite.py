"""O: ZEO's own tests against a replicated storage, as zc.zrs runs them: each test has a storage for itself
in one server that is primary of them all, and a zc.zrs server follows them all. It is stopped and started
again all the time; in the end it has what the primary has."""
import json
import os
import shutil
import subprocess
import tempfile

import pytest
import ZODB.FileStorage
import ZODB.utils

from support import servers

SUITE = [servers.CURRENT, os.path.join(servers.ROOT, 'interop', 'peers', 'zeo_suite.py')]


@pytest.fixture
def sockets():
    """A folder with a name short enough for unix sockets."""
    folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    yield folder
    shutil.rmtree(folder)


def replicated(server, sockets, names, key):
    """Puts a <zrs> of each name in the place of the server's storage."""
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    sections = ''.join('''
<zrs %s>
  %s %s/%s.sock
  <filestorage>
    path %s/%s.fs
    blob-dir %s/blobs/%s
  </filestorage>
</zrs>
''' % (name, key, sockets, name, server.folder, name, server.folder, name) for name in names)
    with open(server.conf, 'w') as f:
        f.write(text[:start] + '%import zc.zrs\n' + sections + text[end:])
    os.mkdir(server.folder + '/blobs')


def content(path):
    """{tid: (metadata, {oid: data})} without the transactions that Python's secondary leaves out, and the
    current data of each object."""
    storage = ZODB.FileStorage.FileStorage(path, read_only=True)
    try:
        transactions, current = {}, {}
        for transaction in storage.iterator():
            # A blob is stored by two records.
            records = {record.oid: record.data for record in transaction}
            current.update(records)
            if records:
                transactions[transaction.tid] = (
                    (transaction.user, transaction.description, transaction.extension), records)
        return transactions, current
    finally:
        storage.close()


def compare(name, primary, secondary):
    """After packs at the primary only: what it has the secondary has, and the same data are current.

    The blobs are not looked at: these tests write records of them that ZODB itself does not know as such,
    and so they are not replicated by zc.zrs either."""
    ours, ours_current = content(primary)
    theirs, theirs_current = content(secondary)
    for tid, (metadata, records) in ours.items():
        where = name, tid.hex()
        assert tid in theirs, where
        assert metadata == theirs[tid][0], where
        for oid, data in records.items():
            assert theirs[tid][1][oid] == data, (where, oid.hex())
    for oid, data in ours_current.items():
        assert theirs_current[oid] == data, (name, oid.hex())


def test_zeo_s_own_tests_pass_and_a_zc_zrs_secondary_has_the_same(cluster, sockets, tmp_path):
    tests = json.loads(subprocess.run(SUITE + ['storages'], capture_output=True, text=True, check=True).stdout)
    primary, secondary = cluster('primary'), cluster('secondary', servers.RUNZEO)
    replicated(primary, sockets, tests, 'replicate-to')
    replicated(secondary, sockets, tests, 'replicate-from')
    primary.start()
    secondary.start()
    pause = tmp_path / 'pause'
    with open(tmp_path / 'errors', 'w') as errors:
        suite = subprocess.Popen(
            SUITE + [str(primary.port), primary.folder + '/blobs', str(pause), str(tmp_path / 'suite.log')],
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=tmp_path)
    try:
        while suite.poll() is None:
            servers.wait_for('some tests', lambda: pause.exists() or suite.poll() is not None, 600,
                             lambda: (tmp_path / 'suite.log').read_text()[-2000:])
            if pause.exists():
                secondary.kill()
                secondary.start()
                pause.unlink()
    finally:
        suite.kill()
    assert suite.returncode == 0, (tmp_path / 'errors').read_text()
    outcome = json.loads(suite.stdout.read().splitlines()[-1])
    assert not outcome, '\n'.join('%s: %s' % item for item in outcome.items())

    def last(server, name):
        storage = ZODB.FileStorage.FileStorage('%s/%s.fs' % (server.folder, name), read_only=True)
        try:
            return max([t.tid for t in storage.iterator() if list(t)], default=ZODB.utils.z64)
        finally:
            storage.close()

    for name in tests:
        wanted = last(primary, name)
        servers.wait_for('%s (%s) is replicated' % (name, tests[name]),
                         lambda name=name, wanted=wanted: last(secondary, name) >= wanted, 60, secondary.read_logs)
    secondary.stop()
    assert primary.stop() == 0
    for name in tests:
        compare('%s: %s' % (name, tests[name]), '%s/%s.fs' % (primary.folder, name),
                '%s/%s.fs' % (secondary.folder, name))
