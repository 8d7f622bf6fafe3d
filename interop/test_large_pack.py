"""What the pack of a large file leaves, as Python's packer leaves it; with clients at work."""
import os
import subprocess

from support import servers

BENCHMARK = os.path.join(servers.ROOT, 'benchmarks', 'pack_side_by_side.py')


# A third of them is garbage; in the long form they are a gigabyte.
def test_a_pack_in_use_leaves_what_pythons_leaves(long):
    done = subprocess.run(
        [servers.CURRENT, BENCHMARK, '3200000' if long else '20000'], capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'equal: ' in done.stdout
