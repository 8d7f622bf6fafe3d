"""What drills have in common: clients that keep running, servers whose upstream is changed, commands."""
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

from support import servers

CLIENT = os.path.join(servers.ROOT, 'interop', 'peers', 'drill_client.py')
COMMAND_LIMIT = 120
WRITE_LIMIT = 90


def zrs(*arguments, **options):
    return subprocess.run(servers.ZRS + [str(each) for each in arguments],
                          capture_output=True, text=True, timeout=COMMAND_LIMIT, **options)


def control(server, *words):
    """What the zrs commands say to a running server, without the start of a JVM: (exit code, text)."""
    with connect(server) as s:
        s.sendall(b''.join(word.encode() + b'\0' for word in words))
        s.shutdown(socket.SHUT_WR)
        answer = b''
        while data := s.recv(65536):
            answer += data
    if not answer:
        raise OSError('no answer')
    return int(answer[:1]), answer[1:].decode()


def connect(server):
    """A connection to its control socket; a server that has just started takes clients a moment earlier."""
    end = time.monotonic() + 30
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.settimeout(COMMAND_LIMIT)
            s.connect(server.file + '.control')
            return s
        except OSError:
            s.close()
            if server.process is None or time.monotonic() > end:
                raise
        time.sleep(0.02)


def status(server):
    code, text = control(server, 'status', 'json')
    assert code == 0, text
    return json.loads(text)['storages'][0]


def state(server):
    return status(server)['secondary']['state']


def lineage(port):
    """The ids of the server that sends there, and of those that it follows."""
    with socket.create_connection(('127.0.0.1', port), 30) as s:
        s.sendall(struct.pack('>I', 8) + b'zrs-ring')
        with s.makefile('rb') as answer:
            length, = struct.unpack('>I', answer.read(4))
            return answer.read(length).split()


def address(port):
    return '127.0.0.1:%d' % port


def configure(server, replicate_from=None):
    """What an editor would do: the server follows somebody at its next start, or nobody."""
    with open(server.conf) as f:
        text = re.sub(r' *replicate-from .*\n', '', f.read())
    if replicate_from:
        text = text.replace('<zrs 1>\n', '<zrs 1>\n          replicate-from %s\n' % address(replicate_from))
    with open(server.conf, 'w') as f:
        f.write(text)


def pair(cluster, old=servers.ZRS, new=servers.ZRS, **options):
    """Two servers that can each send to the other; the second follows the first."""
    ports = servers.free_port(), servers.free_port()
    one = cluster('one', old, replicate_to=ports[0], **options)
    two = cluster('two', new, replicate_to=ports[1], replicate_from=ports[0], keep_alive=1, **options)
    one.replication, two.replication = ports
    return one.start(), two.start()


def wait_equal(one, two, limit=60):
    servers.wait_for('both have the same', lambda: one.size() == two.size(), limit,
                     lambda: one.read_logs() + two.read_logs())


def promote(server):
    """Promotes by command, as an operator would whose primary is dead: what it sent in part is given up."""
    code, text = control(server, 'promote', '')
    if code and 'a part has arrived' in text:
        code, text = control(server, 'promote', '', 'force')
    assert code == 0, text
    assert 'is primary now' in text
    return text


class Client:
    """A client in a process of its own, that knows all the servers and keeps running."""

    def __init__(self, name, python, nodes, fallback=False):
        self.name = name
        self.lines = []
        self.process = subprocess.Popen(
            [python, CLIENT, name, '1' if fallback else '0'] + [str(node.port) for node in nodes],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = []
        for work in (self.read, self.read_errors):
            threading.Thread(target=work, daemon=True).start()

    def read_errors(self):
        for line in self.process.stderr:
            self.errors = self.errors[-50:] + [line]

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.split())

    def order(self, word):
        self.process.stdin.write(word + '\n')
        self.process.stdin.flush()

    def pause(self):
        before = len(self.lines)
        self.order('pause')
        self.wait('paused', lambda line: line[0] == 'paused', before)

    def wait(self, what, condition, since=0, limit=WRITE_LIMIT, shown=lambda: ''):
        """The first line after so many for which it holds."""
        found = []

        def look():
            assert self.process.poll() is None, 'client %s has ended\n%s' % (self.name, ''.join(self.errors))
            found.extend(line for line in self.lines[since:] if condition(line))
            return found
        servers.wait_for('client %s: %s' % (self.name, what), look, limit,
                         lambda: '%s\n%s\n%s' % (self.lines[-20:], ''.join(self.errors), shown()))
        return found[0]

    def commits_after(self, moment, limit=WRITE_LIMIT, shown=lambda: ''):
        """The time of its first commit after a time; waits for it."""
        return float(self.wait('commits', lambda line: line[0] == 'ok' and float(line[1]) > moment,
                               limit=limit, shown=shown)[1])

    def acknowledged(self):
        # The first one makes the object, whose serial is not known then.
        return [bytes.fromhex(line[3]) for line in list(self.lines) if line[0] == 'ok' and line[3] != '-'][1:]

    def counts(self):
        return [int(line[2]) for line in list(self.lines) if line[0] == 'ok']

    def stop(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass  # it has gone already
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
