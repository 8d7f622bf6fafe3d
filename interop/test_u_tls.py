"""U: <ssl>: Python's clients over TLS, and what the log says when there is no agreement."""
import os
import socket
import ssl
import subprocess
import threading

import pytest
import transaction
import ZEO
import ZODB
from ZEO.Exceptions import ClientDisconnected
from ZODB.blob import Blob

from support import certificates, servers
from support.certificates import joined, openssl
from support.servers import wait_for

LIMIT = 60
STOCK_RUNZEO = [os.path.join(servers.PEERS, 'current', 'bin', 'runzeo')]

# Run by the client of the other Python packages.
COMMITTER = '''
import ssl, sys, transaction, ZEO, ZODB
port, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.load_cert_chain(certificate, key)
db = ZODB.DB(ZEO.client(('127.0.0.1', int(port)), ssl=context, ssl_server_hostname='zodb.org', wait_timeout=60))
root = db.open().root()
root['n'] = root.get('n', 0) + 1
transaction.commit()
print(root['n'])
db.close()
'''


class Files:
    """What the tests use: two authorities, a server, and clients."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = certificates.Authority(folder, 'Good Authority')
        self.other = certificates.Authority(folder, 'Other Authority')
        self.server = self.authority.issue('server')
        self.client = self.authority.issue('client')
        self.expired = self.authority.issue('expired', '20200101000000Z', '20210101000000Z')
        self.stranger = self.other.issue('stranger')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp('certificates'))


def section(server, authenticate, *more):
    return '<ssl>\n certificate %s\n key %s\n authenticate %s\n %s\n</ssl>' % (
        server.certificate, server.key, authenticate, '\n'.join(more))


def context(authority, pair=None):
    made = ssl.create_default_context(cafile=authority.certificate)
    if pair:
        made.load_cert_chain(pair.certificate, pair.key)
    return made


def connect(server, secured, **options):
    if secured:
        options.update(ssl=secured, ssl_server_hostname=options.pop('host', 'zodb.org'))
    return ZEO.client(server.address, wait_timeout=LIMIT, **options)


def read(path):
    with open(path) as f:
        return f.read()


def refused(server, secured, *texts, host='zodb.org'):
    """The client does not come in, and one line of the log says why."""
    before = len(read(server.log))

    def lines():
        return [line for line in read(server.log)[before:].split('\n') if 'WARNING' in line or 'ERROR' in line]

    # It tries again at once, for ever: only until the line is there, since of too many lines some are left out.
    client = ZEO.client(server.address, wait=False, ssl=secured, ssl_server_hostname=host)
    try:
        wait_for('a line with %s' % (texts,), lambda: any(all(text in line for text in texts) for line in lines()),
                 LIMIT, server.read_logs)
        assert not client.is_connected()
    finally:
        client.close()
    for line in lines():
        assert 'WARNING ZEO.asyncio.server closing the connection of 127.0.0.1:' in line
    assert 'Traceback' not in read(server.log) and '\tat ' not in read(server.log)


@pytest.fixture
def server(cluster, files):
    return cluster('tls', zeo=section(files.server, files.authority.certificate)).start()


def test_transactions_blobs_and_threads(server, files, tmp_path):
    secured = context(files.authority, files.client)
    db = ZODB.DB(connect(server, secured, blob_dir=str(tmp_path / 'cache')))
    connection = db.open()
    content = os.urandom(3 << 20)
    connection.root()['blob'] = Blob(content)
    # Records of every length near the borders of TLS's own.
    sizes = [1, 100, 16383, 16384, 16385, 40000, 1 << 20]
    connection.root()['data'] = {n: b'x' * n for n in sizes}
    transaction.commit()
    failures = []

    def work(number):
        try:
            manager = transaction.TransactionManager()
            mine = db.open(manager)
            for n in range(20):
                with manager:
                    mine.root()['blob'].open('r').close()
                    mine.root()._p_activate()
                    db.storage.ping()
            mine.close()
        except Exception as e:
            failures.append((number, e))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert not failures and not any(thread.is_alive() for thread in threads)
    second = ZODB.DB(connect(server, secured, blob_dir=str(tmp_path / 'second')))
    root = second.open().root()
    assert {n: len(v) for n, v in root['data'].items()} == {n: n for n in sizes}
    with root['blob'].open('r') as f:
        assert f.read() == content
    connection.root()['later'] = 1
    transaction.commit()
    wait_for('the invalidation', lambda: second.lastTransaction() == db.lastTransaction(), LIMIT)
    second.close()
    db.close()
    assert server.stop() == 0
    assert 'ERROR' not in read(server.log)


@pytest.mark.parametrize('python', [servers.CURRENT, servers.LEGACY], ids=['ZEO 6', 'ZEO 5'])
def test_clients_of_both_versions(server, files, python):
    for expected in ('1\n', '2\n'):
        done = subprocess.run(
            [python, '-c', COMMITTER, str(server.port), files.authority.certificate,
             files.client.certificate, files.client.key], capture_output=True, text=True, timeout=LIMIT * 2)
        assert (done.stdout, done.returncode) == (expected, 0), done.stderr


def test_a_server_that_comes_back(server, files):
    db = ZODB.DB(connect(server, context(files.authority, files.client)))
    root = db.open().root()
    root['a'] = 1
    transaction.commit()
    server.stop()
    server.start()
    wait_for('connected again', db.storage.is_connected, LIMIT, server.read_logs)
    root['a'] = 2
    transaction.commit()
    db.close()


# Those that are refused; the server goes on serving the others.

@pytest.mark.ours
def test_what_the_log_says(server, files):
    good = connect(server, context(files.authority, files.client))
    refused(server, context(files.authority, files.stranger), 'TLS: the certificate CN=stranger is not signed by any of',
            files.authority.certificate, '(CN=Good Authority)')
    refused(server, context(files.authority), 'TLS: the client sent no certificate')
    refused(server, context(files.authority, files.expired), 'TLS: the certificate CN=expired expired on 2021-01-01T00:00:00Z')
    with pytest.raises(ClientDisconnected):
        ZEO.client(server.address, wait_timeout=1)
    wait_for('a line', lambda: 'before it began TLS: a plain ZEO client?' in read(server.log), LIMIT)
    # Python's client mostly closes the connection before its alert is on the way.
    refused(server, context(files.other, files.client), 'TLS: the client ', ' our certificate CN=server')
    refused(server, context(files.authority, files.client), 'TLS: the client ', ' our certificate CN=server',
            host='example.org')
    with socket.create_connection(server.address) as s, pytest.raises(ssl.SSLCertVerificationError):
        context(files.other, files.client).wrap_socket(s, server_hostname='zodb.org')
    wait_for('the alert', lambda: 'the client refused our certificate CN=server: unknown_ca' in read(server.log), LIMIT)
    with socket.create_connection(server.address) as s:
        s.sendall(b'\0\0\0\4ruok')
        s.settimeout(LIMIT)
        assert s.recv(1) == b''
    wait_for('a line', lambda: 'what the client sends is not TLS at all: a plain ZEO client?' in read(server.log), LIMIT)
    good.ping()
    good.close()


@pytest.mark.ours
def test_old_versions_of_tls_are_refused(server, files):
    old = context(files.authority, files.client)
    old.set_ciphers('DEFAULT:@SECLEVEL=0')
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    refused(server, old, 'TLS: the handshake failed')


def test_tls_1_2(server, files):
    secured = context(files.authority, files.client)
    secured.maximum_version = ssl.TLSVersion.TLSv1_2
    client = connect(server, secured)
    client.ping()
    client.close()
    if server.is_python:
        return
    secured = context(files.authority)
    secured.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(server, secured, 'TLS: the client sent no certificate')


@pytest.mark.ours
def test_a_tls_client_at_a_plain_server(cluster, files):
    server = cluster('plain').start()
    with pytest.raises(ClientDisconnected):
        ZEO.client(server.address, ssl=context(files.authority, files.client), ssl_server_hostname='zodb.org',
                   wait_timeout=2)
    wait_for('a line', lambda: 'a TLS client?' in read(server.log), LIMIT, server.read_logs)
    client = connect(server, None)
    client.ping()
    client.close()


# What authenticate may be.

def test_a_certificate_that_is_trusted_itself(cluster, files, tmp_path):
    """As ZEO's documentation has it: the client's own certificate, signed by itself."""
    alone = certificates.Authority(tmp_path, 'alone')
    server = cluster('tls', zeo=section(files.server, alone.certificate)).start()
    client = connect(server, context(files.authority, alone))
    client.ping()
    client.close()
    if not server.is_python:
        refused(server, context(files.authority, files.client), 'CN=client is not signed by any of')


def test_a_directory(cluster, files, tmp_path):
    folder = tmp_path / 'trusted'
    folder.mkdir()
    joined(folder / 'one.pem', files.other.certificate)
    joined(folder / 'two.pem', files.authority.certificate)
    joined(folder / 'ignored.key', files.client.key)
    (folder / 'README').write_text('these are trusted\n')
    openssl('rehash', str(folder))
    server = cluster('tls', zeo=section(files.server, folder)).start()
    for pair in (files.client, files.stranger):
        client = connect(server, context(files.authority, pair))
        client.ping()
        client.close()


def test_revocation(cluster, files, tmp_path):
    authority = certificates.Authority(tmp_path, 'Revoking Authority')
    good, bad = authority.issue('good'), authority.issue('bad')
    server = cluster('tls', zeo=section(files.server, authority.revoke(bad))).start()
    client = connect(server, context(files.authority, good))
    client.ping()
    client.close()
    if server.is_python:
        with pytest.raises(ClientDisconnected):
            ZEO.client(server.address, ssl=context(files.authority, bad), ssl_server_hostname='zodb.org', wait_timeout=2)
    else:
        refused(server, context(files.authority, bad), 'the certificate CN=bad is revoked')


@pytest.mark.ours
def test_signed(cluster, files):
    """Python's server takes the word for the name of a file."""
    server = cluster('tls', zeo=section(files.server, 'SIGNED')).start()
    refused(server, context(files.authority, files.client), 'CN=client is not signed by any of the authorities that Java trusts')


