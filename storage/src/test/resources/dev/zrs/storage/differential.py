"""A FileStorage of ZODB that does what it is told, a line each; see DifferentialTest.

The words of an operation are explained in DifferentialSequence.
"""
import base64
import hashlib
import os
import stat
import struct
import sys
import tempfile
import time
import traceback

from persistent.TimeStamp import TimeStamp
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.serialize import referencesf
from ZODB.utils import p64, z64

# What undo does with it shows what an object is made of that never was one.
DEFAULT_RECORD = b'\x80\x03cm\nK\n.\x80\x03N.'
A_USER = '/ us\u00e9r'.encode()


def digest(data):
    return '-' if data is None else hashlib.sha1(data).hexdigest()[:12]


def unhex(text):
    """The bytes of '-', of hexadecimal digits, or of pieces '41+42*3' of them with counts."""
    if text == '-':
        return None
    return b''.join(
        bytes.fromhex(digits) * int(count or 1)
        for digits, _, count in (piece.partition('*') for piece in text.split('+')))


def bits(time):
    return struct.pack('>d', time).hex()


class File:
    """A Data.fs, read by no code of ZODB's, to say what a pack has to leave."""

    class Record:
        def __init__(self, position, oid, tid, back, data, transaction):
            self.position, self.oid, self.tid = position, oid, tid
            self.back, self.data, self.transaction = back, data, transaction

    def __init__(self, path):
        with open(path, 'rb') as f:
            content = f.read()
        self.size = len(content)
        self.transactions = []  # (position, tid, status, length of header, records)
        self.at = {}  # position -> record
        position = 4
        while position < len(content):
            tid, length, status, *sizes = struct.unpack_from('>8sQcHHH', content, position)
            records = []
            transaction = (position, tid, status, 23 + sum(sizes), records)
            self.transactions.append(transaction)
            at = position + 23 + sum(sizes)
            while at < position + length:
                oid, serial, _, _, _, size = struct.unpack_from('>8s8sQQHQ', content, at)
                if size:
                    back, data = 0, content[at + 42:at + 42 + size]
                else:
                    (back,), data = struct.unpack_from('>Q', content, at + 42), None
                record = self.Record(at, oid, serial, back, data, transaction)
                records.append(record)
                self.at[at] = record
                at += 42 + (size or 8)
            position += length + 8

    def data(self, record):
        while record.back:
            record = self.at[record.back]
        return record.data

    def entry(self, record):
        return '%s:%s:%s' % (record.oid.hex(), record.tid.hex(), digest(self.data(record)))


