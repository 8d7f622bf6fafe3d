"""Has the real ZODB open what a crash has left: crash_peer.py FILE, which lists the directories."""
import hashlib
import logging
import sys

import ZODB.blob
import ZODB.POSException
from ZODB.FileStorage import FileStorage

logging.disable(logging.CRITICAL)


def digest(data):
    return '-' if data is None else hashlib.sha1(data).hexdigest()


def blob(storage, record):
    if record.data is None or not ZODB.blob.is_blob_record(record.data):
        return None
    with open(storage.loadBlob(record.oid, record.tid), 'rb') as f:
        return f.read()


def dump(storage):
    oids = {}
    for t in storage.iterator():
        yield f'T {t.tid.hex()} {t.status!r} {digest(t.description)}'
        for r in t:
            oids[r.oid] = None
            origin = r.data_txn.hex() if r.data_txn else '-'
            yield f'R {r.oid.hex()} {digest(r.data)} {origin} {digest(blob(storage, r))}'
    for oid in oids:
        try:
            data = storage.loadBefore(oid, b'\x7f' + b'\xff' * 7)[0]
        except ZODB.POSException.POSKeyError:
            data = None
        yield f'L {oid.hex()} {digest(data)}'


for directory in open(sys.argv[1]).read().splitlines():
    try:
        storage = FileStorage(f'{directory}/Data.fs', blob_dir=f'{directory}/blobs')
        lines = list(dump(storage))
        storage.close()
    except Exception as e:
        lines = [f'{type(e).__name__}: {e}']
    print('=', directory)
    print(*lines, sep='\n')
