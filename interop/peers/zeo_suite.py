"""Runs ZEO's own tests of a client and its server against a server that is there already, each test on a
storage of its own: zeo_suite.py PORT BREAK LOG. Prints the names of the storages with those of the tests
and, of those that failed, the reason. After every 20 tests it makes the file BREAK, and goes on when somebody
has removed it."""
import json
import logging
import os
import sys
import tempfile
import time
import unittest

import ZEO.ClientStorage
import ZEO.tests.testZEO as module
from ZODB.tests import StorageTestBase
from ZODB.tests.util import clear_transaction_syncs  # noqa: F401  (what the tests expect to be there)

# They need classes of the tests in the server, to resolve conflicts of them.
NOT_FOR_US = {'checkResolve', 'testUndoConflictResolution', 'testUndoMultipleConflictResolution',
              'testUndoMultipleConflictResolutionReversed'}
if not os.environ.get('ZRS_LONG'):
    NOT_FOR_US.add('test_race_external_invalidate_vs_disconnect')  # it takes longer than all others together
NAMES = sorted(n for n in dir(module.FullGenericTests)
               if n.startswith(('check', 'test')) and n not in NOT_FOR_US)
SHARED_NAMES = ['checkStoreBlob', 'checkLoadBlob', 'checkTransactionBufferCleanup']
BLOB_NAMES = ['checkStoreBlob', 'checkLoadBlob', 'checkTemporaryDirectory', 'checkTransactionBufferCleanup',
              'checkStoreAndLoadBlob']


def storages():
    """{storage: (class, name of the test)}"""
    tests = [(General, name) for name in NAMES] + [(Blobs, name) for name in BLOB_NAMES]
    tests += [(SharedBlobs, name) for name in SHARED_NAMES]
    return {'t%03d' % i: test for i, test in enumerate(tests)}


class Current:
    address = None
    blobs = None
    storage = None


class Client(ZEO.ClientStorage.ClientStorage):
    """One of the storage that the test has for itself."""

    def __init__(self, addr, storage='1', *args, **kw):
        super().__init__(Current.address, Current.storage, *args, **kw)


def prepare(case):
    StorageTestBase.StorageTestBase.setUp(case)
    case._servers = []
    case.blobdir = os.path.join(Current.blobs, Current.storage)
    case.blob_cache_dir = case.blobdir if case.shared_blob_dir else tempfile.mkdtemp('blob_cache', dir=os.getcwd())
    case._storage = Client(None, cache_size=20000000, min_disconnect_poll=0.5, wait=1, wait_timeout=60,
                           blob_dir=case.blob_cache_dir, shared_blob_dir=case.shared_blob_dir)
    case._storage.registerDB(module.DummyDB())


class General(module.FullGenericTests):
    setUp = prepare


class Blobs(module.BlobAdaptedFileStorageTests):
    setUp = prepare


class SharedBlobs(module.BlobWritableCacheTests):
    setUp = prepare


def main(port, blobs, broken, log):
    logging.basicConfig(filename=log, level=logging.INFO, format='%(asctime)s %(message)s')
    Current.address, Current.blobs = ('127.0.0.1', int(port)), blobs
    ZEO.ClientStorage.ClientStorage = module.ClientStorage = Client
    outcome = {}
    for number, (storage, (kind, name)) in enumerate(storages().items(), 1):
        Current.storage = storage
        logging.info('%s: %s of %s', storage, name, kind.__name__)
        result = unittest.TestResult()
        kind(name).run(result)
        for _, text in result.errors + result.failures:
            outcome.setdefault(name, '')
            outcome[name] += text
        if number % 20 == 0:
            with open(broken, 'w'):
                pass
            while os.path.exists(broken):
                time.sleep(0.05)
    print(json.dumps(outcome), flush=True)
    # Whatever a test has left running.
    os._exit(0)


if __name__ == '__main__':
    if sys.argv[1] == 'storages':
        print(json.dumps({storage: name for storage, (_, name) in storages().items()}))
    else:
        main(*sys.argv[1:])
