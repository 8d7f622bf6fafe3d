"""No client is ever shown an older state after it was told of a newer one."""
import os
import subprocess

from support import servers


def test_no_stale_and_no_torn_reads(cluster, long):
    server = cluster('server').start()
    seconds = 120 if long else 15
    script = os.path.join(servers.ROOT, 'interop', 'peers', 'order.py')
    subprocess.run([servers.CURRENT, script, 'prepare', str(server.port)], check=True, timeout=60)
    processes = []

    def start(role):
        processes.append(subprocess.Popen(
            [servers.CURRENT, script, role, str(server.port), str(seconds), server.folder],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))

    notes = os.path.join(server.folder, 'committed')
    try:
        # The readers come after the writers: who is told first may depend on who came first.
        start('write')
        start('write')
        servers.wait_for('the first commits', lambda: os.path.exists(notes) and os.path.getsize(notes) > 800, 30,
                         server.read_logs)
        for _ in range(3):
            start('read')
        outputs = [p.communicate(timeout=seconds + 90)[0] for p in processes]
    finally:
        for p in processes:
            p.kill()
    for process, output in zip(processes, outputs):
        assert process.returncode == 0, output + server.read_logs()
    looks = [int(output.split()[-1]) for output in outputs]
    assert min(looks) > 100, looks
