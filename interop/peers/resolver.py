"""Commits what comes in conflict: resolver.py PORT NAME COUNT CACHE [zlib] (CACHE: a folder for blobs; zlib: its
records are compressed before they are sent). Each transaction adds 1 to a Length that all share, a key to a BTree
that all share, and a blob. Prints 'ok NUMBER' for each commit, 'conflict' for a ConflictError; anything else ends
it."""
import sys

import transaction
import ZEO
import ZODB
from ZODB.blob import Blob
from ZODB.POSException import ConflictError


def main(port, name, count, cache, layer=None):
    storage = ZEO.client(('127.0.0.1', port), wait_timeout=60, blob_dir=cache)
    if layer == 'zlib':
        # The old Python lacks it.
        from zc.zlibstorage import ZlibStorage
        storage = ZlibStorage(storage)
    db = ZODB.DB(storage)
    connection = db.open()
    done = 0
    while done < count:
        transaction.begin()
        root = connection.root()
        root['length'].change(1)
        root['tree']['%s %d' % (name, done)] = done
        blob = Blob()
        with blob.open('w') as f:
            f.write(b'%s %d' % (name.encode(), done))
        root['blobs'][name][done] = blob
        try:
            transaction.commit()
        except ConflictError:
            transaction.abort()
            print('conflict', flush=True)
        else:
            print('ok', done, flush=True)
            done += 1
    db.close()


if __name__ == '__main__':
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
