"""Compares two Data.fs files and their blobs.

Equal means: the same bytes. These differences are allowed, where the caller says that they can be, and
no others:

1. packed: a record of a packed transaction (status p) has no pointer to the previous record at the
   first side and the right one at the second: pack clears these pointers, and the replication stream
   does not carry them;
2. python_second: the file of an empty blob is missing at the second side, a Python secondary (zc.zrs
   sends no block for it, and makes no file without one);
3. python_second: the undo of a blob is a back-pointer on one side and the same data on the other. What
   follows lies elsewhere then, so pointers are compared by the record that they lead to;
4. python_first, python_second: a back-pointer to a transaction that has the object twice (the commit of a
   blob over ZEO makes two records) leads to the first of them at a Python secondary, which looks for the
   object's record from the start, and to the second at the other side; both have the same data.
"""
import os
import struct

TRANSACTION = struct.Struct('>8sQcHHH')
DATA = struct.Struct('>8s8sQQHQ')
POINTER = struct.Struct('>Q')


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
        if at + TRANSACTION.size > len(data):
            raise Different('%s: half a transaction header at %d' % (path, at))
        tid, length, status, ul, dl, el = TRANSACTION.unpack_from(data, at)
        end = at + length
        if end + 8 > len(data) or data[end:end + 8] != struct.pack('>Q', length):
            raise Different('%s: no whole transaction at %d' % (path, at))
        pos = at + TRANSACTION.size + ul + dl + el
        records = []
        while pos < end:
            if pos + DATA.size > end:
                raise Different('%s: half a data header at %d' % (path, pos))
            oid, serial, prev, tloc, vlen, plen = DATA.unpack_from(data, pos)
            if tloc != at or vlen or serial != tid:
                raise Different('%s: oid %s at %d: transaction position %d, version length %d, serial %s in %s at %d'
                                % (path, oid.hex(), pos, tloc, vlen, serial.hex(), tid.hex(), at))
            size = DATA.size + (plen or 8)
            records.append((pos, oid, serial, prev, tloc, plen, data[pos + DATA.size:pos + size]))
            pos += size
        if pos != end:
            raise Different('%s: records do not add up at %d' % (path, at))
        yield at, tid, status, (ul, dl, el, data[at + TRANSACTION.size:at + TRANSACTION.size + ul + dl + el]), records
        at = end + 8


def same_files(first, second, packed=False, python_second=False, python_first=False):
    """Compares two files; packed, python_second and python_first (each: that side is a Python secondary)
    allow the differences 1, 3 and 4 of the list."""
    with open(first, 'rb') as a, open(second, 'rb') as b:
        if a.read() == b.read():
            return
    one, two = Side(first), Side(second)
    allowed = 0
    for left, right in zip(one.transactions, two.transactions):
        where = 'transaction %s at %d and %d' % (left[1].hex(), left[0], right[0])
        if left[1:4] != right[1:4]:
            raise Different('%s: headers differ: %r, %r' % (where, left[1:4], right[1:4]))
        if len(left[4]) != len(right[4]):
            raise Different('%s: %d and %d records' % (where, len(left[4]), len(right[4])))
        for r, s in zip(left[4], right[4]):
            allowed += compare_records(where, one, two, r, s, packed and left[2] == b'p', python_second,
                                       python_first)
            one.latest[r[1]], two.latest[s[1]] = r[0], s[0]
    if len(one.transactions) != len(two.transactions):
        raise Different('%d and %d transactions' % (len(one.transactions), len(two.transactions)))
    if not allowed:
        raise Different('the bytes differ, but no record does')


class Side:
    """One file, with what its pointers lead to: the number of a record in the file."""

    def __init__(self, path):
        self.transactions = list(transactions(path))
        records = [r for t in self.transactions for r in t[4]]
        self.numbers = {r[0]: i for i, r in enumerate(records)}
        self.records = {r[0]: r for r in records}
        self.of_transaction = {t[1]: t[4] for t in self.transactions}
        self.latest = {}

    def target(self, position):
        """What a pointer leads to; None if to nothing, and a text that equals no number if nowhere."""
        return self.numbers.get(position, 'nowhere: %d' % position) if position else None

    def names(self, position):
        """The oid and the tid of the record there; None if there is none."""
        return self.records[position][1:3] if position in self.records else None

    def is_first_of_several(self, position):
        """Whether a record is the first of several that its object has in its transaction."""
        same = [r[0] for r in self.of_transaction[self.records[position][2]] if r[1] == self.records[position][1]]
        return len(same) > 1 and same[0] == position

    def data(self, record):
        """The data of a record, behind any number of back-pointers; None if there are none."""
        while record[5] == 0:
            back = POINTER.unpack(record[6])[0]
            if not back:
                return None
            if back >= record[0] or self.records.get(back, record)[1] != record[1]:
                raise Different('a back-pointer at %d leads to %d' % (record[0], back))
            record = self.records[back]
        return record[6]


def compare_records(where, one, two, r, s, packed, python_second, python_first):
    """Whether they differ in an allowed way; raises if they do in another."""
    where = '%s, oid %s, at %d and %d' % (where, r[1].hex(), r[0], s[0])
    if r[1] != s[1]:
        raise Different('%s: other record: oid %s' % (where, s[1].hex()))
    allowed = False
    if one.target(r[3]) != two.target(s[3]):
        if not (packed and r[3] == 0 and s[3] == two.latest.get(s[1], 0)):
            raise Different('%s: previous record at %d and %d' % (where, r[3], s[3]))
        allowed = True
    if r[5] == s[5] == 0:
        back, back2 = POINTER.unpack(r[6])[0], POINTER.unpack(s[6])[0]
        if one.target(back) != two.target(back2):
            same = one.names(back) == two.names(back2) is not None and one.data(r) == two.data(s)
            if not (same and (python_second and two.is_first_of_several(back2)
                              or python_first and one.is_first_of_several(back))):
                raise Different('%s: back-pointers to %d and %d' % (where, back, back2))
            allowed = True
    elif r[6] != s[6]:
        if not (python_second and 0 in (r[5], s[5]) and one.data(r) == two.data(s)):
            raise Different('%s: data differ (%d and %d bytes)' % (where, r[5], s[5]))
        allowed = True
    return allowed


def blob_files(directory):
    """{path below the directory: content} of the committed blobs."""
    found = {}
    for folder, folders, names in os.walk(directory):
        if folder == str(directory) and 'tmp' in folders:
            folders.remove('tmp')  # nothing in it is committed
        for name in names:
            if name.endswith('.blob'):
                path = os.path.join(folder, name)
                with open(path, 'rb') as f:
                    found[os.path.relpath(path, directory)] = f.read()
    return found


def same_blobs(first, second, python_second=False):
    """Compares two blob directories; python_second allows the difference 2 of the list."""
    one, two = blob_files(first), blob_files(second)
    if python_second:
        one = {k: v for k, v in one.items() if v or k in two}
    if one.keys() != two.keys():
        raise Different('blob files at the first side only: %s; at the second only: %s'
                        % (sorted(one.keys() - two.keys())[:5], sorted(two.keys() - one.keys())[:5]))
    for name, content in one.items():
        if content != two[name]:
            raise Different('blob file %s differs' % name)
