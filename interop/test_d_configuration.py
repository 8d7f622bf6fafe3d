"""D: the zeo.conf of plone.recipe.zeoserver, and what a user sees who got one wrong."""
import os
import socket
import subprocess

import pytest
import transaction
import ZEO
import ZODB

from support import servers

def recipe(folder, **options):
    """Runs the recipe's own code, as buildout does, and returns the zeo.conf it wrote."""
    script = '''
import os, sys
import plone.recipe.zeoserver.recipe as module
module.HAS_ZRS = True  # what it finds out by importing zc.zrs, which is in the other environment
folder, options = sys.argv[1], dict(o.split('=', 1) for o in sys.argv[2:])
location = os.path.join(folder, 'parts', 'zeo')
for d in ('etc', 'bin', 'var', 'log'):
    os.makedirs(os.path.join(location, d), exist_ok=True)
recipe = module.Recipe.__new__(module.Recipe)
recipe.name = 'zeo'
recipe.buildout = {'buildout': {'directory': folder}}
recipe.options = dict(options, location=location)
recipe.build_zeo_conf()
'''
    done = subprocess.run(
        [servers.CURRENT, '-c', script, str(folder)] + ['%s=%s' % i for i in options.items()],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return os.path.join(folder, 'parts', 'zeo', 'etc', 'zeo.conf')


@pytest.mark.parametrize('replicated', [False, True], ids=['plain', 'with zrs'])
def test_the_recipes_configuration_works(cluster, tmp_path, replicated):
    port, replication = servers.free_port(), servers.free_port()
    options = {'zeo-address': '127.0.0.1:%d' % port, 'blob-storage': str(tmp_path / 'var' / 'blobstorage'),
               'pack-gc': 'false', 'zeo-log': str(tmp_path / 'var' / 'zeo.log'),
               'zeo-log-max-size': '5MB', 'zeo-log-old-files': '2'}
    if replicated:
        options.update({'replicate-to': '127.0.0.1:%d' % replication, 'keep-alive-delay': '5'})
    for name in ('var', 'var/filestorage', 'var/blobstorage', 'var/log'):
        os.makedirs(tmp_path / name, exist_ok=True)
    conf = recipe(tmp_path, **options)
    server = cluster('unused')
    server.conf, server.port, server.address = conf, port, ('127.0.0.1', port)
    server.log = str(tmp_path / 'var' / 'zeo.log')
    with open(conf) as f:
        text = f.read()
    assert ('%import zc.zrs' in text) == replicated
    server.start()
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    with db.transaction() as connection:
        connection.root()['hello'] = 'world'
    db.close()
    if replicated:
        socket.create_connection(('127.0.0.1', replication), 5).close()
    assert 'listening on' in server.read_logs()
    assert server.stop() == 0
    assert (tmp_path / 'var' / 'filestorage' / 'Data.fs.index').exists()


BAD = {
    'unknown section': ('<zoe>\n</zoe>\n', 'zoe'),
    'unknown key': ('<zeo>\n address 1\n adress 2\n</zeo>\n', 'adress'),
    'bad boolean': ('<zeo>\n address 1\n read-only maybe\n</zeo>\n', 'read-only'),
    'bad number': ('<zeo>\n address 1\n invalidation-queue-size many\n</zeo>\n', 'invalidation-queue-size'),
    'bad address': ('<zeo>\n address localhost:port\n</zeo>\n', 'address'),
    'no address': ('<zeo>\n</zeo>\n', 'address'),
    'not closed': ('<zeo>\n address 1\n', 'zeo'),
    'closed wrongly': ('<zeo>\n address 1\n</eventlog>\n', 'eventlog'),
    'undefined name': ('<zeo>\n address $port\n</zeo>\n', 'port'),
    'no path': ('<zeo>\n address 1\n</zeo>\n<filestorage 1>\n</filestorage>\n', 'path'),
    'missing folder': ('<zeo>\n address 1\n</zeo>\n<filestorage 1>\n path /no/such/folder/Data.fs\n</filestorage>\n',
                       '/no/such/folder'),
    'no storage': ('<zeo>\n address 1\n</zeo>\n', 'storage'),
    'same storage name': ('<zeo>\n address 1\n</zeo>\n<filestorage 1>\n path a.fs\n</filestorage>\n'
                          '<filestorage 1>\n path b.fs\n</filestorage>\n', '1'),
    'zrs without import': ('<zeo>\n address 1\n</zeo>\n<zrs 1>\n replicate-to 2\n <filestorage>\n path a.fs\n'
                           ' </filestorage>\n</zrs>\n', 'zrs'),
    'zrs without role': ('%import zc.zrs\n<zeo>\n address 1\n</zeo>\n<zrs 1>\n <filestorage>\n path a.fs\n'
                         ' </filestorage>\n</zrs>\n', 'You must specify'),
    'zrs from itself': ('%import zc.zrs\n<zeo>\n address 1\n</zeo>\n<zrs 1>\n replicate-to h:2\n replicate-from h:2\n'
                        ' <filestorage>\n path a.fs\n </filestorage>\n</zrs>\n', 'must be different'),
    'other import': ('%import some.package\n', 'some.package'),
    'a time-out of nothing': ('<zeo>\n address 1\n transaction-timeout 0\n</zeo>\n<filestorage>\n path a.fs\n</filestorage>\n',
                              'line 3: transaction-timeout'),
    'two bases': ('<zeo>\n address 1\n</zeo>\n<demostorage 1>\n <mappingstorage a>\n </mappingstorage>\n'
                  ' <mappingstorage b>\n </mappingstorage>\n</demostorage>\n', 'line 7: <mappingstorage b>: too many base'),
    'blobs twice': ('<zeo>\n address 1\n</zeo>\n<blobstorage>\n blob-dir b\n <filestorage>\n path a.fs\n blob-dir c\n'
                    ' </filestorage>\n</blobstorage>\n', 'line 8: blob-dir'),
}


def refused(arguments, folder):
    """Runs the server, which must end with one clear line; returns that and the exit code."""
    done = subprocess.run(servers.ZRS + ['serve'] + arguments, capture_output=True, text=True, timeout=60, cwd=folder)
    assert 'Exception' not in done.stderr and '\tat ' not in done.stderr, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith('Error: ')]
    assert len(errors) == 1, done.stderr
    return errors[0], done.returncode


