"""The comparer itself: it must notice every difference that is not on its list."""
import os
import shutil

import pytest

from support import compare, databases


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp('original')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=200, pack=False)
    return folder


@pytest.fixture
def copy(original, tmp_path):
    shutil.copytree(original, tmp_path / 'copy')
    return tmp_path / 'copy'


def same(a, b):
    compare.same_files(a / 'Data.fs', b / 'Data.fs', packed=True, python_second=True)
    compare.same_blobs(a / 'blobs', b / 'blobs', python_second=True)


def test_equal_files_are_equal(original, copy):
    same(original, copy)


@pytest.mark.parametrize('where', ['header', 'metadata', 'oid', 'serial', 'data'])
def test_a_changed_byte_is_noticed(original, copy, where):
    file = copy / 'Data.fs'
    position, tid, status, metadata, records = [
        t for t in compare.transactions(file) if t[3][0] and t[4]][1]
    offset = {'header': position + 5, 'metadata': position + 24, 'oid': records[0][0] + 7,
              'serial': records[0][0] + 12, 'data': records[0][0] + 45}[where]
    with open(file, 'r+b') as f:
        f.seek(offset)
        byte = f.read(1)
        f.seek(offset)
        f.write(bytes([byte[0] ^ 1]))
    with pytest.raises(compare.Different):
        same(original, copy)


def test_a_missing_transaction_is_noticed(original, copy):
    *_, last = compare.transactions(copy / 'Data.fs')
    os.truncate(copy / 'Data.fs', last[0])
    with pytest.raises(compare.Different):
        same(original, copy)


def test_a_changed_previous_pointer_after_the_pack_is_noticed(original, copy):
    seen, victim = set(), None
    for *_, status, _, records in compare.transactions(copy / 'Data.fs'):
        for record in records:
            if record[1] in seen and record[3]:
                victim = record
            seen.add(record[1])
    with open(copy / 'Data.fs', 'r+b') as f:
        f.seek(victim[0] + 16)
        f.write(bytes(8))
    with pytest.raises(compare.Different):
        same(original, copy)


def test_blobs_are_compared(original, copy):
    paths = [p for p in (copy / 'blobs').rglob('*.blob')]
    os.chmod(paths[0], 0o600)
    paths[0].write_bytes(b'something else')
    with pytest.raises(compare.Different):
        same(original, copy)
    paths[0].unlink()
    with pytest.raises(compare.Different):
        same(original, copy)