# Keys.

def encrypted(files, folder):
    """The server's key in all forms that OpenSSL writes; name to file."""
    made = {}

    def convert(name, *arguments):
        made[name] = str(folder / (name + '.pem'))
        openssl(*arguments, '-out', made[name])

    key = files.server.key
    convert('pkcs8', 'pkcs8', '-topk8', '-nocrypt', '-in', key)
    convert('pkcs1', 'rsa', '-traditional', '-in', key)
    convert('encrypted-pkcs8', 'pkcs8', '-topk8', '-in', key, '-passout', 'pass:s3cret')
    convert('encrypted-scrypt', 'pkcs8', '-topk8', '-scrypt', '-in', key, '-passout', 'pass:s3cret')
    convert('encrypted-3des', 'pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-in', key, '-passout', 'pass:s3cret')
    convert('encrypted-old', 'rsa', '-traditional', '-aes256', '-in', key, '-passout', 'pass:s3cret')
    return made


@pytest.mark.ours
def test_keys_of_all_forms(cluster, files, tmp_path):
    password = tmp_path / 'password'
    password.write_text('s3cret\nwhat follows is no part of it\n')
    for name, key in encrypted(files, tmp_path).items():
        pair = certificates.Pair(files.server.certificate, key)
        more = ['password-file %s' % password] if 'encrypted' in name else []
        server = cluster(name, zeo=section(pair, files.authority.certificate, *more)).start()
        client = connect(server, context(files.authority, files.client))
        client.ping()
        client.close()
        assert server.stop() == 0


