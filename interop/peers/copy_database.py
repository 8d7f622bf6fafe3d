"""Copies a whole database through ZEO: copy_database.py in|out PORT DATA_FS BLOBS.

in: the transactions of DATA_FS to an empty server; a ZEO client can't bring blob files in this way. out: those
of the server, with all blobs, to a new DATA_FS. Prints which event loop and protocol the client has used.
"""
import os
import sys

import ZEO
from ZODB.FileStorage import FileStorage


def main(direction, port, path, blobs):
    client = ZEO.client(('127.0.0.1', int(port)), wait_timeout=60, blob_dir=os.path.join(
        os.path.dirname(path), 'cache-%d' % os.getpid()))
    loop = client._server.loop
    if direction == 'in':
        source = FileStorage(path, read_only=True)
        client.copyTransactionsFrom(source)
        source.close()
    else:
        copy = FileStorage(path, create=True, blob_dir=blobs)
        copy.copyTransactionsFrom(client)
        copy.close()
    print(type(loop).__module__.partition('.')[0], client.protocol_version.decode())
    client.close()


main(*sys.argv[1:])
