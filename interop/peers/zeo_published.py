"""Runs ZEO's own published tests, as they are installed, with servers that are programs of their own.

    zeo_published.py list                 all tests of the suite's modules that start servers
    zeo_published.py run PROGRAM LIMIT    those whose names come in, one a line; for each one line of JSON

PROGRAM is the start of a command line, as JSON; the arguments of runzeo are added. No test may take longer
than LIMIT seconds. The protocol is the suite's business: it looks at ZEO_MSGPACK.
"""
import doctest
import faulthandler
import importlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import ZEO._forker
import ZEO.runzeo

MODULES = ['testZEO', 'testConnection', 'testConfig', 'testssl', 'test_client_side_conflict_resolution',
           'test_client_credentials', 'test_sync']
REPLACED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runzeo_replaced')
START_LIMIT, STOP_LIMIT = 60, 60
# In the place of the 3 s that the suite waits for things to happen, where a test says nothing else.
WAIT_LIMIT = 60
LISTENING = re.compile(r"listening on (?:\('[^']*', (\d+)|\S)")


class Program:
    """One server, from its configuration to its end, as ZEO._forker.runner runs one in this process."""

    command = None
    started = []

    def __init__(self, conf):
        self.conf = conf
        with open(conf) as f:
            self.text = f.read()
        self.options = ZEO.runzeo.ZEOOptions()
        self.options.realize(['-C', conf])
        self.output = tempfile.TemporaryFile()
        path = re.search(r'<logfile>\s+path\s+(\S+)', self.text)
        self.log = os.path.abspath(path.group(1)) if path else None
        self.old_log = len(self.read_log())
        environment = dict(os.environ)
        environment.pop('PYTHONPATH', None)
        self.process = subprocess.Popen(
            self.command + ['-C', conf], env=environment, stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=self.output)
        self.started.append(self)

    def read_log(self):
        if self.log is None or not os.path.exists(self.log):
            return ''
        with open(self.log, errors='replace') as f:
            return f.read()

    def read_output(self):
        return os.pread(self.output.fileno(), 1 << 24, 0).decode(errors='replace')

    def shown(self):
        """What one wants to see of a server if a test has failed."""
        return '--- the server of\n%s\n--- wrote\n%s%s' % (
            self.text, self.read_output()[-4000:], self.read_log()[self.old_log:][-4000:])

    def address(self):
        """Waits until it listens; where."""
        end = time.monotonic() + START_LIMIT
        while True:
            found = LISTENING.search(self.read_output() + self.read_log()[self.old_log:])
            if found:
                break
            if self.process.poll() is not None:
                raise RuntimeError('the server ended with %s' % self.process.returncode)
            if time.monotonic() > end:
                raise RuntimeError('the server does not listen')
            time.sleep(0.01)
        address = self.options.address
        if not isinstance(address, tuple) or address[1]:
            return address
        # Python's server logs the port that it was asked for.
        return address[0], int(found.group(1)) or self.bound_port()

    def bound_port(self):
        """The port of the socket that it listens on, as Linux knows it."""
        folder = '/proc/%d/fd/' % self.process.pid
        sockets = {os.readlink(folder + name) for name in os.listdir(folder)}
        with open('/proc/%d/net/tcp' % self.process.pid) as f:
            for line in f.readlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == '0A' and 'socket:[%s]' % inode in sockets:
                    return int(local.rpartition(':')[2], 16)
        raise RuntimeError('the server listens nowhere')

    def stop(self):
        """Whether it had to be killed."""
        end = time.monotonic() + STOP_LIMIT
        while self.process.poll() is None:
            # runzeo can lose a SIGTERM that comes at a bad moment.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                if time.monotonic() > end:
                    self.process.kill()
                    self.process.wait()
                    return True
        return False

    def remove_files(self):
        """What the suite does with the files of a storage that is not to be kept."""
        for opener in self.options.storages:
            storage = opener.open()
            storage.close()
            if hasattr(storage, 'cleanup'):
                storage.cleanup()


