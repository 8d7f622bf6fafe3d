"""Servers in processes of their own: zrs, and Python's runzeo with zc.zrs."""
import itertools
import os
import random
import shlex
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.environ.get('ZRS_PEERS', os.path.join(ROOT, '.venvs'))
CURRENT = os.path.join(PEERS, 'current', 'bin', 'python')
LEGACY = os.path.join(PEERS, 'legacy', 'bin', 'python')
# What starts our program; ZRS_COMMAND for one that is installed elsewhere.
ZRS = shlex.split(os.environ.get('ZRS_COMMAND', '')) or [os.path.join(ROOT, 'zrs')]
RUNZEO = [LEGACY, os.path.join(ROOT, 'interop', 'peers', 'runzeo_zrs.py')]
# Its secondary waits for 60 s before it connects again.
RUNZEO_STOCK = [LEGACY, '-m', 'ZEO.runzeo']
# The newest, with uvloop.
RUNZEO_CURRENT = [CURRENT, '-m', 'ZEO.runzeo']
START_LIMIT = 60
STOP_LIMIT = 60


def _own_ports():
    """The ports of this process among those that run the tests, round and round.

    The system gives none of them to a connection, and ZEO's own suite takes none.
    """
    count = 5000
    first = 10000 + count * (int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:]) % 2)
    start = random.randrange(count)
    return (first + (start + n) % count for n in itertools.count())


_ports = _own_ports()


def free_port():
    """A port that nobody has now, and that is not given out again for long."""
    while True:
        port = next(_ports)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                # Another program has it.
                continue


def text(address):
    """An address as zeo.conf has it: a port of this machine is enough, and any other text is kept."""
    return '127.0.0.1:%d' % address if isinstance(address, int) else str(address)


def wait_for(what, condition, limit=30, shown=lambda: ''):
    """Waits until condition() is true; fails after limit seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('not within %s s: %s\n%s' % (limit, what, shown()))
        time.sleep(0.02)


class Running:
    """A process, or none, and the file that has its output."""
    process = None

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.output.close()
            self.process = None


class Server(Running):
    """A server over one file storage in a folder of its own; not started at first."""

    def __init__(self, folder, command, replicate_to=None, replicate_from=None, blobs=True,
                 zeo='', storage='', keep_alive=None, zrs=''):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.command = command
        self.is_python = 'runzeo' in os.path.basename(command[-1])
        self.port = free_port()
        self.address = ('127.0.0.1', self.port)
        self.file = os.path.join(self.folder, 'Data.fs')
        self.blobs = os.path.join(self.folder, 'blobs') if blobs else None
        self.conf = os.path.join(self.folder, 'zeo.conf')
        self.log = os.path.join(self.folder, 'zeo.log')
        self.pid_file = os.path.join(self.folder, 'zeo.pid')
        self.process = None
        inner = '''
          <filestorage 1>
            path %s
            %s
            %s
          </filestorage>''' % (self.file, 'blob-dir ' + self.blobs if blobs else '', storage)
        if replicate_to or replicate_from:
            inner = '''
        %%import zc.zrs
        <zrs 1>
          %s
          %s
          %s
          %s
          %s
        </zrs>''' % (
                'replicate-to ' + text(replicate_to) if replicate_to else '',
                'replicate-from ' + text(replicate_from) if replicate_from else '',
                'keep-alive-delay %d' % keep_alive if keep_alive else '',
                zrs,
                inner)
        with open(self.conf, 'w') as f:
            f.write('''
        <zeo>
          address 127.0.0.1:%d
          pid-filename %s
          %s
        </zeo>
        %s
        <eventlog>
          <logfile>
            path %s
          </logfile>
        </eventlog>
        ''' % (self.port, self.pid_file, zeo, inner, self.log))

    def start(self, wait=True):
        self.output = open(os.path.join(self.folder, 'output'), 'ab')
        self.process = subprocess.Popen(
            self.command + ([] if self.is_python else ['serve']) + ['-C', self.conf],
            stdout=self.output, stderr=self.output, stdin=subprocess.DEVNULL)
        if wait:
            wait_for('%s accepts' % self.folder, self.accepts, START_LIMIT, self.read_logs)
        return self

    def accepts(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended with %s\n%s'
                                 % (self.process.returncode, self.read_logs()))
        try:
            socket.create_connection(self.address, 1).close()
            return True
        except OSError:
            return False

    def read_logs(self):
        text = ''
        for path in (self.log, os.path.join(self.folder, 'output')):
            if os.path.exists(path):
                with open(path, errors='replace') as f:
                    text += '--- %s\n%s' % (path, f.read()[-6000:])
        return text

    def stop(self, limit=STOP_LIMIT):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            # runzeo can lose a SIGTERM that comes at a bad moment.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5 if self.is_python else limit)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    self.kill()
                    raise AssertionError('did not stop\n' + self.read_logs())
        self.output.close()
        code, self.process = self.process.returncode, None
        return code

    def size(self):
        return os.path.getsize(self.file) if os.path.exists(self.file) else 0
