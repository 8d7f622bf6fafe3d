"""The comparison of packed copies (support/state.py): it must notice every difference but one."""
import os
import random
import shutil

import pytest
import transaction
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.utils import load_current, p64, u64

from support import databases, servers, state
from support.compare import Different, transactions


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp('original')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=200)
    db = open_db(folder)
    root = db.open().root()
    root['empty'] = ZODB.blob.Blob()
    root['full'] = ZODB.blob.Blob(b'content')
    transaction.commit()
    databases.commits(root._p_jar, 20, random.Random(5))
    db.close()
    return folder


@pytest.fixture
def copy(original, tmp_path):
    shutil.copytree(original, tmp_path / 'copy')
    return tmp_path / 'copy'


def open_db(folder):
    return ZODB.DB(FileStorage(str(folder / 'Data.fs'), blob_dir=str(folder / 'blobs')))


def tids(folder):
    return [t[1] for t in transactions(folder / 'Data.fs')]


def same(a, b, *args, **options):
    return state.same((a / 'Data.fs', a / 'blobs'), (b / 'Data.fs', b / 'blobs'), *args, **options)


@pytest.mark.parametrize('python', [servers.CURRENT, servers.LEGACY], ids=['current', 'legacy'])
def test_equal_ones_are_equal_and_counted(original, copy, python):
    objects, count = same(original, copy, python=python)
    assert count == len(tids(original)) and objects > 200
    assert same(original, copy, tids(original)[-6], python=python) == (objects, 5)


def test_copies_that_were_packed_each_for_itself_are_equal_after_the_later_pack_time(original, copy):
    middle = tids(copy)[-10]
    db = open_db(copy)
    db.pack(ZODB.TimeStamp.TimeStamp(middle).timeTime())
    db.close()
    assert (copy / 'Data.fs').stat().st_size < (original / 'Data.fs').stat().st_size
    assert same(original, copy, middle)[1] == 9
    with pytest.raises(Different, match='transaction'):
        same(original, copy)


def restore(folder, change):
    """Writes the file anew, as change says of each (transaction, records)."""
    source = FileStorage(str(folder / 'Data.fs'), read_only=True)
    target = FileStorage(str(folder / 'new.fs'))
    for t in source.iterator():
        records = [[r.oid, r.data, r.tid] for r in t]
        meta = TransactionMetaData(t.user, t.description, t.extension)
        if change(meta, t.tid, records) is None:
            continue
        target.tpc_begin(meta, t.tid, t.status)
        for oid, data, serial in records:
            target.restore(oid, serial, data, '', None, meta)
        target.tpc_vote(meta)
        target.tpc_finish(meta)
    source.close()
    target.close()
    for suffix in ('', '.index'):
        os.replace(folder / ('new.fs' + suffix), folder / ('Data.fs' + suffix))


def test_a_file_that_is_written_anew_is_equal(original, copy):
    restore(copy, lambda *_: True)
    same(original, copy)


@pytest.mark.parametrize('field', ['user', 'description', 'extension'])
def test_other_metadata_are_noticed(original, copy, field):
    last = tids(copy)[-1]

    def change(meta, tid, records):
        if tid == last:
            setattr(meta, field, {'other': 1} if field == 'extension' else b'other')
        return True
    restore(copy, change)
    with pytest.raises(Different, match='transaction %s' % last.hex()):
        same(original, copy)
    # That is no part of the current state.
    assert same(original, copy, last)[1] == 0


def test_a_transaction_that_is_missing_or_too_many_is_noticed(original, copy):
    # The last change but one of this object: its current state is the same without it.
    victim = [t[1] for t in transactions(copy / 'Data.fs') if len(t[4]) == 1][-2]
    restore(copy, lambda meta, tid, records: True if tid != victim else None)
    for a, b in ((original, copy), (copy, original)):
        with pytest.raises(Different, match=victim.hex()):
            same(a, b)


def test_a_record_that_is_missing_in_the_history_is_noticed(original, copy):
    victim = next(t[1] for t in reversed(list(transactions(copy / 'Data.fs'))) if len(t[4]) > 1)

    def change(meta, tid, records):
        if tid == victim:
            del records[-1]
        return True
    restore(copy, change)
    with pytest.raises(Different):
        same(original, copy)


