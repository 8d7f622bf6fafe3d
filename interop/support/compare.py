"""Compares two Data.fs files and their blobs.

Equal means: the same bytes. These differences are allowed, and no others:

1. the pointer to the previous record, of records of a packed transaction (status p): pack clears these
   pointers, and the replication stream does not carry them;
2. the file of an empty blob is missing at a Python secondary (zc.zrs sends no block for it, and makes
   no file without one), where the caller says that the second side is one;
3. the undo of a blob at a Python secondary: a back-pointer on one side and the same data on the other.
"""
import os
import struct

TRANSACTION = struct.Struct('>8sQcHHH')
DATA = struct.Struct('>8s8sQQHQ')


class Different(AssertionError):
    pass


def transactions(path):
    """The records of a file: (position, tid, status, metadata, [data records]), one after the other."""
    with open(path, 'rb') as f:
        data = f.read()
    if data[:4] != b'FS30':
        raise Different('%s is no FileStorage file' % path)
    at = 4
    while at < len(data):
        tid, length, status, ul, dl, el = TRANSACTION.unpack_from(data, at)
        end = at + length
        if end + 8 > len(data) or data[end:end + 8] != struct.pack('>Q', length):
            raise Different('%s: no whole transaction at %d' % (path, at))
        pos = at + TRANSACTION.size + ul + dl + el
        records = []
        while pos < end:
            oid, serial, prev, tloc, vlen, plen = DATA.unpack_from(data, pos)
            size = DATA.size + (plen or 8)
            records.append((pos, oid, serial, prev, tloc, plen, data[pos + DATA.size:pos + size]))
            pos += size
        if pos != end:
            raise Different('%s: records do not add up at %d' % (path, at))
        yield at, tid, status, (ul, dl, el, data[at + TRANSACTION.size:at + TRANSACTION.size + ul + dl + el]), records
        at = end + 8


def same_files(first, second, packed=False, python_second=False):
    """Compares two files; packed and python_second allow the differences 1 and 3 of the list."""
    with open(first, 'rb') as a, open(second, 'rb') as b:
        if a.read() == b.read():
            return
    one, two = list(transactions(first)), list(transactions(second))
    for left, right in zip(one, two):
        where = 'transaction %s at %d and %d' % (left[1].hex(), left[0], right[0])
        if left[1:4] != right[1:4]:
            raise Different('%s: headers differ: %r, %r' % (where, left[1:4], right[1:4]))
        if len(left[4]) != len(right[4]):
            raise Different('%s: %d and %d records' % (where, len(left[4]), len(right[4])))
        for r, s in zip(left[4], right[4]):
            compare_records(where, r, s, packed and left[2] == b'p', python_second)
    if len(one) != len(two):
        raise Different('%d and %d transactions' % (len(one), len(two)))
    if not packed and not python_second:
        raise Different('the bytes differ, but no record does')


def compare_records(where, r, s, previous_may_differ, python_second):
    pos, oid, serial, prev, tloc, plen, content = r
    pos2, oid2, serial2, prev2, tloc2, plen2, content2 = s
    where = '%s, oid %s, at %d and %d' % (where, oid.hex(), pos, pos2)
    if (oid, serial) != (oid2, serial2):
        raise Different('%s: other record: oid %s, serial %s and %s'
                        % (where, oid2.hex(), serial.hex(), serial2.hex()))
    if prev != prev2 and not previous_may_differ:
        raise Different('%s: previous record at %d and %d' % (where, prev, prev2))
    if (plen, content) != (plen2, content2):
        if python_second and (plen == 0) != (plen2 == 0):
            return
        raise Different('%s: data differ (%d and %d bytes)' % (where, plen, plen2))


def blob_files(directory):
    """{path below the directory: content} of the committed blobs."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith('.blob'):
                path = os.path.join(folder, name)
                with open(path, 'rb') as f:
                    found[os.path.relpath(path, directory)] = f.read()
    return found


def same_blobs(first, second, python_second=False):
    one, two = blob_files(first), blob_files(second)
    if python_second:
        one = {k: v for k, v in one.items() if v or k in two}
    if one.keys() != two.keys():
        raise Different('blob files on one side only: %s' % sorted(one.keys() ^ two.keys())[:5])
    for name, content in one.items():
        if content != two[name]:
            raise Different('blob file %s differs' % name)
