"""O: a server that can't have one of its addresses, or is configured wrongly, does not start: one clear
line, and nothing is opened or changed. Python's runs on without replication."""
import contextlib
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile

import pytest
import transaction
import ZEO
import ZODB

from support import databases, servers

# What log watchers look for, and the error of the system as Java tells it.
IN_USE = 'in use'
UNKNOWN = 'the host name is unknown'


@pytest.fixture
def short():
    """A folder with a name short enough for unix sockets."""
    folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')
    yield folder
    shutil.rmtree(folder)


def files(folder):
    """Everything below a folder: kind, size, time of the last change."""
    found = {}
    for at, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(at, name)
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            found[path] = (kind, status.st_size, status.st_mtime_ns) if kind != stat.S_IFDIR else kind
    return found


def refused(conf, *options):
    """Starts a server that must end with one clear line; returns that and the exit code."""
    done = subprocess.run(servers.ZRS + ['serve', '-C', conf, *options], capture_output=True, text=True, timeout=120)
    assert 'Exception' not in done.stderr and '\tat ' not in done.stderr, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith('Error: ')]
    assert len(errors) == 1, done.stderr
    return errors[0], done.returncode


def with_zeo_address(server, address):
    with open(server.conf) as f:
        changed = f.read().replace('address 127.0.0.1:%d' % server.port, 'address ' + address)
    assert 'address ' + address in changed
    with open(server.conf, 'w') as f:
        f.write(changed)


@contextlib.contextmanager
def listening(family, address):
    with socket.socket(family) as taken:
        taken.bind(address)
        taken.listen()
        yield taken.getsockname()


def a_port_in_use(folder, stack):
    name = stack.enter_context(listening(socket.AF_INET, ('127.0.0.1', 0)))
    return '127.0.0.1:%d' % name[1]


def a_port_in_use_at_all_interfaces(folder, stack):
    name = stack.enter_context(listening(socket.AF_INET, ('127.0.0.1', 0)))
    return ':%d' % name[1]


def a_socket_in_use(folder, stack):
    return stack.enter_context(listening(socket.AF_UNIX, folder + '/living.sock'))


def an_unknown_host(folder, stack):
    return 'no-such-host.invalid:8100'


def an_address_of_another_machine(folder, stack):
    return '192.0.2.1:8100'


def a_missing_folder(folder, stack):
    return folder + '/none/zrs.sock'


def a_long_path(folder, stack):
    return folder + '/' + 'x' * 120


def a_regular_file(folder, stack):
    with open(folder + '/file', 'w') as f:
        f.write('precious')
    return folder + '/file'


def a_folder(folder, stack):
    os.mkdir(folder + '/folder')
    return folder + '/folder'


def a_pipe(folder, stack):
    os.mkfifo(folder + '/pipe')
    return folder + '/pipe'


ADDRESSES = {
    a_port_in_use: IN_USE,
    a_port_in_use_at_all_interfaces: IN_USE,
    a_socket_in_use: IN_USE,
    an_unknown_host: UNKNOWN,
    an_address_of_another_machine: 'Cannot assign requested address',
    a_missing_folder: 'No such file or directory',
    a_long_path: 'too long',
    a_regular_file: 'no socket',
    a_folder: 'no socket',
    a_pipe: 'no socket',
}


@pytest.mark.ours
@pytest.mark.parametrize('whose', ['zeo', 'replicate-to'])
@pytest.mark.parametrize('what', ADDRESSES, ids=lambda what: what.__name__)
def test_an_address_that_can_not_be_had_stops_the_start(cluster, short, what, whose):
    with contextlib.ExitStack() as stack:
        address = what(short, stack)
        server = cluster('server', replicate_to=address if whose == 'replicate-to' else None)
        if whose == 'zeo':
            with_zeo_address(server, address)
        databases.make(server.file, server.blobs, objects=20, pack=False)
        before = files(server.folder), files(short)
        error, code = refused(server.conf)
        assert code == 1
        named = 'no-such-host.invalid' if what is an_unknown_host else address.lstrip(':')
        assert ADDRESSES[what].lower() in error.lower() and named in error, error
        after = files(server.folder), files(short)
        log = after[0].pop(server.log)  # it says why
        assert log and after == before
        assert re.search('could not start', server.read_logs())