@pytest.mark.ours
def test_elliptic_keys_and_one_file_for_all(cluster, files, tmp_path):
    pair = files.authority.issue('elliptic', kind='ec')
    old = str(tmp_path / 'old.pem')
    openssl('ec', '-in', pair.key, '-out', old)
    assert 'BEGIN EC PRIVATE KEY' in read(old)
    # The chain behind the certificate, and a block of parameters as openssl ecparam -genkey writes it.
    together = joined(tmp_path / 'all.pem', pair.certificate, files.authority.certificate, old)
    server = cluster('tls', zeo='<ssl>\n certificate %s\n authenticate %s\n</ssl>' % (
        together, files.authority.certificate)).start()
    client = connect(server, context(files.authority, files.client))
    client.ping()
    client.close()


@pytest.mark.ours
def test_a_password_in_the_environment(cluster, files, tmp_path, monkeypatch):
    key = encrypted(files, tmp_path)['encrypted-pkcs8']
    pair = certificates.Pair(files.server.certificate, key)
    monkeypatch.setenv('TLS_PASSWORD', 's3cret')
    server = cluster('tls', zeo=section(pair, files.authority.certificate, 'password-env TLS_PASSWORD')).start()
    client = connect(server, context(files.authority, files.client))
    client.ping()
    client.close()


