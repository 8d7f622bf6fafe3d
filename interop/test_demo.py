"""The demo: what it prints must work as it stands."""
import re
import signal
import subprocess

import pytest

from support import servers


@pytest.mark.ours
def test_the_demo_shows_a_primary_and_a_secondary(tmp_path):
    demo = subprocess.Popen(servers.ZRS + ['demo', '--folder', str(tmp_path / 'demo')],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if line.startswith('commit 3:'):
                break
        text = ''.join(lines)
        assert str(tmp_path / 'demo') in text
        snippets = re.findall(r'(?:^    .*\n)+', text, re.M)
        assert len(snippets) == 2, text
        for snippet in snippets:
            program = '\n'.join(line[4:] for line in snippet.splitlines())
            done = subprocess.run([servers.CURRENT, '-c', program], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and "'commits': " in done.stdout, done.stderr
        assert re.search(r'commit 3: primary at .* UTC, \d+ bytes; secondary live, \d+ bytes; lag .*ms', text), text
        demo.send_signal(signal.SIGINT)
        rest = demo.communicate(timeout=60)[0]
        assert demo.returncode == 0 and 'stopping' in rest, rest
    finally:
        demo.kill()
    primary, secondary = (tmp_path / 'demo' / n / 'Data.fs' for n in ('primary', 'secondary'))
    assert primary.read_bytes() == secondary.read_bytes()
