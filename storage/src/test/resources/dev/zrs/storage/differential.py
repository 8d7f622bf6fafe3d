"""A FileStorage of ZODB that does what it is told, a line each; see DifferentialTest."""
import base64
import hashlib
import os
import sys
import tempfile
import traceback

from persistent.TimeStamp import TimeStamp
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.serialize import referencesf
from ZODB.utils import p64, z64


def digest(data):
    return '-' if data is None else hashlib.sha1(data).hexdigest()[:12]


def unhex(text):
    return None if text == '-' else bytes.fromhex(text)


class Peer:
    storage = directory = None

    def open(self, directory, read_only):
        self.directory = directory
        self.storage = FileStorage(
            directory + '/Data.fs', blob_dir=directory + '/blobs', read_only=read_only == 'true')
        return 'ok'

    def close(self):
        self.storage.close()
        return 'ok'

    def serial(self, mode, oid):
        if mode == 'stale':
            return p64(5)
        if mode == 'current':
            try:
                return self.storage.history(oid, 1)[0]['tid']
            except KeyError:
                pass
        return z64

    def temporary(self, content):
        fd, path = tempfile.mkstemp(dir=self.storage.temporaryDirectory(), suffix='.tmp')
        os.write(fd, content)
        os.close(fd)
        return path

    def step(self, t, what, *args):
        storage = self.storage
        if what == 'undo':
            infos = storage.undoLog(0, 100)
            n = int(args[0])
            storage.undo(infos[n]['id'] if n < len(infos) else base64.encodebytes(p64(9)).rstrip(), t)
            return
        oid = unhex(args[0])
        if what == 'store':
            storage.store(oid, self.serial(args[1], oid), unhex(args[2]), '', t)
        elif what == 'blob':
            storage.storeBlob(
                oid, self.serial(args[1], oid), unhex(args[2]), self.temporary(unhex(args[3])), '', t)
        elif what == 'delete':
            storage.deleteObject(oid, self.serial(args[1], oid), t)
        elif what == 'check':
            storage.checkCurrentSerialInTransaction(oid, self.serial(args[1], oid), t)
        elif what == 'restore':
            storage.restore(oid, unhex(args[1]), unhex(args[2]), '', unhex(args[3]), t)
        elif what == 'restoreBlob':
            storage.restoreBlob(
                oid, unhex(args[1]), unhex(args[2]), self.temporary(unhex(args[4])), unhex(args[3]), t)
        else:
            raise AssertionError(what)

    def transaction(self, tid, status, user, description, extension, end, *steps):
        t = TransactionMetaData(unhex(user) or b'', unhex(description) or b'', unhex(extension) or b'')
        storage = self.storage
        storage.tpc_begin(t, unhex(tid), {'normal': ' ', 'packed': 'p'}[status])
        try:
            for step in steps:
                self.step(t, *step.split(','))
            if end != 'abort':
                storage.tpc_vote(t)
            if end == 'finish':
                storage.tpc_finish(t)
                return 'ok'
        except Exception as e:
            storage.tpc_abort(t)
            return type(e).__name__
        storage.tpc_abort(t)
        return 'aborted'

    def pack(self, tid, gc, keep):
        """Returns what happened and every (oid, tid, data) that is left."""
        self.storage.pack_keep_old = keep == 'true'
        try:
            self.storage.pack(TimeStamp(unhex(tid)).timeTime(), referencesf, gc == 'true')
            result = 'ok'
        except Exception as e:
            result = type(e).__name__
        return ' '.join([result] + self.records())

    def records(self):
        return ['%s:%s:%s' % (r.oid.hex(), r.tid.hex(), digest(r.data))
                for t in self.storage.iterator() for r in t]

    def state(self, form, oids, tids):
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
                t.tid.hex(), t.status, t.user.hex(), t.description.hex(), t.extension_bytes.hex()))
            for r in t:
                lines.append('R %s %s %s %s' % (
                    r.oid.hex(), r.tid.hex(), digest(r.data), r.data_txn.hex() if r.data_txn else '-'))
        for first, last in ((1, 3), (2, 4)):
            lines.append('from %s' % [
                t.tid.hex() for t in storage.iterator(tids[len(tids) * first // 4], tids[len(tids) * last // 4 - 1])])
        for oid in oids:
            note('getTid ' + oid.hex(), lambda: storage.getTid(oid).hex())
            for size in (1, 50):
                note('history ' + oid.hex(), lambda: [
                    '%s %d' % (h['tid'].hex(), h['size']) for h in storage.history(oid, size)])
            for tid in tids:
                def before():
                    found = storage.loadBefore(oid, tid)
                    return found and '%s %s %s' % (
                        digest(found[0]), found[1].hex(), found[2].hex() if found[2] else None)
                note('before ' + oid.hex() + tid.hex(), before)
                note('serial ' + oid.hex() + tid.hex(), lambda: digest(storage.loadSerial(oid, tid)))
        for first, last in ((0, 100), (1, 3), (2, -2)):
            lines.append('undoLog %s' % [
                '%s %d %s' % (base64.decodebytes(u['id'] + b'\n').hex(), u['size'], u['user_name'].hex())
                for u in storage.undoLog(first, last)])

        def walk():
            found = []
            following = None
            while True:
                oid, tid, data, following = storage.record_iternext(following)
                found.append('%s %s %s' % (oid.hex(), tid.hex(), digest(data)))
                if following is None:
                    return found

        if len(storage):
            note('walk', walk)
        lines.append('last %s %d %d' % (storage.lastTransaction().hex(), storage.getSize(), len(storage)))
        # Python leaves the blobs of a transaction that is aborted before its vote; nobody refers to them.
        for oid, tid in sorted({(r.oid, r.tid) for t in storage.iterator() for r in t}):
            path = storage.fshelper.getBlobFilename(oid, tid)
            if os.path.exists(path):
                with open(path, 'rb') as f:
                    lines.append('blob %s %s' % (path[len(self.directory):], digest(f.read())))
        with open(self.directory + '/Data.fs', 'rb') as f:
            lines.append('file ' + digest(f.read()))
        text = '\n'.join(lines).replace("'", '')
        return digest(text.encode()) if form == 'digest' else text.replace('\n', '\t')


peer = Peer()
for line in sys.stdin:
    command, *args = line.split()
    try:
        print(getattr(peer, command)(*args), flush=True)
    except Exception:
        traceback.print_exc()
        print('FAILED', flush=True)
