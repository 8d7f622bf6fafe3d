"""Real ZooKeeper servers in processes of their own, and Python's programs that use them."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import threading

import ZEO
import ZODB

from support import drills, servers
from support.servers import wait_for

PYTHON = os.path.join(servers.PEERS, 'zookeeper', 'bin', 'python')
PEER = os.path.join(servers.ROOT, 'interop', 'peers', 'zookeeper_peer.py')
JDK = os.path.join(servers.ROOT, 'scripts', 'jdk.sh')
LIB = os.path.join(servers.ROOT, 'server', 'target', 'lib')
JARS = os.path.join(LIB, '*')
ONE = 'org.apache.zookeeper.server.ZooKeeperServerMain'
OF_SEVERAL = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
TICK = 200  # milliseconds; the shortest session has two of them
LIMIT = 90
PROVIDERS = '/db/replication/providers'


def java():
    """That of the JDK which ./zrs takes."""
    found = subprocess.run(['bash', '-c', '. "$0"; find_jdk; echo "$JAVA_HOME"', JDK], capture_output=True, text=True,
                           check=True)
    return os.path.join(found.stdout.strip(), 'bin', 'java')


class ZooKeeper(servers.Running):
    """One server; not started at first. Its data stay when it is stopped, unless they are wiped."""

    def __init__(self, folder, number=1, ensemble=None, more=None):
        self.folder = str(folder)
        self.data = os.path.join(self.folder, 'data')
        self.number = number
        self.port = servers.free_port()
        self.address = '127.0.0.1:%d' % self.port
        self.ensemble = ensemble or {}
        self.more = more or {}
        self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def configure(self):
        os.makedirs(self.data, exist_ok=True)
        with open(os.path.join(self.data, 'myid'), 'w') as f:
            f.write('%d\n' % self.number)
        with open(os.path.join(self.folder, 'zoo.cfg'), 'w') as f:
            f.write(''.join('%s=%s\n' % each for each in [
                ('tickTime', TICK), ('dataDir', self.data), ('clientPort', self.port),
                ('clientPortAddress', '127.0.0.1'), ('admin.enableServer', 'false'), ('maxClientCnxns', 0),
                ('maxSessionTimeout', 60000), ('4lw.commands.whitelist', '*'), ('initLimit', 100), ('syncLimit', 50),
                *(('server.%d' % number, '127.0.0.1:%d:%d' % ports) for number, ports in self.ensemble.items()),
                *self.more.items()]))

    def start(self, wait=True):
        self.configure()
        self.output = open(os.path.join(self.folder, 'output'), 'ab')
        self.process = subprocess.Popen(
            [java(), '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m', '-cp', JARS,
             OF_SEVERAL if self.ensemble else ONE, os.path.join(self.folder, 'zoo.cfg')],
            stdout=self.output, stderr=self.output, stdin=subprocess.DEVNULL)
        if wait:
            self.wait()
        return self

    def wait(self):
        wait_for('ZooKeeper %s serves' % self.address, self.serves, LIMIT, self.read_output)

    def serves(self):
        assert self.process.poll() is None, 'ZooKeeper has ended\n' + self.read_output()
        return self.ask('srvr') is not None

    def ask(self, word):
        """What it says of itself; None if it does not serve."""
        try:
            # A connection from before it serves is never answered.
            with socket.create_connection(('127.0.0.1', self.port), 1) as s:
                s.sendall(word.encode())
                answer = b''
                while data := s.recv(65536):
                    answer += data
        except OSError:
            return None
        return answer.decode() if b'Mode: ' in answer else None

    def read_output(self):
        with open(os.path.join(self.folder, 'output'), errors='replace') as f:
            return f.read()[-4000:]

    def pause(self):
        """It is silent, as one is behind a network that is cut."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def wipe(self):
        shutil.rmtree(self.data)


class Secured(ZooKeeper):
    """One that also takes connections with TLS from those who have its certificate, which is all that it trusts."""
    PASSWORD = 'of the tests'

    def __init__(self, folder):
        super().__init__(folder)
        self.files = {kind: os.path.join(self.folder, kind + '.p12') for kind in ('key', 'trust')}
        certificate = os.path.join(self.folder, 'certificate')
        self.keytool('key', '-genkeypair', '-keyalg', 'EC', '-dname', 'CN=localhost',
                     '-ext', 'san=dns:localhost,ip:127.0.0.1')
        self.keytool('key', '-exportcert', '-file', certificate)
        self.keytool('trust', '-importcert', '-noprompt', '-file', certificate)
        self.secure_port = servers.free_port()
        self.more = {'secureClientPort': self.secure_port, 'secureClientPortAddress': '127.0.0.1',
                     'serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory', **self.stores('')}

    def keytool(self, kind, *arguments):
        subprocess.run([os.path.join(os.path.dirname(java()), 'keytool'), *arguments, '-alias', 'one', '-storetype',
                        'PKCS12', '-keystore', self.files[kind], '-storepass', self.PASSWORD],
                       check=True, capture_output=True)

    def stores(self, prefix):
        return {prefix + key: value for kind, file in self.files.items() for key, value in (
            ('ssl.%sStore.location' % kind, file), ('ssl.%sStore.password' % kind, self.PASSWORD),
            ('ssl.%sStore.type' % kind, 'PKCS12'))}

    def client_properties(self):
        """The file for the clients."""
        path = os.path.join(self.folder, 'client.properties')
        with open(path, 'w') as f:
            f.write(''.join('%s=%s\n' % each for each in {
                'zookeeper.client.secure': 'true',
                'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
                **self.stores('zookeeper.')}.items()))
        return path


