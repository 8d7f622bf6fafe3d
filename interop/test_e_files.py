"""E: locks, clean stops, torn tails; Python and we take turns with one file."""
import os
import shutil
import signal
import subprocess

import pytest
import transaction
import zc.lockfile
import ZEO
import ZODB
from ZODB.FileStorage import FileStorage
from ZODB.scripts import fstest

from support import compare, databases, servers


def commit(server, value):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    with db.transaction() as connection:
        connection.root()['value'] = value
    tid = db.lastTransaction()
    db.close()
    return tid


def test_python_is_refused_while_we_have_the_file(cluster):
    server = cluster('server').start()
    commit(server, 1)
    with pytest.raises(zc.lockfile.LockError):
        FileStorage(server.file)
    pid = server.process.pid
    with open(server.file + '.lock') as f:
        assert f.read().strip() == str(pid)
    assert server.stop() == 0
    FileStorage(server.file).close()


@pytest.mark.ours
def test_we_are_refused_while_python_has_the_file(cluster):
    server = cluster('server')
    storage = FileStorage(server.file)
    try:
        done = subprocess.run(servers.ZRS + ['serve', '-C', server.conf], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert 'Data.fs.lock is locked' in done.stderr and 'pid %d' % os.getpid() in done.stderr, done.stderr
    finally:
        storage.close()
    server.start()


def test_the_lock_of_a_killed_server_is_free(cluster):
    server = cluster('server').start()
    commit(server, 1)
    server.kill()
    FileStorage(server.file).close()
    server.start()
    commit(server, 2)


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_cleanly(cluster, how):
    server = cluster('server').start()
    with open(server.pid_file) as f:
        assert int(f.read()) == server.process.pid
    tid = commit(server, 1)
    server.process.send_signal(how)
    assert server.process.wait(30) == 0
    assert not os.path.exists(server.pid_file)
    storage = FileStorage(server.file)
    assert storage._used_index == 1
    assert storage.lastTransaction() == tid
    storage.close()
    fstest.check(server.file)


def test_python_and_we_take_turns(cluster):
    server = cluster('server')
    databases.make(server.file, server.blobs, objects=300)
    for turn in range(3):
        server.start()
        commit(server, turn)
        assert server.stop() == 0
        storage = FileStorage(server.file, blob_dir=server.blobs)
        assert storage._used_index == 1
        db = ZODB.DB(storage)
        with db.transaction() as connection:
            assert connection.root()['value'] == turn
            connection.root()['python'] = turn
        db.pack()
        db.close()
        fstest.check(server.file)


@pytest.mark.ours  # Python reports the tid of the transaction that it cut off
def test_a_torn_tail_is_cut_and_the_last_whole_transaction_is_the_last(cluster):
    server = cluster('server').start()
    commit(server, 1)
    commit(server, 2)
    assert server.stop() == 0
    *_, before, last = compare.transactions(server.file)
    size = os.path.getsize(server.file)
    shutil.copy(server.file, server.file + '.whole')
    # In the transaction's header and at its end, in a data header, in the data, in the second length.
    lengths = (last[0] + 1, last[0] + 22, last[0] + 23, last[0] + 30, size - 9, size - 8, size - 1, None)
    for length in lengths:
        shutil.copy(server.file + '.whole', server.file)
        if length:
            os.truncate(server.file, length)
        else:
            with open(server.file, 'r+b') as f:
                f.seek(last[0] + 16)
                f.write(b'c')
        server.start()
        client = ZEO.client(server.address, wait_timeout=30)
        assert client.lastTransaction() == before[1]
        client.close()
        assert server.stop() == 0
        assert os.path.getsize(server.file) == last[0]
    assert len([n for n in os.listdir(server.folder) if n.startswith('Data.fs.tr')]) == len(lengths)


@pytest.mark.ours
def test_a_file_at_rest_is_packed_and_python_goes_on(cluster):
    server = cluster('server').start()
    for value in range(5):
        commit(server, value)
    refused = subprocess.run(servers.ZRS + ['pack', server.file], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert 'zeopack' in refused.stderr and 'Data.fs.lock is locked' in refused.stderr, refused.stderr
    assert server.stop() == 0
    before = os.path.getsize(server.file)
    for expected in ('packed from', 'nothing to remove'):
        done = subprocess.run(servers.ZRS + ['pack', '--blobs', server.blobs, server.file],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and expected in done.stdout, done.stdout + done.stderr
    assert os.path.getsize(server.file) < before
    fstest.check(server.file)
    storage = FileStorage(server.file, blob_dir=server.blobs)
    assert storage._used_index
    db = ZODB.DB(storage)
    with db.transaction() as connection:
        assert connection.root()['value'] == 4
    db.close()
    missing = subprocess.run(servers.ZRS + ['pack', server.file + '.none'], capture_output=True, text=True, timeout=60)
    assert missing.returncode == 2 and 'does not exist' in missing.stderr
    for option, value in ('--rate', 'fast'), ('--days', 'x'), ('--days', '-1'), ('--days', 'nan'):
        wrong = subprocess.run(servers.ZRS + ['pack', '%s=%s' % (option, value), server.file],
                               capture_output=True, text=True, timeout=60)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith("Error: %s: '%s' is not" % (option, value)), wrong.stderr
        assert wrong.stderr.count('\n') == 1


@pytest.mark.ours
def test_a_pack_that_is_interrupted_leaves_nothing_behind(tmp_path):
    path = str(tmp_path / 'Data.fs')
    db = ZODB.DB(FileStorage(path))
    for value in range(5):
        with db.transaction() as connection:
            connection.root()['value'] = 'x' * 300_000 + str(value)
    db.close()
    with open(path, 'rb') as f:
        before = f.read()
    process = subprocess.Popen(servers.ZRS + ['pack', '--rate', '150KB', path],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        # It takes ten seconds to read the file, and then as long again to copy it.
        servers.wait_for('the new file', lambda: os.path.exists(path + '.pack') or process.poll() is not None, 120)
        assert process.poll() is None, process.stdout.read()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode not in (0, 2), said
    assert 'Traceback' not in said and '\tat ' not in said, said
    with open(path, 'rb') as f:
        assert f.read() == before
    # Python has left Data.fs.tmp.
    assert set(os.listdir(tmp_path)) <= {'Data.fs', 'Data.fs.index', 'Data.fs.lock', 'Data.fs.tmp'}
    done = subprocess.run(servers.ZRS + ['pack', path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and 'persistent.mapping.PersistentMapping: 5 records' in done.stdout, done.stdout
    db = ZODB.DB(FileStorage(path))
    with db.transaction() as connection:
        assert connection.root()['value'].endswith('x4')
    db.close()
