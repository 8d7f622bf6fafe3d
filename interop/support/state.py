"""Compares what two databases say: the current state, and the history after a pack time.

For copies that were packed each for itself, whose bytes therefore differ. Python's FileStorage reads
both, in a process of its own (peers/describe.py). Only one difference is allowed, and only where the
second side is a Python secondary: it has no file for an empty blob (number 2 in compare.py).
"""
import hashlib
import json
import os
import subprocess

from . import servers
from .compare import Different

NOTHING = bytes(8)
_EMPTY = hashlib.sha256(b'').hexdigest()[:32]


class Description:
    """objects: {oid: [serial, data, blob]}, transactions: {tid: [user, description, extension, records]}."""

    def __init__(self, path, blobs, after, python):
        done = subprocess.run(
            [python, os.path.join(servers.ROOT, 'interop', 'peers', 'describe.py'),
             str(path), str(blobs), after.hex()],
            capture_output=True, text=True)
        if done.returncode:
            raise Different('%s can\'t be read: %s' % (path, done.stderr))
        self.path, self.objects, self.transactions = path, {}, {}
        for line in done.stdout.splitlines():
            kind, key, *rest = json.loads(line)
            (self.objects if kind == 'object' else self.transactions)[key] = rest


def same(first, second, after=NOTHING, python=servers.CURRENT, python_second=False):
    """Compares two databases, each (path, blob directory); returns the number of objects and of
    transactions that were compared: those later than the tid after."""
    one, two = (Description(*side, after, python) for side in (first, second))
    _same('object', one, two, one.objects, two.objects, python_second)
    _same('transaction', one, two, one.transactions, two.transactions, python_second)
    return len(one.objects), len(one.transactions)


def _same(kind, one, two, left, right, python_second):
    for a, b, x, y in ((one, two, left, right), (two, one, right, left)):
        only = sorted(x.keys() - y.keys())
        if only:
            raise Different('%d %ss of %s are not in %s: %s'
                            % (len(only), kind, a.path, b.path, ', '.join(only[:5])))
    for key in sorted(left):
        for blob in _blobs(kind, left[key]):
            if blob == 'missing':
                raise Different('%s %s in %s: the file of a blob is missing' % (kind, key, one.path))
        mine, theirs = left[key], right[key]
        if python_second:
            mine, theirs = (_empty_as_missing(kind, value) for value in (mine, theirs))
        if mine != theirs:
            raise Different('%s %s differs in %s and %s: %r, %r'
                            % (kind, key, one.path, two.path, _difference(mine, theirs), _difference(theirs, mine)))


def _blobs(kind, value):
    return [value[-1]] if kind == 'object' else [record[-1] for record in value[-1]]


def _empty_as_missing(kind, value):
    if kind == 'object':
        return value[:-1] + ['missing' if value[-1] == _EMPTY else value[-1]]
    return value[:-1] + [[_empty_as_missing('object', record) for record in value[-1]]]


def _difference(value, other):
    """The fields, and of the records those, that the other value does not have in the same place."""
    return [
        [r for i, r in enumerate(field) if i >= len(other[n]) or other[n][i] != r] if isinstance(field, list) else field
        for n, field in enumerate(value) if field != other[n]]