class Pack:
    """What ZODB's pack leaves of a file, and what ours has to.

    Ours differs: what younger transactions refer or point back to stays, with all that hangs below
    it; a dangling reference is no error; and all back-pointers' targets stay without gc too.
    """

    def __init__(self, file, stop, gc):
        self.file, self.gc = file, gc
        transactions = file.transactions
        self.old = [t for t in transactions if t[1] <= stop]
        self.young = transactions[len(self.old):]
        self.position = self.young[0][0] if self.young else file.size
        self.current = {}
        for record in (r for t in self.old for r in t[4]):
            if record.data is None and not record.back:
                self.current.pop(record.oid, None)
            else:
                self.current[record.oid] = record
        # Also if there is no object at all.
        self.redundant = not file.at or (
            all(t[2] == b'p' for t in self.old)
            and (not self.young or self.young[0][2] == b'p'))
        self.everything = {r.position for t in self.old for r in t[4]}
        self.targets = {
            r.back for t in self.young for r in t[4] if 0 < r.back < self.position}

    def references(self, record):
        data = self.file.data(record)
        return referencesf(data) if data else []

    def reach(self, reached, oids, strict):
        todo = list(oids)
        while todo:
            oid = todo.pop()
            if oid in reached:
                continue
            if oid not in self.current:
                if strict:
                    raise KeyError(oid)
                continue
            reached.add(oid)
            todo.extend(self.references(self.current[oid]))

    def from_root(self, strict):
        reached = set()
        if self.current:
            if z64 not in self.current:
                raise KeyError(z64)
            self.reach(reached, [z64], strict)
        return reached

    def changes(self, kept):
        """Whether a pack that keeps these records writes another file: one of another length."""
        if self.redundant:
            return False
        size = 4
        for position, _, _, header, records in self.old:
            lengths = [
                42 + (len(self.file.data(r) or b'') or 8) for r in records if r.position in kept]
            size += header + sum(lengths) + 8 if lengths else 0
        return size != self.position

    def result(self, kept):
        """The positions of the old records that are there after it."""
        return kept if self.changes(kept) else self.everything

    def entries(self, kept):
        return [
            self.file.entry(r) for t in self.file.transactions for r in t[4]
            if r.position >= self.position or r.position in kept]

    def ours(self):
        """The positions of the old records that are to stay."""
        if self.redundant:
            return self.everything
        reached = set(self.current)
        if self.gc:
            reached = self.from_root(False)
            for record in (r for t in self.young for r in t[4]):
                if not record.back:
                    self.reach(reached, self.references(record), False)
            for target in self.targets:
                self.reach(reached, self.references(self.file.at[target]), False)
        return self.result({self.current[oid].position for oid in reached} | self.targets)

    def pythons(self):
        """(result, the positions of the old records that stay or None where that is not sure)"""
        if self.redundant:
            return 'ok', self.everything
        try:
            kept = self.kept_by_python()
        except KeyError:
            return 'KeyError', None
        if not self.changes(kept):
            return 'ok', self.everything
        for transaction in self.young:
            error = None
            for target in (self.file.at[r.back] for r in transaction[4] if r.back):
                if len([r for r in target.transaction[4] if r.oid == target.oid]) > 1:
                    # It takes the first record of the object there, whatever that is.
                    return 'unsure', None
                if target.position < self.position and target.position not in kept:
                    if not any(r.position in kept for r in target.transaction[4]):
                        return 'PackError', None
                    if self.file.data(target) is not None:
                        # Found at the transaction's end: it has become longer.
                        error = 'AssertionError'
            if error:
                return error, None
        return 'ok', kept

    def kept_by_python(self):
        if not self.gc:
            return {r.position for r in self.current.values()}
        reached = self.from_root(True)
        pointed = set()
        roots = []
        for record in (r for t in self.young for r in t[4]):
            if 0 < record.back < self.position:
                if record.oid in reached or record.oid in pointed:
                    roots.append(record.back)
                else:
                    # What hangs below the record is not looked for.
                    pointed.add(record.oid)
        seen = reached | pointed
        for root in roots:
            self.reach(seen, self.references(self.file.at[root]), True)
        return {self.current[oid].position for oid in seen - pointed} | self.targets

    def keeps_only_header(self, left):
        """Whether no record of the last transaction is left."""
        return (self.changes(left) and not self.young
                and not any(r.position in left for r in self.old[-1][4]))


