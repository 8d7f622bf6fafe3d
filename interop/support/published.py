"""ZEO's own tests, run in processes of their own, two at a time, in the order in which they are wanted."""
import collections
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

from support import servers

SUITE = [servers.CURRENT, os.path.join(servers.ROOT, 'interop', 'peers', 'zeo_published.py')]
PROGRAMS = {
    'ours': servers.ZRS + ([] if servers.ZRS == servers.RUNZEO else ['serve']),
    'stock': [os.path.join(servers.PEERS, 'current', 'bin', 'runzeo')],
}
# Some tests want to be refused what root may do.
if os.geteuid() == 0 and shutil.which('setpriv'):
    SUITE = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--'] + SUITE
TEST_LIMIT = 300
PROCESSES = 2
# So many tests of one class share a process.
AT_ONCE = 30

Wanted = collections.namedtuple('Wanted', 'program protocol name')


def names():
    """Of all tests in the suite's modules, CLASS.METHOD."""
    return json.loads(subprocess.run(SUITE + ['list'], capture_output=True, text=True, check=True).stdout)


class Runs:
    """Any thread may ask for an outcome; the lock guards jobs, outcomes, processes and closed."""

    def __init__(self, wanted):
        self.folder = tempfile.mkdtemp(prefix='zrs', dir='/tmp')  # short, for unix sockets
        self.lock = threading.Condition()
        self.outcomes = {}
        self.closed = False
        self.processes = set()
        self.jobs = collections.deque()
        for one in wanted:
            last = self.jobs[-1] if self.jobs else None
            if last and self._kind(last[0]) == self._kind(one) and len(last) < AT_ONCE:
                last.append(one)
            else:
                self.jobs.append([one])
        self.threads = [threading.Thread(target=self._work) for _ in range(PROCESSES)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _kind(wanted):
        return wanted.program, wanted.protocol, wanted.name.partition('.')[0]

    def _work(self):
        while True:
            with self.lock:
                if self.closed or not self.jobs:
                    return
                job = collections.deque(self.jobs.popleft())
            while job and not self.closed:
                try:
                    errors = self._run(job)
                except Exception as e:  # To whoever waits for the outcome.
                    errors = repr(e)
                if job and not self.closed:
                    self._ended(job.popleft(), {'failure': 'the process of the test has ended\n' + errors})

    def _run(self, job):
        """Runs what it can of it, and takes that from it; what the process wrote on stderr."""
        program, protocol, _ = job[0]
        environment = dict(os.environ, TMPDIR=self.folder, ZEO_MSGPACK='1' if protocol == 'M5' else '')
        environment.setdefault('ZRS_JAVA_OPTS', '-XX:TieredStopAtLevel=1')
        with tempfile.TemporaryFile('w+', errors='replace') as errors:
            with self.lock:
                if self.closed:
                    return ''
                process = subprocess.Popen(
                    SUITE + ['run', json.dumps(PROGRAMS[program]), str(TEST_LIMIT)], cwd=self.folder,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
                    start_new_session=True)
                self.processes.add(process)
            try:
                process.stdin.write(''.join(one.name + '\n' for one in job))
                process.stdin.close()
                for line in process.stdout:
                    self._ended(job.popleft(), json.loads(line))
                process.wait()
            finally:
                with self.lock:
                    self.processes.discard(process)
                self._kill(process)
            errors.seek(0)
            return errors.read()[-8000:]

    @staticmethod
    def _kill(process):
        """With the servers that a test has left running."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing is left of them
        process.wait()

    def _ended(self, wanted, outcome):
        with self.lock:
            self.outcomes[wanted] = outcome
            self.lock.notify_all()

    def outcome(self, wanted):
        """Waits for it: {failure, skipped, servers, seconds}; a process that has ended says failure only."""
        with self.lock:
            while wanted not in self.outcomes:
                done = len(self.outcomes)
                # Another test of the same process, or this one, ends within its limit.
                self.lock.wait_for(lambda done=done: len(self.outcomes) > done, 2 * TEST_LIMIT)
                assert len(self.outcomes) > done, 'no test of ZEO has ended for long'
            return self.outcomes[wanted]

    def close(self):
        with self.lock:
            self.closed = True
            for process in self.processes:
                self._kill(process)
        for thread in self.threads:
            thread.join()
        shutil.rmtree(self.folder)