class Ensemble:
    """Several that are one."""

    def __init__(self, folder, count=3):
        ports = {number: (servers.free_port(), servers.free_port()) for number in range(1, count + 1)}
        self.servers = [ZooKeeper(os.path.join(str(folder), str(number)), number, ports) for number in ports]
        self.address = ','.join(server.address for server in self.servers)

    def start(self):
        for server in self.servers:
            server.start(wait=False)
        for server in self.servers:
            server.wait()
        return self

    def leader(self):
        """None while there is none."""
        return next((server for server in self.servers
                     if server.process and 'Mode: leader' in (server.ask('srvr') or '')), None)

    def kill(self):
        for server in self.servers:
            server.kill()


class Peer:
    """A Python process with kazoo and zc.zk; see its program for the orders. For one thread."""

    def __init__(self, address, session=10):
        self.process = subprocess.Popen([PYTHON, '-W', 'ignore', PEER, address, str(session)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = []
        threading.Thread(target=self.read_errors, daemon=True).start()
        self.pid = self.process.pid

    def read_errors(self):
        for line in self.process.stderr:
            self.errors = self.errors[-50:] + [line]

    def __call__(self, name, *arguments):
        self.process.stdin.write(json.dumps([name, *arguments]) + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, 'the Python peer has ended\n' + ''.join(self.errors)
        kind, result = json.loads(line)
        assert kind == 'ok', '%s%r: %s\n%s' % (name, arguments, result, ''.join(self.errors))
        return result

    def kill(self):
        self.process.kill()
        self.process.wait()


class Place:
    """Where servers are registered, and a Python process that looks there."""

    def __init__(self, address, peers):
        self.address = address
        self.peers = peers
        self.ask = peers(address)
        self.ask('ensure', PROVIDERS)

    def look_again(self):
        """With a new session, of somebody who knows nothing of how it was before."""
        self.ask.kill()
        self.ask = self.peers(self.address)

    def options(self, *more, timeout=10, advertise='127.0.0.1'):
        """The keys of a <zrs> section."""
        return '\n          '.join(['zookeeper ' + self.address, 'zookeeper-timeout %d' % timeout,
                                    *(['advertise ' + advertise] if advertise else []), *more])

    def names(self, path=PROVIDERS):
        """Those who are registered."""
        return self.ask('children', path)

    def wait_names(self, condition, path=PROVIDERS, shown=lambda: ''):
        """Until so many are registered, or until it holds; returns the names."""
        found = []

        def look():
            found[:] = self.names(path) or []
            return len(found) == condition if isinstance(condition, int) else condition(found)
        wait_for('registered below %s' % path, look, LIMIT, lambda: '%s\n%s' % (found, shown()))
        return list(found)

    def wait_seen(self, count):
        """Waits until the Python process was told of so much; returns it."""
        wait_for('%d things were seen' % count, lambda: len(self.ask('seen')) >= count, LIMIT,
                 lambda: str(self.ask('seen')))
        return self.ask('seen')


def port(name):
    return int(name.rsplit(':', 1)[1])


def log(server):
    with open(server.log, errors='replace') as f:
        return f.read()


def put(server, key, value):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=60))
    with db.transaction() as connection:
        connection.root()[key] = value
    db.close()


def get(server, key):
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=60, read_only=True))
    with db.transaction() as connection:
        value = connection.root().get(key)
    db.close()
    return value


def logs(*nodes):
    return ''.join(node.read_logs() for node in nodes)


def level(primary, *secondaries):
    """Waits until they have all that the primary has."""
    wait_for('the secondaries have all',
             lambda: all(each.size() == primary.size() > 4 for each in secondaries), LIMIT,
             lambda: logs(primary, *secondaries))


def wait_problem(server, part, problem):
    """Waits until the status tells of it; None: of no problem and no lost connection."""
    def look():
        state = drills.status(server)[part]['zookeeper']
        return problem in (state['problem'] or '') if problem else state['awaySince'] is state['problem'] is None
    wait_for('the status says: %s' % (problem or 'all is well'), look, LIMIT, server.read_logs)


def followed_by(primary, count, shown=lambda: ''):
    """Waits until there are so many connections of secondaries; returns what the status says of them."""
    found = []

    def look():
        found[:] = drills.status(primary)['primary']['secondaries']
        return len(found) == count
    wait_for('the primary has %d secondaries' % count, look, LIMIT, lambda: '%s\n%s' % (found, shown()))
    return list(found)


def jars(pattern):
    """The files in the folder of our jars whose names are like this."""
    return glob.glob(os.path.join(LIB, pattern))