@pytest.mark.ours
@pytest.mark.parametrize('what', BAD)
def test_a_bad_configuration_gives_one_clear_error(tmp_path, what):
    text, named = BAD[what]
    conf = tmp_path / 'zeo.conf'
    conf.write_text(text)
    error, code = refused(['-C', str(conf)], tmp_path)
    assert code == 2
    assert 'zeo.conf' in error and named in error, error
    assert 'line ' in error or what in ('no storage', 'no address'), error


@pytest.mark.ours
def test_a_missing_configuration_is_named(tmp_path):
    error, code = refused(['-C', str(tmp_path / 'none.conf')], tmp_path)
    assert code == 2 and 'none.conf' in error


@pytest.mark.ours
@pytest.mark.parametrize('which', ['zeo', 'replication'])
def test_a_busy_port_is_named_and_nothing_is_left(cluster, tmp_path, which):
    with socket.socket() as busy:
        busy.bind(('127.0.0.1', 0))
        busy.listen()
        port = busy.getsockname()[1]
        server = cluster('server', replicate_to=port if which == 'replication' else None)
        if which == 'zeo':
            with open(server.conf) as f:
                text = f.read().replace(':%d' % server.port, ':%d' % port)
            with open(server.conf, 'w') as f:
                f.write(text)
            server.port, server.address = port, ('127.0.0.1', port)
        error, code = refused(['-C', server.conf], tmp_path)
    assert code == 1 and str(port) in error and 'in use' in error.lower(), error
    assert not os.path.exists(server.pid_file)
    server.start()
    assert server.stop() == 0