@pytest.mark.ours
def test_two_storages_of_one_server_can_not_have_one_address(cluster):
    port = servers.free_port()
    server = cluster('server', replicate_to=port)
    with open(server.conf, 'a') as f:
        f.write('<zrs 2>\n replicate-to 127.0.0.1:%d\n <filestorage>\n path %s\n </filestorage>\n</zrs>\n'
                % (port, server.folder + '/Two.fs'))
    error, code = refused(server.conf)
    assert code == 1 and IN_USE in error and str(port) in error, error
    assert not os.path.exists(server.file) and not os.path.exists(server.folder + '/Two.fs')


@pytest.mark.ours
def test_a_second_start_by_mistake_does_no_harm(cluster, short):
    """Also to the process id and the control socket of the first."""
    server = cluster('server', replicate_to=short + '/to.sock', zeo='')
    with_zeo_address(server, short + '/zeo.sock')
    server.address = short + '/zeo.sock'
    server.start(wait=False)
    servers.wait_for('it serves', lambda: 'listening on' in server.read_logs(), 60, server.read_logs)
    servers.wait_for('it takes commands', lambda: os.path.exists(server.file + '.control'), 60, server.read_logs)
    with open(server.pid_file) as f:
        pid = f.read()
    error, code = refused(server.conf)
    assert code == 1 and IN_USE in error and 'zeo.sock' in error, error
    with open(server.pid_file) as f:
        assert f.read() == pid
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    with db.transaction() as connection:
        connection.root()['still'] = 'there'
    db.close()
    done = subprocess.run(servers.ZRS + ['status', '-C', server.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    socket.socket(socket.AF_UNIX).connect(short + '/to.sock')
    assert server.stop() == 0
    assert not os.path.exists(short + '/to.sock') and not os.path.exists(short + '/zeo.sock')


@pytest.mark.ours
def test_the_sockets_of_a_killed_server_are_replaced(cluster, short):
    """zc.zrs can't listen where one is left behind, and hardly says so."""
    paths = [short + '/zeo.sock', short + '/to.sock', short + '/control.sock']
    server = cluster('server', replicate_to=paths[1])
    with_zeo_address(server, paths[0])
    server.command = servers.ZRS

    def start():
        server.output = open(server.folder + '/output', 'ab')
        server.process = subprocess.Popen(
            servers.ZRS + ['serve', '-C', server.conf, '--control', paths[2]],
            stdout=server.output, stderr=server.output, stdin=subprocess.DEVNULL)
        servers.wait_for('all three answer', lambda: all(map(answers, paths)), 60, server.read_logs)

    def answers(path):
        assert server.process.poll() is None, server.read_logs()
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(path) == 0

    start()
    server.kill()
    assert all(map(os.path.exists, paths))
    start()
    # A command that would take the control socket of this one.
    other = cluster('other')
    other.output = open(other.folder + '/output', 'ab')
    other.process = subprocess.Popen(
        servers.ZRS + ['serve', '-C', other.conf, '--control', paths[2]],
        stdout=other.output, stderr=other.output, stdin=subprocess.DEVNULL)
    servers.wait_for('it says so', lambda: 'no control socket' in other.read_logs(), 60, other.read_logs)
    assert IN_USE in other.read_logs()
    other.kill()
    done = subprocess.run(servers.ZRS + ['status', '--control', paths[2], '--json'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and server.file in done.stdout, done
    assert server.stop() == 0
    assert not any(map(os.path.exists, paths))


@pytest.mark.ours
def test_a_control_socket_does_not_replace_a_file(cluster, short):
    server = cluster('server')
    path = short + '/Other.fs'
    databases.make(path, objects=5, pack=False)
    with open(path, 'rb') as f:
        before = f.read()
    server.output = open(server.folder + '/output', 'ab')
    server.process = subprocess.Popen(
        servers.ZRS + ['serve', '-C', server.conf, '--control', path],
        stdout=server.output, stderr=server.output, stdin=subprocess.DEVNULL)
    servers.wait_for('it says so', lambda: 'no socket' in server.read_logs(), 60, server.read_logs)
    server.stop()
    with open(path, 'rb') as f:
        assert f.read() == before


@pytest.mark.parametrize('upstream', [an_unknown_host, a_port_in_use, a_missing_folder], ids=lambda u: u.__name__)
def test_an_upstream_that_is_not_there_is_no_reason_not_to_start(cluster, short, upstream):
    with contextlib.ExitStack() as stack:
        address = upstream(short, stack)
    # Nobody listens there any more.
    server = cluster('server', replicate_from=address).start()
    reading = ZEO.client(server.address, read_only=True, wait_timeout=30)
    assert reading.isReadOnly() and reading.lastTransaction() == b'\0' * 8
    reading.close()
    if not server.is_python:
        servers.wait_for('it tells the reason, and tries again',
                         lambda: len(re.findall('refused|failed|could not', server.read_logs())) > 1,
                         60, server.read_logs)
    assert server.stop() == 0


def test_an_upstream_that_comes_later_is_found(cluster, short):
    address = short + '/to.sock'
    secondary = cluster('secondary', replicate_from=address).start()
    primary = cluster('primary', servers.RUNZEO, replicate_to=address).start()
    db = ZODB.DB(ZEO.client(primary.address, wait_timeout=30))
    with db.transaction() as connection:
        connection.root()['late'] = 1
    db.close()
    transaction.abort()
    servers.wait_for('it has caught up', lambda: secondary.size() == primary.size() > 4, 60, secondary.read_logs)


ZEO_SECTION = '<zeo>\n address %d\n</zeo>\n'
FILE = ' <filestorage>\n path Data.fs\n </filestorage>\n'
CONFIGURATIONS = {
    'one address for both':
        ('%import zc.zrs\n<zrs>\n replicate-to a:2\n replicate-from a:2\n' + FILE + '</zrs>\n', 7, 'must be different'),
    'no address': ('%import zc.zrs\n<zrs>\n' + FILE + '</zrs>\n', 5, 'You must specify'),
    'a bad address': ('%import zc.zrs\n<zrs>\n replicate-to host:port\n' + FILE + '</zrs>\n', 6, 'replicate-to'),
    'a bad delay': ('%import zc.zrs\n<zrs>\n replicate-to 2\n keep-alive-delay often\n' + FILE + '</zrs>\n',
                    7, 'keep-alive-delay'),
    'no storage': ('%import zc.zrs\n<zrs>\n replicate-to 2\n</zrs>\n', 5, 'storage'),
    'two storages': ('%import zc.zrs\n<zrs>\n replicate-to 2\n' + FILE + FILE + '</zrs>\n', 10, 'filestorage'),
    'an unknown key': ('%import zc.zrs\n<zrs>\n replicate-to 2\n replicate-with 3\n' + FILE + '</zrs>\n',
                       7, 'replicate-with'),
    'no import': ('<zrs>\n replicate-to 2\n' + FILE + '</zrs>\n', 4, 'zrs'),
}


@pytest.mark.parametrize('command', [servers.ZRS, servers.RUNZEO], ids=['zrs', 'zc.zrs'])
@pytest.mark.parametrize('what', CONFIGURATIONS)
def test_a_wrong_zrs_section_is_refused_as_by_zc_zrs(tmp_path, what, command):
    text, line, words = CONFIGURATIONS[what]
    conf = tmp_path / 'zeo.conf'
    conf.write_text(ZEO_SECTION % servers.free_port() + text)
    if command is servers.RUNZEO:
        done = subprocess.run(command + ['-C', str(conf)], capture_output=True, text=True, timeout=120, cwd=tmp_path)
        # It names a line, of the key or of the end of the section, or what is wrong.
        assert done.returncode in (1, 2) and (words in done.stderr or 'line ' in done.stderr), done.stderr
        return
    error, code = refused(str(conf))
    assert code == 2 and 'zeo.conf, line %d:' % line in error and words in error, error
    assert os.listdir(tmp_path) == ['zeo.conf']
