"""Python processes that work at one server at the same time."""
import subprocess
import tempfile

from support import servers


class Helpers:
    """Starts them, and ends them with the block. The last line that each one prints is its result."""

    def __init__(self, server):
        self.server = server
        self.running = []

    def __enter__(self):
        return self

    def start(self, script, *arguments):
        output = tempfile.TemporaryFile('w+')
        process = subprocess.Popen([servers.CURRENT, script] + [str(a) for a in arguments],
                                   stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True)
        self.running.append((process, output))

    @staticmethod
    def said(output):
        output.seek(0)
        return output.read()

    def ready(self):
        """Waits until all have said that they are."""
        for process, output in self.running:
            servers.wait_for('a helper is ready',
                             lambda process=process, output=output: 'ready' in self.peek(process, output), 120,
                             self.server.read_logs)

    def go(self):
        """When all are ready: lets them go on at the same time."""
        self.ready()
        for process, _ in self.running:
            process.stdin.write('go\n')
            process.stdin.flush()

    def peek(self, process, output):
        # Not through the file that the process writes to: the two would share its position.
        with open('/proc/self/fd/%d' % output.fileno()) as f:
            text = f.read()
        assert process.poll() is None, text + self.server.read_logs()
        return text

    def outputs(self, limit):
        """The last line of each, when all have ended well."""
        for process, output in self.running:
            code = process.wait(limit)
            assert code == 0, self.said(output)[-4000:] + self.server.read_logs()
        return [self.said(output).splitlines()[-1] for _, output in self.running]

    def __exit__(self, *exception):
        for process, output in self.running:
            process.kill()
            process.wait()
            process.stdin.close()
            output.close()
