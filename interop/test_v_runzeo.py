"""What runzeo takes and does: options, signals, exit codes, logs, addresses; ours and ZEO 6.2's side by side."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest
import ZEO
import ZODB
from ZEO.Exceptions import ClientDisconnected

from support import servers

RUNZEO = [servers.CURRENT, '-m', 'ZEO.runzeo']
COMMANDS = pytest.mark.parametrize('command', [servers.ZRS, RUNZEO], ids=['zrs', 'python'])

CONF = '''
<zeo>
  address 127.0.0.1:%d
</zeo>
<filestorage 1>
  path %s/conf.fs
</filestorage>
'''

# What is typed, and the exit code. A is an address, C a configuration; more files than said here must not be made.
OPTIONS = {
    '-a A -f a.fs': 0,
    '-aA -fa.fs -fb.fs': 0,
    '--address=A --filename a.fs': 0,
    '--addr A --file=a.fs': 0,
    '-a h:x -f a.fs': 2,
    '-a A': 2,
    '-f a.fs': 2,
    '': 2,
    '-C C': 0,
    '--configure C': 0,
    '--conf C -C C': 0,
    '-C file://C': 0,
    '-C C -C other.conf': 2,
    '-C none.conf': 2,
    '-C C -f a.fs': 0,
    '-C C -X zeo/read-only=true': 0,
    '-C C -X filestorage/path=a.fs -X zeo/invalidation-queue-size=7': 0,
    '-C C -X zeo/nonsense=1': 2,
    '-C C -X none/read-only=true': 2,
    '-C C -X zeo/read-only=maybe': 2,
    '-C C -X nonsense': 2,
    '-X zeo/read-only=true -a A -f a.fs': 2,
    '-a A -f a.fs -t x': 2,
    '-a A -f a.fs --pid-file here.pid': 0,
    '-a A -f a.fs more': 2,
    '-a A -f a.fs -q': 2,
    '-a A -f': 2,
    '-h': 0,
    '--help': 0,
    '--version': 0,
}


@pytest.mark.parametrize('typed', OPTIONS)
def test_options_mean_the_same(tmp_path, typed):
    results = []
    for name, command in ('python', RUNZEO), ('zrs', servers.ZRS + ['serve']):
        folder = tmp_path / name
        folder.mkdir()
        port = servers.free_port()
        conf = folder / 'zeo.conf'
        conf.write_text(CONF % (port, folder))
        arguments = [re.sub(r'\bA\b|(?<=-a)A', '127.0.0.1:%d' % port, re.sub(r'\bC$', str(conf), argument))
                     if argument not in ('-C', '-X') else argument for argument in typed.split()]
        done = subprocess.run(command + ['--test'] + arguments, capture_output=True, text=True, timeout=120, cwd=folder,
                              env={k: v for k, v in os.environ.items() if k != 'INSTANCE_HOME'})
        made = sorted(file for file in os.listdir(folder) if file.endswith('.fs') or file.endswith('.pid'))
        results.append((done.returncode != 0, 'testing exit immediately' in done.stdout, made))
        # Of one of these Python makes a traceback.
        if command is not RUNZEO or 'Traceback' not in done.stderr:
            assert done.returncode == OPTIONS[typed], done.stderr
            if done.returncode:
                assert 'Error: ' in done.stderr or 'Usage: ' in done.stderr, done.stderr
        assert '\tat ' not in done.stderr, done.stderr
    assert results[0] == results[1]


@COMMANDS
@pytest.mark.parametrize('how, code', [('SIGTERM', 0), ('SIGINT', 0), ('SIGHUP', 1)])
def test_a_signal_ends_it_with_the_exit_code_that_zdaemon_looks_at(cluster, command, how, code):
    server = cluster('server', command).start()
    with open(server.pid_file) as f:
        assert f.read() == '%d\n' % server.process.pid
    client = ZEO.client(server.address, wait_timeout=30)
    server.process.send_signal(getattr(signal, how))
    assert server.process.wait(60) == code
    client.close()
    assert not os.path.exists(server.pid_file)
    word = 'restarted' if how == 'SIGHUP' else 'terminated'
    assert ' INFO ZEO.runzeo (%d) %s by %s\n' % (server.process.pid, word, how) in server.read_logs()


def with_eventlog(server, eventlog):
    """Other logs in the place of the one that every server has."""
    with open(server.conf) as f:
        text = f.read()
    with open(server.conf, 'w') as f:
        f.write(text[:text.index('<eventlog>')] + eventlog)
    return server


def contents(path):
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as f:
        return f.read()


REOPENED = 'Log files reopened successfully'


@COMMANDS
def test_sigusr2_opens_all_logs_again(cluster, command, tmp_path):
    server = with_eventlog(cluster('server', command), '''
        <eventlog>
          <logfile>
            path %(folder)s/plain
          </logfile>
          <logfile>
            path %(folder)s/late
            delay true
          </logfile>
          <logfile>
            path %(folder)s/rotated
            max-size 100MB
            old-files 2
          </logfile>
          <logfile>
            path %(folder)s/timed
            when D
            old-files 2
          </logfile>
        </eventlog>''' % {'folder': tmp_path})
    server.log = str(tmp_path / 'plain')
    server.start()
    for name in 'plain', 'late', 'rotated', 'timed':
        servers.wait_for(name, lambda: 'listening on' in contents(tmp_path / name), 30, server.read_logs)
    if server.is_python:
        # A signal while it writes of the connection that we have tried costs it its logs.
        servers.wait_for('nothing more to say', lambda: 'disconnected' in contents(tmp_path / 'timed'), 30,
                         server.read_logs)
    before = set(os.listdir(tmp_path))
    for name in 'plain', 'late':
        os.rename(tmp_path / name, tmp_path / (name + '.moved'))
    server.process.send_signal(signal.SIGUSR2)
    for name in 'plain', 'late', 'rotated', 'timed':
        servers.wait_for(name, lambda: REOPENED in contents(tmp_path / name), 30, server.read_logs)
        assert 'listening on' not in contents(tmp_path / name)
    for name in 'plain.moved', 'late.moved', 'rotated.1':
        assert 'listening on' in contents(tmp_path / name)
    dated, = (name for name in set(os.listdir(tmp_path)) - before if re.fullmatch(r'timed\.\d{4}-\d\d-\d\d', name))
    assert 'listening on' in contents(tmp_path / dated)
    assert server.stop() == 0


@COMMANDS
def test_sigusr2_without_an_eventlog(cluster, command):
    server = with_eventlog(cluster('server', command), '').start()
    output = os.path.join(server.folder, 'output')
    server.process.send_signal(signal.SIGUSR2)
    servers.wait_for('the warning',
                     lambda: ' WARNING ZEO.runzeo (%d) received SIGUSR2, but it was not handled!\n' % server.process.pid
                     in contents(output), 30, server.read_logs)
    assert server.stop() == 0


@COMMANDS
def test_handlers_of_all_kinds_at_once(cluster, command, tmp_path, sockets):
    paths = {}
    for kind in 'unix', 'udp':
        s = socket.socket(socket.AF_UNIX if kind == 'unix' else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(sockets + '/log' if kind == 'unix' else ('127.0.0.1', 0))
        s.settimeout(30)
        paths[kind] = s
    server = with_eventlog(cluster('server', command), '''
        <eventlog>
          level 15
          <logfile>
            path %(folder)s/classic
            format %%(levelno)d %%(levelname)-9s|%%(name)s|%%(message)s
          </logfile>
          <logfile>
            path %(folder)s/format
            style format
            format {levelno:d} {levelname:<9}|{name}|{message}
            encoding latin-1
          </logfile>
          <logfile>
            path %(folder)s/template
            style template
            format $${levelno} $$levelname|$$name|$$message
            level info
          </logfile>
          <logfile>
            path %(folder)s/safe
            style safe-template
            arbitrary-fields true
            format $$levelno $$levelname|$$name|$$message $$other $$
          </logfile>
          <logfile>
            path %(folder)s/errors
            level error
          </logfile>
          <logfile>
            path STDOUT
            format out %%(message)s
          </logfile>
          <logfile>
            path STDERR
            format err %%(message)s
          </logfile>
          <syslog>
            address %(unix)s
            facility local3
          </syslog>
          <syslog>
            address 127.0.0.1:%(udp)d
            format zeo: %%(message)s
            level info
          </syslog>
        </eventlog>''' % {'folder': tmp_path, 'unix': sockets + '/log', 'udp': paths['udp'].getsockname()[1]})
    server.start()
    pid = server.process.pid
    message = "(%d) opening storage '1' using FileStorage" % pid
    output = os.path.join(server.folder, 'output')
    for path, line in {tmp_path / 'classic': '20 INFO     |ZEO.runzeo|%s', tmp_path / 'format': '20 INFO     |ZEO.runzeo|%s',
                       tmp_path / 'template': '20 INFO|ZEO.runzeo|%s', tmp_path / 'safe': '20 INFO|ZEO.runzeo|%s $other $',
                       output: 'out %s'}.items():
        assert line % message + '\n' in contents(path), path
    assert 'err %s\n' % message in contents(output)
    assert contents(tmp_path / 'errors') == ''
    first = ("(%d) created PID file '%s'" % (pid, server.pid_file)).encode()
    assert paths['unix'].recv(10000) == b'<158>ZEO.runzeo ' + first + b'\0'
    assert paths['udp'].recv(10000) == b'<14>zeo: ' + first + b'\0'
    assert server.stop() == 0
    for s in paths.values():
        s.close()


@pytest.fixture
def sockets():
    """A folder with a name short enough for unix sockets."""
    folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    yield folder
    shutil.rmtree(folder)


STORAGES = '''
<filestorage main>
  path %(folder)s/main.fs
</filestorage>
<filestorage>
  path %(folder)s/unnamed.fs
</filestorage>
<mappingstorage Temporary>
</mappingstorage>
'''


@COMMANDS
@pytest.mark.parametrize('kind', ['unix', 'ipv6', 'everywhere', 'port'])
def test_storages_by_name_at_every_kind_of_address(cluster, command, sockets, kind):
    port = servers.free_port()
    address, connect = {
        'unix': (sockets + '/zeo', sockets + '/zeo'),
        'ipv6': ('[::1]:%d' % port, ('::1', port)),
        'everywhere': ('0.0.0.0:%d' % port, ('127.0.0.1', port)),
        'port': (str(port), ('127.0.0.1', port)),
    }[kind]
    server = cluster('server', command)
    with open(server.conf) as f:
        text = f.read()
    start, end = text.index('<filestorage 1>'), text.index('</filestorage>') + len('</filestorage>')
    text = text[:start] + STORAGES % {'folder': server.folder} + text[end:]
    with open(server.conf, 'w') as f:
        f.write(text.replace('address 127.0.0.1:%d' % server.port, 'address ' + address))
    server.start(wait=False)
    for name in 'main', '1', 'temporary':
        db = ZODB.DB(ZEO.client(connect, storage=name, wait_timeout=60))
        with db.transaction() as connection:
            connection.root()['name'] = name
        db.close()
    for name in 'main', '1', 'temporary':
        db = ZODB.DB(ZEO.client(connect, storage=name, wait_timeout=30))
        with db.transaction() as connection:
            assert connection.root()['name'] == name
        db.close()
    with pytest.raises(ClientDisconnected):
        ZEO.client(connect, storage='none', wait_timeout=3)
    assert 'unknown storage_id: none' in server.read_logs()
    assert server.stop() == 0
    assert not os.path.exists(sockets + '/zeo')