def run_program(conf, orders, answers, timeout=None, debug=False, name=None, keep=False, protocol=None):
    """In the place of ZEO._forker.runner."""
    program = None
    try:
        if protocol is not None:
            raise RuntimeError('a server of protocol %r is asked for' % protocol)
        program = Program(conf)
        answers.put(program.address())
        os.remove(conf)
    except BaseException as e:  # To whom has asked for the server.
        if program is not None:
            program.stop()
        answers.put(e)
        return
    orders.get()
    killed = program.stop()
    if not keep:
        program.remove_files()
    answers.put(killed)


def replace_servers(command):
    Program.command = command
    original = ZEO._forker.start_zeo_server

    def start_zeo_server(*args, **options):
        # The thread only waits for the program.
        options.update(threaded=True, start_timeout=2 * START_LIMIT)
        address, stop = original(*args, **options)
        if isinstance(address, BaseException):
            raise address
        return address, stop

    # Before the suite's modules are read: they keep the function.
    ZEO._forker.runner = run_program
    ZEO._forker.start_zeo_server = start_zeo_server
    os.environ['PYTHONPATH'] = REPLACED
    os.environ['ZEO_SUITE_PROGRAM'] = json.dumps(command)
    os.environ['ZEO_SUITE_STARTED'] = tempfile.mkstemp(prefix='started')[1]


def scripts_started():
    """How many scripts the program has taken the place of, since this was asked for."""
    with open(os.environ['ZEO_SUITE_STARTED'], 'r+') as f:
        lines = f.readlines()
        f.truncate(0)
    return len(lines)


def tests():
    """{name: (test, layer)}; a doctest's name begins with that of its layer."""
    found = {}

    def walk(suite, layer):
        layer = getattr(suite, 'layer', layer)
        if isinstance(suite, unittest.TestSuite):
            for part in suite:
                walk(part, layer)
            return
        if isinstance(suite, doctest.DocTestCase):
            kind, method = layer.__name__ if layer else module.__name__.rpartition('.')[2], suite.id()
            method = method.removeprefix('ZEO.tests.').removeprefix('ZODB.tests.')
        else:
            kind, method = type(suite).__name__, suite._testMethodName
        name = re.sub(r'[^\w.]+', '-', '%s.%s' % (kind, method))
        assert name not in found, name
        found[name] = suite, layer

    for module in MODULES:
        module = importlib.import_module('ZEO.tests.' + module)
        make = getattr(module, 'test_suite', None)
        walk(make() if make else unittest.defaultTestLoader.loadTestsFromModule(module), None)
    return found


def run(test, layer):
    """Its failure, as text, or None; why it was skipped, or None."""
    result = unittest.TestResult()
    if layer is not None:
        layer.testSetUp()
    try:
        test.run(result)
    finally:
        if layer is not None:
            layer.testTearDown()
    return ('\n'.join(text for _, text in result.failures + result.errors) or None,
            '\n'.join(text for _, text in result.skipped) or None)


def main(command, limit):
    replace_servers(json.loads(command))
    output = os.fdopen(os.dup(1), 'w')
    # What tests print is not for who reads the outcome.
    os.dup2(2, 1)
    logging.basicConfig(stream=open(os.devnull, 'w'))
    known = tests()
    ZEO.tests.forker.wait_until.__defaults__ = None, None, WAIT_LIMIT, None
    current = None
    for name in sys.stdin:
        name = name.strip()
        test, layer = known[name]
        if layer is not current:
            if current is not None:
                current.tearDown()
            current = layer
            if current is not None:
                current.setUp()
        faulthandler.dump_traceback_later(float(limit), exit=True)
        begun = time.monotonic()
        del Program.started[:]
        failure, skipped = run(test, layer)
        servers = list(Program.started)
        if failure:
            failure += ''.join('\n' + server.shown() for server in servers)
        print(json.dumps({'name': name, 'seconds': round(time.monotonic() - begun, 2), 'failure': failure,
                          'skipped': skipped, 'servers': len(servers) + scripts_started()}),
              file=output, flush=True)
    faulthandler.cancel_dump_traceback_later()
    output.flush()
    # Whatever a test has left running.
    for server in servers:
        server.process.kill()
    os._exit(0)


if __name__ == '__main__':
    if sys.argv[1:] == ['list']:
        print(json.dumps(list(tests())))
    else:
        main(*sys.argv[2:])
