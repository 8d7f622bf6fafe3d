"""No client is ever shown an older state after it was told of a newer one."""
import os
import subprocess

from support import servers


def test_no_stale_and_no_torn_reads(cluster, long):
    server = cluster('server').start()
    seconds = 120 if long else 15
    script = os.path.join(servers.ROOT, 'interop', 'peers', 'order.py')
    subprocess.run([servers.CURRENT, script, 'prepare', str(server.port)], check=True, timeout=60)
    processes = [
        subprocess.Popen([servers.CURRENT, script, role, str(server.port), str(seconds), server.folder],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for role in ('write', 'write', 'read', 'read', 'read')]
    try:
        outputs = [p.communicate(timeout=seconds + 90)[0] for p in processes]
    finally:
        for p in processes:
            p.kill()
    for process, output in zip(processes, outputs):
        assert process.returncode == 0, output + server.read_logs()
    looks = [int(output.split()[-1]) for output in outputs]
    assert min(looks) > 100, looks
