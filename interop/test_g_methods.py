"""What few clients call gives the same from our server as from Python's: undo, history, iteration, pack."""
import difflib
import os
import subprocess

import pytest

from support import servers

SCRIPT = os.path.join(servers.ROOT, 'interop', 'peers', 'methods.py')


def transcript(server, python):
    run = subprocess.run([python, SCRIPT, str(server.port), server.folder + '/cache'], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr + server.read_logs()
    return run.stdout.splitlines()


@pytest.mark.parametrize('python', [servers.CURRENT, servers.LEGACY], ids=['current', 'legacy'])
def test_methods_answer_as_pythons_server_does(cluster, python):
    theirs = transcript(cluster('python', servers.RUNZEO).start(), python)
    ours = transcript(cluster('ours').start(), python)
    assert len(theirs) > 45
    assert ours == theirs, '\n'.join(difflib.unified_diff(theirs, ours, 'python', 'zrs', lineterm='', n=0))
