"""Programs of ZEO, zdaemon and Plone that people run beside a server work with ours as with Python's: zeopack, zeo-nagios,
zeoctl, and the zeopack of plone.recipe.zeoserver."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import ZEO
import ZODB
import ZODB.blob

from support import compare, servers

RUNZEO = [servers.CURRENT, '-m', 'ZEO.runzeo']
COMMANDS = pytest.mark.parametrize('command', [servers.ZRS, RUNZEO], ids=['zrs', 'python'])
BIN = os.path.dirname(servers.CURRENT)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture
def short():
    """A folder with a name short enough for unix sockets."""
    folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    yield folder
    shutil.rmtree(folder)


def changed(server, storage='1', blobs=None):
    """Ten revisions of an object, and of a blob."""
    db = ZODB.DB(ZEO.client(server.address, storage=storage, wait_timeout=30, blob_dir=blobs, shared_blob_dir=bool(blobs)))
    for n in range(10):
        with db.transaction() as connection:
            connection.root()['n'] = n
            if blobs:
                connection.root()['blob'] = ZODB.blob.Blob(b'content %d' % n)
    db.close()


def revisions(server, storage='1'):
    client = ZEO.client(server.address, storage=storage, wait_timeout=30)
    history = client.history(b'\0' * 8, 100)
    client.close()
    return len(history)


@COMMANDS
@pytest.mark.parametrize('how', ['server', 'name', 'options', 'unix', 'unix option', 'days'])
def test_zeopack(cluster, command, short, how):
    server = cluster('server', command, storage='pack-keep-old false')
    if how.startswith('unix'):
        with open(server.conf) as f:
            text = f.read().replace('127.0.0.1:%d' % server.port, short + '/zeo')
        with open(server.conf, 'w') as f:
            f.write(text)
        server.address = short + '/zeo'
        server.start(wait=False)
    else:
        server.start()
    changed(server)
    arguments = {
        'server': ['127.0.0.1:%d' % server.port],
        'name': ['127.0.0.1:%d:1' % server.port],
        'options': ['-h', '127.0.0.1', '-p', server.port, '-S', '1'],
        'unix': ['-u', short + '/zeo:1'],
        'unix option': ['-U', short + '/zeo'],
        'days': ['-d', '1', '127.0.0.1:%d' % server.port],
    }[how]
    done = run(BIN + '/zeopack', *arguments)
    assert done.returncode == 0 and done.stderr == '', done
    # It answers when the pack is done.
    assert revisions(server) == (11 if how == 'days' else 1)
    assert server.stop() == 0


def test_zeopack_of_a_storage_that_is_not_there(cluster):
    server = cluster('server').start()
    wrong = run(BIN + '/zeopack', '-d', 'x', '127.0.0.1:%d' % server.port)
    assert wrong.returncode == 2
    assert server.stop() == 0


@COMMANDS
def test_the_zeopack_of_plone_packs_a_database_with_shared_blobs(cluster, command):
    server = cluster('server', command, storage='pack-keep-old false').start()
    changed(server, blobs=server.blobs)
    assert len(compare.blob_files(server.blobs)) == 10
    script = 'from plone.recipe.zeoserver.pack import main; main(%r, %r, None, 0, None, None, None, %r, "1")' % (
        '127.0.0.1', str(server.port), server.blobs)
    done = run(servers.CURRENT, '-c', script)
    assert done.returncode == 0 and done.stdout == '', done
    assert revisions(server) == 1
    assert list(compare.blob_files(server.blobs).values()) == [b'content 9']
    assert server.stop() == 0


def nagios(*arguments):
    # The status is what main() returns to the script.
    done = run(BIN + '/zeo-nagios', *arguments)
    assert 'Traceback' not in done.stderr, done.stderr
    return done.returncode, re.sub(r'\d+\.\d+', 'N', done.stdout)


STORAGES = '''
<filestorage 1>
  path %(folder)s/1.fs
</filestorage>
<filestorage second>
  path %(folder)s/2.fs
</filestorage>
'''


def test_zeo_nagios_says_the_same_of_both(cluster, tmp_path):
    results = {}
    for name, command in ('python', RUNZEO), ('zrs', servers.ZRS):
        server = cluster(name, command)
        with open(server.conf) as f:
            text = f.read()
        start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
        with open(server.conf, 'w') as f:
            f.write(text[:start] + STORAGES % {'folder': server.folder} + text[end:])
        server.start()
        address = '127.0.0.1:%d' % server.port
        status = str(tmp_path / (name + '.json'))
        found = [nagios(address), nagios('-m', address), nagios('-m', '-s', status, address)]
        for storage in '1', 'second':
            changed(server, storage)
        servers.wait_for('the clients are gone', lambda: '"connections": 1' not in json.dumps(status_of(server)), 30,
                         server.read_logs)
        time.sleep(0.01)  # the program divides by the time that has passed
        found += [nagios(address), nagios('-m', '-s', status, '-u', 'hours', address)]
        assert server.stop() == 0
        found.append(nagios(address))
        with open(status) as f:
            found.append(sorted((name, sorted(values)) for name, values in json.load(f).items()))
        results[name] = found
    assert results['zrs'] == results['python']
    assert results['zrs'][0] == (1, "Empty storage '1'\nEmpty storage 'second'\n")
    assert results['zrs'][3] == (0, 'OK\n')
    assert results['zrs'][5][0] == 2


def status_of(server):
    import socket
    import struct
    with socket.create_connection(server.address, 10) as s:
        s.sendall(b'\0\0\0\4ruok')
        stream = s.makefile('rb')
        for _ in range(2):
            frame = stream.read(struct.unpack('>I', stream.read(4))[0])
        return json.loads(frame)


def zeoctl(conf, *action):
    return run(BIN + '/zeoctl', '-C', conf, *action)


@pytest.fixture
def controlled(cluster, short):
    """A server that zeoctl starts, by our script in the place of runzeo."""
    server = cluster('server')
    # Our script, or what is installed elsewhere.
    program = ' '.join(servers.ZRS + ['serve']) if os.environ.get('ZRS_COMMAND') else os.path.join(servers.ROOT, 'runzeo')
    with open(server.folder + '/answers.py', 'w') as f:
        f.write("import socket; socket.create_connection(('127.0.0.1', %d))" % server.port)
    with open(server.conf, 'a') as f:
        f.write('''
        <runner>
          program %s -C %s
          socket-name %s/zdsock
          daemon true
          transcript %s/transcript
          start-test-program %s %s/answers.py
        </runner>
        ''' % (program, server.conf, short, server.folder, servers.CURRENT, server.folder))
    yield server
    zeoctl(server.conf, 'stop')


def pid_in(status):
    return int(re.search(r'pid=(\d+)', status).group(1))


@pytest.mark.ours
def test_zeoctl_starts_asks_signals_restarts_and_stops_it(controlled):
    server = controlled
    started = zeoctl(server.conf, 'start')
    assert started.returncode == 0, started.stdout + started.stderr
    pid = pid_in(zeoctl(server.conf, 'status').stdout)
    with open(server.pid_file) as f:
        # The process that zdaemon knows is the server, not a shell around it.
        assert int(f.read()) == pid
    changed(server)

    os.rename(server.log, server.log + '.old')
    killed = zeoctl(server.conf, 'kill', 'USR2')
    assert killed.returncode == 0, killed
    servers.wait_for('the log is opened again',
                     lambda: os.path.exists(server.log) and 'Log files reopened successfully' in open(server.log).read(),
                     30, server.read_logs)

    # runzeo's exit code after SIGHUP makes zdaemon start it again.
    os.kill(pid, signal.SIGHUP)

    def again():
        found = re.search(r'pid=(\d+)', zeoctl(server.conf, 'status').stdout)
        return found and int(found.group(1)) != pid
    servers.wait_for('it was started again', again, 60, server.read_logs)
    assert revisions(server) == 11

    before = pid_in(zeoctl(server.conf, 'status').stdout)
    restarted = zeoctl(server.conf, 'restart')
    assert restarted.returncode == 0, restarted
    assert pid_in(zeoctl(server.conf, 'status').stdout) != before
    assert revisions(server) == 11

    stopped = zeoctl(server.conf, 'stop')
    assert stopped.returncode == 0 and 'stopped' in stopped.stdout, stopped
    assert not os.path.exists(server.pid_file)
    assert 'not running' in zeoctl(server.conf, 'status').stdout
