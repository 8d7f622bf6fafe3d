"""Loads every object of a served storage and compares it with what FileStorage gives.

load_all.py PORT DATA_FS BLOBS [READ_ONLY]; works with ZEO 5 and 6. Prints how many were compared.
"""
import os
import sys

import ZEO
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError
from ZODB.utils import maxtid, p64, u64


def outcome(load, *args):
    try:
        return load(*args)
    except POSKeyError:
        return 'POSKeyError'


def main(port, path, blobs):
    file = FileStorage(path, read_only=True, blob_dir=blobs)
    client = ZEO.client(('127.0.0.1', int(port)), read_only=True, wait_timeout=30, cache_size=1 << 20,
                        blob_dir=os.path.join(os.path.dirname(blobs), 'client-blobs-%d' % os.getpid()))
    assert client.lastTransaction() == file.lastTransaction(), 'other last transaction'
    assert len(client) == len(file), (len(client), len(file))
    assert client.getSize() == file.getSize(), (client.getSize(), file.getSize())
    oids, revisions, blob_count = set(), 0, 0
    for t in file.iterator():
        for r in t:
            oids.add(r.oid)
            # Every revision, with where it ends, and by its serial.
            after = p64(u64(r.tid) + 1)
            expected = outcome(file.loadBefore, r.oid, after)
            got = outcome(client.loadBefore, r.oid, after)
            assert got == expected, ('loadBefore', r.oid, r.tid, got, expected)
            expected = outcome(file.loadSerial, r.oid, r.tid)
            got = outcome(client.loadSerial, r.oid, r.tid)
            assert got == expected, ('loadSerial', r.oid, r.tid)
            revisions += 1
            if r.data and file.is_blob_record(r.data):
                with open(client.loadBlob(r.oid, r.tid), 'rb') as a, open(file.loadBlob(r.oid, r.tid), 'rb') as b:
                    assert a.read() == b.read(), ('blob', r.oid, r.tid)
                blob_count += 1
    for oid in oids:
        expected = outcome(file.loadBefore, oid, maxtid)
        got = outcome(client.loadBefore, oid, maxtid)
        assert got == expected, ('current', oid, got, expected)
        assert outcome(client.loadBefore, oid, p64(1)) == outcome(file.loadBefore, oid, p64(1))
    assert outcome(client.loadBefore, p64(1 << 40), maxtid) == 'POSKeyError'
    client.close()
    print(len(oids), revisions, blob_count)


main(*sys.argv[1:4])