def test_other_data_and_serials_of_current_objects_are_noticed(original, copy):
    storage = FileStorage(str(original / 'Data.fs'), read_only=True)
    root = load_current(storage, p64(0))[1]
    storage.close()

    def other_data(meta, tid, records):
        for record in records:
            if (record[0], tid) == (p64(0), root):
                record[1] = record[1].replace(b'empty', b'EMPTY')
        return True
    restore(copy, other_data)
    with pytest.raises(Different, match='object %s' % p64(0).hex()):
        same(original, copy, tids(original)[-1])

    db = open_db(copy)
    with db.transaction() as connection:
        connection.root()['root ends here'] = True
    db.close()
    with pytest.raises(Different, match='object %s' % p64(0).hex()):
        same(original, copy, tids(copy)[-1])


def test_an_object_that_is_gone_at_one_side_is_noticed(original, copy):
    last = tids(original)[-1]
    victim = next(r[1] for t in transactions(copy / 'Data.fs') for r in t[4] if u64(r[1]) > 20)

    def change(meta, tid, records):
        records[:] = [r for r in records if r[0] != victim]
        return True
    restore(copy, change)
    for a, b in ((original, copy), (copy, original)):
        with pytest.raises(Different, match=victim.hex()):
            same(a, b, last)


def test_an_object_that_is_reached_at_one_side_only_is_noticed(original, copy):
    db = open_db(copy)
    with db.transaction() as connection:
        connection.root()['new'] = PersistentMapping()
    db.close()
    for a, b in ((original, copy), (copy, original)):
        with pytest.raises(Different, match='1 objects of .* are not in'):
            same(a, b, tids(copy)[-1])


def blob_of(folder, name):
    db = open_db(folder)
    with db.transaction() as connection:
        path = connection.root()[name].committed()
    db.close()
    return path


def test_other_content_of_a_blob_and_a_missing_one_are_noticed(original, copy):
    path = blob_of(copy, 'full')
    os.chmod(path, 0o600)
    with open(path, 'wb') as f:
        f.write(b'CONTENT')
    last = tids(original)[-1]
    for options in ({}, {'python_second': True}):
        with pytest.raises(Different, match='object'):
            same(original, copy, last, **options)
    os.remove(path)
    for options in ({}, {'python_second': True}):
        with pytest.raises(Different, match='object'):
            same(original, copy, last, **options)
        with pytest.raises(Different, match='missing'):
            same(copy, original, last, **options)
    with pytest.raises(Different, match='missing'):
        same(copy, copy)


def test_an_earlier_blob_revision_is_compared_in_the_history(original, copy):
    files = {str(p.relative_to(copy)) for p in (copy / 'blobs').rglob('*.blob')}
    db = open_db(original)
    with db.transaction() as connection:
        now = {os.path.relpath(connection.root()['blob 2'].committed(), original)}
        folder = os.path.dirname(next(iter(now)))
    db.close()
    earlier, = {name for name in files if os.path.dirname(name) == folder} - now
    os.chmod(copy / earlier, 0o600)
    (copy / earlier).write_bytes(b'other')
    same(original, copy, tids(original)[-1])
    with pytest.raises(Different, match='transaction'):
        same(original, copy)


def test_only_an_empty_blob_may_be_missing_and_only_at_a_python_secondary(original, copy):
    os.remove(blob_of(copy, 'empty'))
    same(original, copy, python_second=True)
    with pytest.raises(Different):
        same(original, copy)
    with pytest.raises(Different, match='missing'):
        same(copy, original, python_second=True)


def test_what_can_not_be_reached_does_not_matter(original, copy):
    db = open_db(copy)
    with db.transaction() as connection:
        connection.root()['garbage'] = PersistentMapping({'x': 1})
    with db.transaction() as connection:
        del connection.root()['garbage']
    db.close()
    other = original.with_name('other')
    shutil.copytree(copy, other)
    db = open_db(other)
    db.pack()
    db.close()
    assert same(copy, other, tids(copy)[-1])[1] == 0


def test_an_unreadable_file_is_a_difference(original, copy):
    (copy / 'Data.fs').write_bytes(b'nothing of that kind')
    os.remove(copy / 'Data.fs.index')
    with pytest.raises(Different, match="can't be read"):
        same(original, copy)
