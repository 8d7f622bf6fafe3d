"""What a stopped Data.fs says, as Python's FileStorage reads it: describe.py DATA_FS BLOBS AFTER.

A line of JSON for each object that can be reached from the root, as it is now: "object", oid, serial,
digest of the data, digest of the blob. Then one for each transaction after the tid AFTER: "transaction",
tid, user, description, extension, a list of records: oid, digest of the data, digest of the blob.
The digest of a blob is null if the object is none, and "missing" if there is no file; that of the data
is null if there is none (an undone creation, a deleted object).
"""
import hashlib
import json
import sys

from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.utils import load_current, p64, u64, z64


def digest(data):
    return hashlib.sha256(data).hexdigest()[:32]


def blob_digest(storage, oid, serial, data):
    if not storage.is_blob_record(data):
        return None
    try:
        path = storage.loadBlob(oid, serial)
    except POSKeyError:
        return 'missing'
    content = hashlib.sha256()
    with open(path, 'rb') as f:
        while block := f.read(1 << 20):
            content.update(block)
    return content.hexdigest()[:32]


def say(*fields):
    print(json.dumps(fields))


def current(storage):
    seen, todo = {z64}, [z64]
    while todo:
        oid = todo.pop()
        try:
            data, serial = load_current(storage, oid)
        except POSKeyError:
            say('object', oid.hex(), None, None, None)
            continue
        say('object', oid.hex(), serial.hex(), digest(data), blob_digest(storage, oid, serial, data))
        for reference in referencesf(data):
            if reference not in seen:
                seen.add(reference)
                todo.append(reference)


def history(storage, after):
    for t in storage.iterator(p64(u64(after) + 1)):
        records = [
            [r.oid.hex(), None, None] if r.data is None
            else [r.oid.hex(), digest(r.data), blob_digest(storage, r.oid, r.tid, r.data)]
            for r in t]
        say('transaction', t.tid.hex(), repr(t.user), repr(t.description),
            repr(sorted(t.extension.items())), records)


def main(path, blobs, after):
    storage = FileStorage(path, read_only=True, blob_dir=blobs)
    current(storage)
    history(storage, bytes.fromhex(after))
    storage.close()


main(*sys.argv[1:])
