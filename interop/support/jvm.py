"""What our program holds at the moment, from outside."""
import json
import os
import re
import socket
import subprocess
import tempfile

from support.stranger import framed


def _jcmd(pid, *command):
    tool = os.path.join(os.path.dirname(os.path.realpath('/proc/%d/exe' % pid)), 'jcmd')
    return subprocess.run([tool, str(pid), *command], capture_output=True, text=True, check=True, timeout=120).stdout


def retained(pid):
    """Bytes of heap that are in use after everything that can go has gone."""
    _jcmd(pid, 'GC.run')
    total = _jcmd(pid, 'GC.class_histogram').rstrip().splitlines()[-1]
    return int(re.match(r'Total\s+\d+\s+(\d+)', total).group(1))


def threads(pid, pattern):
    """The names of all threads, virtual ones too, in which the pattern is found."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'threads')
        _jcmd(pid, 'Thread.dump_to_file', '-format=json', path)
        with open(path) as f:
            dump = json.load(f)
    names = [thread['name'] for container in dump['threadDump']['threadContainers'] for thread in container['threads']]
    return sorted(name for name in names if re.search(pattern, name))


def files(pid):
    """What is open."""
    folder = '/proc/%d/fd' % pid
    found = []
    for number in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, number)))
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def resident(pid, most=False):
    """KB of memory that the process has, or the most that it has had."""
    with open('/proc/%d/status' % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmHWM:' if most else 'VmRSS:'))


def status(server):
    """What ruok gives for the first storage."""
    with socket.create_connection(server.address, 30) as s:
        s.sendall(framed(b'ruok'))
        data = b''
        while piece := s.recv(1 << 16):
            data += piece
    # Behind the greeting.
    body = data[data.index(b'{'):]
    found = next(iter(json.loads(body).values()))
    return {name.replace('-', '_'): value for name, value in found.items()}


def start_with(server, monkeypatch, options):
    """Starts a server with options for its JVM. Out of memory it ends, as ./zrs says."""
    with monkeypatch.context() as patch:
        patch.setenv('ZRS_JAVA_OPTS', options)
        server.start()
