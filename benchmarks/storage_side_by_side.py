"""The file storage beside Python's, on one file, taking turns: open, iterate, pack.

storage_side_by_side.py [OBJECTS] [ROUNDS], from a checkout where ./test has run once. Prints CPU and
wall seconds, peak memory, and the longest wait of a committer beside a pack.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.environ.get('ZRS_PEERS', os.path.join(ROOT, '.venvs'))
PYTHON = os.path.join(PEERS, 'current', 'bin', 'python')
JAVA = os.path.join(os.environ['JAVA_HOME'], 'bin', 'java') if os.environ.get('JAVA_HOME') else 'java'
CLASSES = ':'.join([os.path.join(ROOT, 'storage', 'target', 'test-classes')]
                   + sorted(glob.glob(os.path.join(ROOT, 'server', 'target', 'lib', '*.jar'))))

MAKE = '''
import random, sys
from ZODB.FileStorage import FileStorage
from ZODB.Connection import TransactionMetaData
from ZODB.utils import p64
import pickle
storage = FileStorage(sys.argv[1])
count = int(sys.argv[2])
random.seed(1)
HEAD = b'\\x80\\x03cm\\nK\\n.\\x80\\x03('
def record(oid, fanout, filler):
    # A tree: object n refers to its children; a third of the leaves is referred to by nobody.
    first = oid * fanout + 1
    refs = [c for c in range(first, min(first + fanout, count)) if c % 3 or c * fanout + 1 < count]
    return HEAD + b''.join(b'C\\x08' + p64(c) + b'Q' for c in refs) + b'C' + bytes([filler]) + b'x' * filler + b't.'
serials = {}
def commit(oids):
    t = TransactionMetaData(b'user', b'benchmark')
    storage.tpc_begin(t)
    for oid in oids:
        storage.store(p64(oid), serials.get(oid, b'\\0' * 8), record(oid, 20, random.randrange(100, 250)) , '', t)
    storage.tpc_vote(t)
    tid = storage.tpc_finish(t)
    for oid in oids:
        serials[oid] = tid
import os
os.fsync = lambda fd: None
import ZODB.FileStorage.FileStorage as module
module.fsync = None
for start in range(0, count, 500):
    commit(range(start, min(start + 500, count)))
for i in range(count // 500 // 3):
    commit(random.sample(range(count), 500))
storage.close()
'''

PYTHON_JOB = '''
import sys, time
from ZODB.FileStorage import FileStorage
from ZODB.serialize import referencesf
job, path = sys.argv[1:]
begun, cpu = time.perf_counter(), time.process_time()
storage = FileStorage(path)
if job == 'iterate':
    begun, cpu = time.perf_counter(), time.process_time()
    n = 0
    for t in storage.iterator():
        for r in t:
            n += len(r.data or b'')
if job == 'pack':
    begun, cpu = time.perf_counter(), time.process_time()
    storage.pack(time.time(), referencesf)
print('cpu %.3f wall %.3f' % (time.process_time() - cpu, time.perf_counter() - begun))
'''


def run(command):
    done = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    assert status == 0, command
    return out.strip().splitlines()[-1] + ' peak %d MB' % (usage.ru_maxrss // 1024)


def main():
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    folder = tempfile.mkdtemp(prefix='zrs-benchmark-')
    try:
        original = os.path.join(folder, 'original.fs')
        subprocess.run([PYTHON, '-c', MAKE, original, str(objects)], check=True)
        print('%d objects, %.2f GB' % (objects, os.path.getsize(original) / 1e9))
        path = os.path.join(folder, 'Data.fs')
        for _ in range(rounds):
            for job in ('open without index', 'open with index', 'iterate', 'pack', 'pack-beside-commits'):
                for who in ('python', 'zrs') if job != 'pack-beside-commits' else ('zrs',):
                    for name in glob.glob(path + '*'):
                        os.remove(name)
                    shutil.copy(original, path)
                    if job != 'open without index':
                        shutil.copy(original + '.index', path + '.index')
                    # Both find the file in the page cache.
                    subprocess.run(['cat', path], stdout=subprocess.DEVNULL, check=True)
                    word = job.split()[0]
                    command = ([PYTHON, '-c', PYTHON_JOB, word, path] if who == 'python' else
                               [JAVA, '-XX:+UseSerialGC', '-Xms32m', '--enable-native-access=ALL-UNNAMED', '-cp', CLASSES,
                                'dev.zrs.storage.StorageBenchmark', word, path])
                    print('%-20s %-7s %s' % (job, who, run(command)), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