class Peer:
    storage = directory = None

    def open(self, directory, how, layout, quota):
        self.directory = directory
        self.storage = FileStorage(
            directory + '/Data.fs',
            blob_dir=None if layout == 'none' else directory + '/blobs',
            read_only=how == 'readonly',
            create=how == 'create',
            quota=None if quota == '-' else int(quota))
        return 'ok'

    def close(self):
        storage, self.storage = self.storage, None
        if storage is not None:  # its length is that of its index
            storage.close()
        return 'ok'

    def new_oid(self):
        try:
            return self.storage.new_oid().hex()
        except Exception as e:
            return self.name(e)

    def serial(self, mode, oid):
        n = {'current': 1, 'older': 2}.get(mode)
        if n:
            try:
                return self.storage.history(oid, n)[-1]['tid']
            except KeyError:
                return z64
        return p64(5) if mode == 'stale' else z64

    def data(self, oid, text):
        if not text.startswith('@'):
            return unhex(text)
        try:
            return self.storage.loadSerial(oid, unhex(text[1:]))
        except KeyError:
            return DEFAULT_RECORD

    def temporary(self, content):
        fd, path = tempfile.mkstemp(dir=self.storage.temporaryDirectory(), suffix='.tmp')
        with os.fdopen(fd, 'wb') as f:
            f.write(unhex(content) or b'')
        return path

    def step(self, t, what, *args):
        """The oids that it undoes."""
        storage = self.storage
        if what == 'undo':
            infos = storage.undoLog(0, 100)
            if args[0].startswith('t'):
                tid = base64.encodebytes(unhex(args[0][1:])).rstrip()
            else:
                n = int(args[0])
                tid = infos[n]['id'] if n < len(infos) else base64.encodebytes(p64(9)).rstrip()
            return storage.undo(tid, t)[1]
        oid = unhex(args[0])
        if what == 'store':
            storage.store(oid, self.serial(args[1], oid), self.data(oid, args[2]), '', t)
        elif what == 'blob' or what == 'blobtwice':
            serial = self.serial(args[1], oid)
            if what == 'blobtwice':
                storage.store(oid, serial, self.data(oid, args[2]), '', t)
            storage.storeBlob(
                oid, serial, self.data(oid, args[2]), self.temporary(args[3]), '', t)
        elif what == 'delete':
            storage.deleteObject(oid, self.serial(args[1], oid), t)
        elif what == 'check':
            storage.checkCurrentSerialInTransaction(oid, self.serial(args[1], oid), t)
        elif what == 'restore':
            storage.restore(oid, storage._tid, self.data(oid, args[1]), '', unhex(args[2]), t)
        elif what == 'restoreBlob':
            storage.restoreBlob(
                oid, storage._tid, self.data(oid, args[1]), self.temporary(args[3]),
                unhex(args[2]), t)
        else:
            raise AssertionError(what)
        return ()

    def transaction(self, tid, status, user, description, extension, end, *steps):
        t = TransactionMetaData(
            unhex(user) or b'', unhex(description) or b'', unhex(extension) or b'')
        storage = self.storage
        undone = set()
        voted = False
        try:
            storage.tpc_begin(t, unhex(tid), {'normal': ' ', 'packed': 'p'}[status])
            for step in steps:
                undone.update(self.step(t, *step.split(',')))
            if end != 'abort':
                voted = True
                storage.tpc_vote(t)
            if end == 'finish':
                storage.tpc_finish(t)
                return 'ok ' + ','.join(sorted(oid.hex() for oid in undone))
            result = 'aborted'
        except Exception as e:
            result = self.name(e)
        storage.tpc_abort(t)
        if not voted and storage.blob_dir:
            # It forgets the blobs of a transaction that it aborts before the vote.
            storage._blob_tpc_abort()
        return result

    def name(self, e):
        name = type(e).__name__
        if name in ('ConflictError', 'ReadConflictError'):
            name += ' %s %s %s' % (e.oid.hex(), e.serials[0].hex(), e.serials[1].hex())
        elif name == 'POSKeyError':
            name += ' ' + e.args[0].hex()
        elif name == 'MultipleUndoErrors':
            name += ' ' + ' '.join('%s %s' % (oid.hex(), error._reason) for oid, error in e._errs)
        elif name == 'UndoError':
            name += ' ' + e._reason
        return name

    def pack(self, seconds, gc, keep):
        """What was to be expected, of ours and of this one, what happened and what is left."""
        self.storage.pack_keep_old = keep == 'true'
        seconds = float(seconds)
        stop = TimeStamp(*time.gmtime(seconds)[:5] + (seconds % 60,)).raw()
        expected = Pack(File(self.directory + '/Data.fs'), stop, gc == 'true')
        try:
            left = expected.ours()
            lines = ['ours ok ' + ' '.join(expected.entries(left)),
                     'header %s' % expected.keeps_only_header(left)]
        except KeyError:
            lines = ['ours KeyError', 'header False']
        result, left = expected.pythons()
        lines.append('stop ' + stop.hex())
        lines.append('expected %s %s' % (
            result, '-' if left is None else ' '.join(expected.entries(left))))
        try:
            self.storage.pack(seconds, referencesf, gc == 'true')
            result = 'ok'
        except Exception as e:
            result = type(e).__name__
        file = File(self.directory + '/Data.fs')
        lines.append('python %s %s' % (
            result, ' '.join(file.entry(r) for t in file.transactions for r in t[4])))
        return '\t'.join(lines)

    def state(self, form, oids, tids, ranges):
        lines = []
        storage = self.storage
        oids = [unhex(oid) for oid in oids.split(',')]
        tids = [unhex(tid) for tid in tids.split(',')]

        def note(what, call, *args):
            try:
                lines.append('%s %s' % (what, call(*args)))
            except KeyError:
                lines.append(what + ' POSKeyError')

        for t in storage.iterator():
            lines.append('T %s %r %s %s %s' % (
                t.tid.hex(), t.status, t.user.hex(), t.description.hex(),
                t.extension_bytes.hex()))
            for r in t:
                lines.append('R %s %s %s %s' % (
                    r.oid.hex(), r.tid.hex(), digest(r.data),
                    r.data_txn.hex() if r.data_txn else '-'))
        for each in ranges.split(','):
            start, stop = each.split(':')
            lines.append('from %s %s' % (each, [
                t.tid.hex() for t in storage.iterator(unhex(start), unhex(stop))]))
        for oid in oids:
            note('getTid ' + oid.hex(), lambda: storage.getTid(oid).hex())
            for size in (0, 1, 2, 50):
                note('history %s %d' % (oid.hex(), size), lambda: [
                    '%s %d %s %s %s' % (
                        h['tid'].hex(), h['size'], bits(h['time']), digest(h['user_name']),
                        digest(h['description']))
                    for h in storage.history(oid, size)])
            for tid in tids:
                def before():
                    found = storage.loadBefore(oid, tid)
                    return found and '%s %s %s' % (
                        digest(found[0]), found[1].hex(), found[2].hex() if found[2] else None)
                note('before ' + oid.hex() + tid.hex(), before)
                note('serial ' + oid.hex() + tid.hex(),
                     lambda: digest(storage.loadSerial(oid, tid)))
            if oid in storage._index:
                # From another oid, fsIndex.minKey passes over some.
                note('next ' + oid.hex(), self.following, oid)
        note('first', self.following, None)
        for first, last in ((0, 100), (1, 3), (2, -2), (0, -20), (3, 3), (4, 2)):
            lines.append('undoLog %d %d %s' % (first, last, [
                '%s %d %s %s %s' % (
                    base64.decodebytes(u['id'] + b'\n').hex(), u['size'], bits(u['time']),
                    digest(u['user_name']), digest(u['description']))
                for u in storage.undoLog(first, last)]))
        lines.append('undoLog of users %s' % [
            base64.decodebytes(u['id'] + b'\n').hex()
            for u in storage.undoLog(1, 4, lambda u: u['user_name'])])
        lines.append('undoInfo of a user %s' % [
            base64.decodebytes(u['id'] + b'\n').hex()
            for u in storage.undoInfo(0, -3, {'user_name': A_USER})])
        for count in (1, 3, 100):
            lines.append('last %d %s' % (count, [
                '%s %s' % (tid.hex(), ' '.join(oid.hex() for oid in dict.fromkeys(changed)))
                for tid, changed in storage.lastInvalidations(count)]))
        lines.append('last %s %d %d' % (
            storage.lastTransaction().hex(), storage.getSize(), len(storage)))
        lines.extend(self.files())
        with open(self.directory + '/Data.fs', 'rb') as f:
            lines.append('file ' + digest(f.read()))
        text = '\n'.join(lines).replace("'", '')
        return digest(text.encode()) if form == 'digest' else text.replace('\n', '\t')

    def following(self, oid):
        try:
            oid, tid, data, following = self.storage.record_iternext(oid)
        except ValueError:
            return None
        return '%s %s %s %s' % (
            oid.hex(), tid.hex(), digest(data), following and following.hex())

    def files(self):
        """All but those that only one of the two has or writes at other times."""
        lines = []
        for path, directories, names in os.walk(self.directory):
            for name in names:
                file = os.path.join(path, name)
                relative = file[len(self.directory) + 1:]
                if (relative.startswith(('blobs/tmp/', 'blobs/.removed', 'Data.fs.tmp'))
                        or relative in ('Data.fs', 'Data.fs.index', 'Data.fs.lock', 'Data.fs.packtime')):
                    continue
                with open(file, 'rb') as f:
                    mode = '-'
                    if name.endswith('.blob'):
                        mode = stat.filemode(os.stat(file).st_mode)[1:]
                    lines.append('file %s %s %s' % (relative, mode, digest(f.read())))
        return sorted(lines)


peer = Peer()
for line in sys.stdin:
    command, *args = line.split()
    try:
        print(getattr(peer, command)(*args), flush=True)
    except Exception:
        traceback.print_exc()
        print('FAILED', flush=True)
