"""Chains of servers, each replicating from the one before, and what the files of a stopped one need."""
import os
import struct

import ZODB.utils

from . import compare, servers


def chain(make, commands, blobs=True):
    """A primary and secondaries, each following the one before; make is the cluster fixture."""
    ports = [servers.free_port() for _ in commands[1:]]
    nodes = []
    for i, command in enumerate(commands):
        node = make(
            'node%d' % i, command,
            replicate_to=ports[i] if i < len(ports) else None,
            replicate_from=ports[i - 1] if i else None,
            keep_alive=1, blobs=blobs)
        node.upstream = '127.0.0.1:%d' % ports[i - 1] if i else None
        nodes.append(node)
    return nodes


def last_tid(path):
    """The last transaction of a file that a server may be writing; None if that can't be said now."""
    try:
        with open(path, 'rb') as f:
            end = f.seek(0, os.SEEK_END)
            if end <= 4 + 8 + compare.TRANSACTION.size:
                return None
            f.seek(end - 8)
            length, = struct.unpack('>Q', f.read(8))
            if not compare.TRANSACTION.size <= length <= end - 4 - 8:
                return None
            f.seek(end - 8 - length)
            tid, length_again, status, *_ = compare.TRANSACTION.unpack(f.read(compare.TRANSACTION.size))
    except FileNotFoundError:
        return None
    return tid if length_again == length and status in (b' ', b'p') else None


def cut_torn_tail(path):
    """Cuts an unfinished last transaction off; returns its tid, or None if there is none.

    For a file of zc.zrs that was killed as a secondary. Python's FileStorage cuts that transaction too,
    but gives out its tid as the last one, and zc.zrs then asks for what follows it: the transaction would
    be missing for good. A cut by hand before the start is what an operator of zc.zrs has to do.
    """
    if not os.path.exists(path):
        return None
    with open(path, 'r+b') as f:
        size = os.fstat(f.fileno()).st_size
        at = 4
        while at < size:
            f.seek(at)
            header = f.read(compare.TRANSACTION.size)
            if len(header) < compare.TRANSACTION.size:
                f.truncate(at)
                return header[:8]
            tid, length, status, *_ = compare.TRANSACTION.unpack(header)
            if at + length + 8 > size or status == b'c':
                f.truncate(at)
                return tid
            at += length + 8
    return None


def remove_uncommitted_blobs(server):
    """Removes the blobs of transactions that are not in the file; returns how many.

    Killed between the vote and the finish, Python's FileStorage leaves the blob files of what it then
    cuts off.
    """
    committed = {'%s.blob' % ZODB.utils.tid_repr(t[1]) for t in compare.transactions(server.file)}
    removed = 0
    for folder, _, names in os.walk(server.blobs):
        for name in names:
            if name.endswith('.blob') and name not in committed:
                os.remove(os.path.join(folder, name))
                removed += 1
    return removed
