"""The walk-through of docs/zookeeper.md, line by line, and the demo with a ZooKeeper."""
import os
import re
import signal
import subprocess
import threading

import pytest

from support import servers

pytestmark = pytest.mark.ours

GUIDE = os.path.join(servers.ROOT, 'docs', 'zookeeper.md')
TYPING_LIMIT = 300
LIVE = 'live since'
TWO_SECONDARIES = 'to 2 secondaries'
REGISTERED = r'(?<!NOT )registered as 127\.0\.0\.1:'
# What the blocks must have shown, and how often, before the next one is due.
SHOWN = [{}, {}, {}, {LIVE: 2, TWO_SECONDARIES: 1, REGISTERED: 2}, {}, {LIVE: 2, TWO_SECONDARIES: 1}, {}]


def blocks():
    with open(GUIDE) as f:
        walk = f.read().split('## A walk-through', 1)[1]
    return re.findall(r'```sh\n(.*?)```', walk, re.S)


class Shell:
    """A shell in which somebody types."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            ['bash'], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        self.watchdog = threading.Timer(TYPING_LIMIT, self.kill)
        self.watchdog.start()

    def type(self, lines):
        """Runs them; their output."""
        self.process.stdin.write(lines + '\necho "== done"\n')
        self.process.stdin.flush()
        output = []
        for line in self.process.stdout:
            if line == '== done\n':
                return ''.join(output)
            output.append(line)
        raise AssertionError('the shell has ended\n' + ''.join(output))

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all have ended, as they should

    def end(self):
        self.watchdog.cancel()
        self.kill()
        self.process.wait()


def test_the_walkthrough_of_the_guide(tmp_path):
    os.symlink(os.path.join(servers.ROOT, 'zrs'), tmp_path / 'zrs')
    port = servers.free_port()
    shell = Shell(tmp_path)
    typed = blocks()
    assert len(typed) == len(SHOWN)
    try:
        for block, shown in zip(typed, SHOWN):
            block = block.replace('2181', str(port))
            output = [shell.type(block)]

            def enough():
                if all(len(re.findall(pattern, output[0])) >= times for pattern, times in shown.items()):
                    return True
                output[0] = shell.type(block)
                return False
            servers.wait_for('what the guide promises', enough, 60, lambda: output[0])
        assert os.listdir(tmp_path) == ['zrs']
    finally:
        shell.end()


def test_the_demo_with_a_zookeeper(tmp_path):
    demo = subprocess.run(servers.ZRS + ['demo', '--zookeeper', '--seconds', '3', '--folder', str(tmp_path / 'demo')],
                          capture_output=True, text=True, timeout=120)
    assert demo.returncode == 0, demo
    assert 'which ZooKeeper tells the secondary' in demo.stdout
    assert re.search(r'commit 3: primary at .* UTC, \d+ bytes; secondary live, \d+ bytes; lag .*ms', demo.stdout), demo
    primary, secondary = (tmp_path / 'demo' / n / 'Data.fs' for n in ('primary', 'secondary'))
    assert primary.read_bytes() == secondary.read_bytes()
    with open(tmp_path / 'demo' / 'secondary.conf') as f:
        assert 'replicate-from /demo/replication' in f.read()


def test_a_zookeeper_for_trials_says_what_is_wrong(tmp_path):
    in_the_way = tmp_path / 'file'
    in_the_way.write_text('')
    for arguments, code, words in ((['--port', '70000'], 2, 'no port'), ([], 1, str(in_the_way))):
        done = subprocess.run(servers.ZRS + ['zookeeper', str(in_the_way)] + arguments,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == code and words in done.stderr and '\tat ' not in done.stderr, done