# Mistakes.

@pytest.mark.ours
def test_mistakes_are_named(cluster, files, tmp_path):
    locked = encrypted(files, tmp_path)['encrypted-pkcs8']
    bad = tmp_path / 'bad.pem'
    bad.write_text('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    empty = tmp_path / 'empty'
    empty.mkdir()
    word = tmp_path / 'word'
    word.write_text('wrong\n')
    good = files.server, files.authority.certificate
    certificate, key = files.server.certificate, files.server.key
    pair = certificates.Pair
    for n, (text, line, expected) in enumerate([
            (section(good[0], '/no/such.pem'), 8, 'authenticate in <ssl>: there is no file /no/such.pem'),
            (section(good[0], bad), 8, 'authenticate in <ssl>: %s is damaged: ' % bad),
            (section(good[0], empty), 8, 'authenticate in <ssl>: there is no PEM certificate in %s' % empty),
            (section(good[0], key), 8, 'authenticate in <ssl>: there is no PEM certificate in %s' % key),
            (section(pair(bad, key), good[1]), 6, 'certificate in <ssl>: %s is damaged: ' % bad),
            (section(pair(certificate, certificate), good[1]), 7,
             'key in <ssl>: there is no PEM private key in %s' % certificate),
            (section(pair(certificate, files.client.key), good[1]), 7,
             'key in <ssl>: the key in %s is not that of the certificate CN=server in ' % files.client.key),
            (section(pair(certificate, locked), good[1]), 7,
             'key in <ssl>: the key in %s is encrypted, and there is no password: '
             'there must be a password-file or a password-env' % locked),
            (section(pair(certificate, locked), good[1], 'password-file %s' % word), 9,
             'password-file in <ssl>: the password does not open the key in %s' % locked),
            (section(pair(certificate, locked), good[1], 'password-env NOT_SET_AT_ALL'), 9,
             "password-env in <ssl>: there is no environment variable 'NOT_SET_AT_ALL'"),
            (section(*good, 'password-function package.function'), 9,
             "password-function in <ssl>: Python code can't be run here; use password-file FILE"),
            ('<ssl>\n certificate %s\n</ssl>' % certificate, 5, '<ssl> has no authenticate'),
    ]):
        server = cluster('bad-%d' % n, zeo=text)
        server.start(wait=False)
        assert server.process.wait(LIMIT) == 2, server.read_logs()
        output = read(os.path.join(server.folder, 'output'))
        assert 'Error: %s, line %d: %s' % (server.conf, line, expected) in output, output
        assert '\tat ' not in output and '\tat ' not in server.read_logs()
        assert not os.path.exists(server.file)
        server.kill()


@pytest.mark.ours
@pytest.mark.long_only
def test_a_silent_peer_is_closed_in_time(cluster, files):
    """The limit of 30 s; meanwhile others are served."""
    server = cluster('tls', zeo=section(files.server, files.authority.certificate)).start()
    silent = [socket.create_connection(server.address) for _ in range(20)]
    client = connect(server, context(files.authority, files.client))
    client.ping()
    client.close()
    for each in silent:
        each.settimeout(LIMIT * 2)
        assert each.recv(1) == b''
        each.close()
    assert read(server.log).count('no TLS handshake in time, not even its beginning: a plain ZEO client?') == 20


def test_a_unix_socket(cluster, files, tmp_path):
    """Python's server does it; its clients can't give a host name there."""
    path = str(tmp_path / 'zeo.sock')
    server = cluster('tls', zeo=section(files.server, files.authority.certificate))
    text = read(server.conf).replace('address 127.0.0.1:%d' % server.port, 'address ' + path)
    with open(server.conf, 'w') as f:
        f.write(text)
    server.start(wait=False)
    wait_for('the socket', lambda: 'listening on' in server.read_logs(), LIMIT, server.read_logs)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(LIMIT)
        raw.connect(path)
        with context(files.authority, files.client).wrap_socket(raw, server_hostname='zodb.org') as secured:
            assert secured.recv(4) == b'\0\0\0\2'
            assert secured.recv(2) == b'Z5'
