"""For the scripts of ZEO's own tests that call runzeo: the server under test takes the script's place, in the
same process, so that it has its id. The folder of this file is in PYTHONPATH then."""
import json
import os
import sys

import ZEO.runzeo


def main(args=None):
    with open(os.environ['ZEO_SUITE_STARTED'], 'a') as f:
        f.write('%d\n' % os.getpid())
    program = json.loads(os.environ['ZEO_SUITE_PROGRAM'])
    del os.environ['PYTHONPATH'], os.environ['ZEO_SUITE_PROGRAM'], os.environ['ZEO_SUITE_STARTED']
    os.execvp(program[0], program + (sys.argv[1:] if args is None else args))


ZEO.runzeo.main = main
