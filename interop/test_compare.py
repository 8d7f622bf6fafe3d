"""The comparer itself: it must notice every difference that is not on its list."""
import os
import shutil
import struct

import pytest

from support import compare, databases


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp('original')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=200, pack=False)
    return folder


@pytest.fixture(scope='module')
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp('packed')
    databases.make(folder / 'Data.fs', folder / 'blobs', objects=60)
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


# The last byte of each field, of a transaction header and of a data record; the first one of the content.
HEADER = {'tid': 7, 'length': 15, 'status': 16, 'length of the user': 18}
FIELDS = {'oid': 7, 'serial': 15, 'previous': 23, 'transaction': 31, 'version': 33, 'length': 41, 'content': 42}


def test_a_changed_byte_of_any_field_of_any_kind_of_record_is_noticed(packed, tmp_path):
    content = (packed / 'Data.fs').read_bytes()
    offsets = {}
    for at, _, status, _, records in compare.transactions(packed / 'Data.fs'):
        for name, offset in HEADER.items():
            offsets[status, name] = at + offset
        for record in records:
            kind = 'data' if record[5] else 'deletion' if record[6] == bytes(8) else 'back-pointer'
            for name, offset in FIELDS.items():
                offsets[status, kind, name] = record[0] + offset
    kinds = {key[:2] for key in offsets if len(key) == 3}
    assert kinds == {(b'p', 'data'), (b' ', 'data'), (b' ', 'back-pointer'), (b' ', 'deletion')}
    unnoticed = []
    for key, offset in offsets.items():
        changed = bytearray(content)
        changed[offset] ^= 1
        (tmp_path / 'Data.fs').write_bytes(changed)
        try:
            compare.same_files(packed / 'Data.fs', tmp_path / 'Data.fs', packed=True, python_second=True)
            unnoticed.append(key)
        except compare.Different:
            pass
    assert not unnoticed


def test_a_previous_pointer_in_the_packed_part_may_be_right_or_none(tmp_path):
    """One object in two transactions: packed, the second of them has no previous record."""
    def write(name, status, previous):
        (tmp_path / name).write_bytes(file(status, (1, 0, b'one'), (1, previous, b'two')))
        return tmp_path / name

    cleared, right = write('cleared', b'p', 0), write('right', b'p', 4 + 23)
    compare.same_files(cleared, right, packed=True)
    with pytest.raises(compare.Different):
        compare.same_files(cleared, right)
    with pytest.raises(compare.Different):
        compare.same_files(right, cleared, packed=True)
    with pytest.raises(compare.Different):
        compare.same_files(cleared, write('wrong', b'p', 4), packed=True)
    with pytest.raises(compare.Different):
        compare.same_files(write('unpacked cleared', b' ', 0), write('unpacked right', b' ', 4 + 23), packed=True)


def test_a_back_pointer_may_be_the_same_data_at_a_python_secondary_only(tmp_path):
    def write(name, third):
        # The fourth record lies elsewhere, and still leads to the third.
        third_at = 4 + 2 * (23 + 42 + 3 + 8)
        (tmp_path / name).write_bytes(
            file(b' ', (1, 0, b'one'), (1, 27, b'two'), (1, 27 + 76, third), (1, third_at + 23, b'end')))
        return tmp_path / name

    back, same, other = write('back', 27), write('same', b'one'), write('other', b'two')
    compare.same_files(back, same, python_second=True)
    compare.same_files(same, back, python_second=True)
    with pytest.raises(compare.Different):
        compare.same_files(back, same, packed=True)
    with pytest.raises(compare.Different):
        compare.same_files(back, other, python_second=True)
    with pytest.raises(compare.Different):
        compare.same_files(back, write('other back', 27 + 76), python_second=True)


def test_a_back_pointer_may_lead_to_the_first_of_two_equal_records_at_a_python_secondary_only(tmp_path):
    def write(name, back, second=b'one'):
        content = b'FS30'
        for tid, bodies in ((1, (b'one', second)), (2, (b'two',)), (3, (struct.pack('>Q', back),))):
            at, oid, serial = len(content), struct.pack('>Q', 1), struct.pack('>Q', tid)
            length = 23 + sum(42 + len(body) for body in bodies)
            content += compare.TRANSACTION.pack(serial, length, b' ', 0, 0, 0)
            for body in bodies:
                content += compare.DATA.pack(oid, serial, 0, at, 0, 0 if tid == 3 else len(body)) + body
            content += struct.pack('>Q', length)
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    first, second, other = 27, 27 + 45, 27 + 2 * 45 + 8 + 23
    compare.same_files(write('a', second), write('b', first), python_second=True)
    compare.same_files(write('a', first), write('b', second), python_first=True)
    for a, b, allowed in ((second, first, {}), (first, second, {'python_second': True}),
                          (second, first, {'python_first': True}), (first, other, {'python_first': True}),
                          (second, other, {'python_second': True}), (other, first, {'python_second': True})):
        with pytest.raises(compare.Different):
            compare.same_files(write('a', a), write('b', b), **allowed)
    with pytest.raises(compare.Different):
        compare.same_files(write('a', second, b'new'), write('b', first, b'new'), python_second=True)


def file(status, *records):
    """A file of one record per transaction: (oid, position of the previous, data or back-pointer)."""
    content = b'FS30'
    for i, (oid, previous, data) in enumerate(records):
        at, tid = len(content), struct.pack('>Q', i + 1)
        body = data if isinstance(data, bytes) else struct.pack('>Q', data)
        length = 23 + 42 + len(body)
        content += compare.TRANSACTION.pack(tid, length, status, 0, 0, 0)
        content += compare.DATA.pack(struct.pack('>Q', oid), tid, previous, at, 0,
                                     len(body) if isinstance(data, bytes) else 0)
        content += body + struct.pack('>Q', length)
    return content


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


def test_only_an_empty_blob_may_be_missing_and_only_at_a_python_secondary(original, copy):
    first = next((original / 'blobs').rglob('*.blob'))
    empty = first.with_name('empty.blob')
    empty.touch()
    try:
        compare.same_blobs(original / 'blobs', copy / 'blobs', python_second=True)
        with pytest.raises(compare.Different):
            compare.same_blobs(original / 'blobs', copy / 'blobs')
        with pytest.raises(compare.Different):
            compare.same_blobs(copy / 'blobs', original / 'blobs', python_second=True)
    finally:
        empty.unlink()


def test_what_lies_in_tmp_is_no_committed_blob(original, copy):
    (copy / 'blobs' / 'tmp' / 'uncommitted-01-02.blob').write_bytes(b'set aside after a crash')
    same(original, copy)
