"""zrs check, dump and recover beside fstest, fsrefs, fsdump and fsrecover, on good files and damaged ones."""
import io
import json
import os
import random
import shutil
import struct
import subprocess
import contextlib

import pytest
import transaction
import ZODB
import ZODB.fsrecover
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileIterator, FileStorage
from ZODB.FileStorage.fsdump import fsdump
from ZODB.scripts import fsrefs, fstest
from ZODB.utils import p64, z64

from support import servers

pytestmark = pytest.mark.ours


def zrs(*arguments):
    return subprocess.run(servers.ZRS + list(arguments), capture_output=True, text=True, timeout=120)


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    """A file with undo, a deletion, odd metadata, and without dangling references."""
    path = str(tmp_path_factory.mktemp('good') / 'Data.fs')
    db = ZODB.DB(FileStorage(path))
    connection = db.open()
    root = connection.root()
    for i in range(12):
        t = transaction.get()
        t.setUser('j\u00f6rg')
        t.note('step %d "quoted" \u20ac' % i)
        root['k%d' % i] = PersistentMapping({'n': i, 'text': 'x' * 300})
        root['k0']['n'] = i
        transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    db.close()
    return path


def headers(path):
    """(position, length) of each transaction."""
    return [(t._tpos, t._tend - t._tpos) for t in FileIterator(path)]


def python_says_bad(path):
    try:
        fstest.check(path)
    except (fstest.FormatError, struct.error) as e:
        return str(e)


def test_a_good_file_is_good(good):
    assert python_says_bad(good) is None
    done = zrs('check', '--refs', good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('no problem') == 2
    done = zrs('check', '--refs', '--json', good)
    structure, references = map(json.loads, done.stdout.splitlines())
    assert structure['problems'] == references['problems'] == 0
    assert structure['size'] == os.path.getsize(good)
    assert structure['transactions'] == len(headers(good))


def damages(path):
    """name -> what is written where."""
    (_, _), (second, length), *_ = headers(path)
    middle, middle_length = headers(path)[6]
    last, last_length = headers(path)[-1]
    end = last + last_length + 8
    with open(path, 'rb') as f:
        f.seek(middle)
        ul, dl, el = struct.unpack('>HHH', f.read(23)[17:])
    record = middle + 23 + ul + dl + el
    return {
        'the magic': (0, b'FS99'),
        'a tid that goes back': (middle, p64(5)),
        'a length that is too long': (middle + 8, p64(1 << 50)),
        'a length that is a little off': (middle + 8, p64(middle_length + 3)),
        'a length that is too short': (middle + 8, p64(20)),
        'a status': (middle + 16, b'x'),
        'an unfinished one in the middle': (middle + 16, b'c'),
        'a trailing length': (middle + middle_length, p64(middle_length + 1)),
        'a length of metadata': (middle + 17, struct.pack('>H', 60000)),
        'where a record says its transaction is': (record + 24, p64(4)),
        'the length of data': (record + 34, p64(1 << 40)),
        'the last length': (end - 8, p64(7)),
    }


def write(path, position, data):
    with open(path, 'r+b') as f:
        f.seek(position)
        f.write(data)


def test_what_fstest_calls_bad_is_bad(good, tmp_path):
    for what, (position, data) in damages(good).items():
        path = str(tmp_path / 'Data.fs')
        shutil.copy(good, path)
        write(path, position, data)
        assert python_says_bad(path), what
        done = zrs('check', path)
        assert done.returncode == 1, what + done.stdout + done.stderr
        assert '\tat ' not in done.stderr and 'problem' in done.stdout, what + done.stdout + done.stderr


def test_random_bytes_are_found_where_fstest_finds_them(good, tmp_path, long):
    random.seed(5)
    size = os.path.getsize(good)
    found = 0
    for n in range(300 if long else 25):
        path = str(tmp_path / 'Data.fs')
        shutil.copy(good, path)
        # Where the headers are, more often than not.
        start, length = random.choice(headers(good))
        position = start + random.randrange(60) if n % 4 else random.randrange(size)
        write(path, position, bytes([random.randrange(256)]))
        done = zrs('check', path)
        assert done.returncode in (0, 1) and 'Exception' not in done.stderr, done.stderr
        if python_says_bad(path):
            found += 1
            unfinished = 'note: the last' in done.stdout
            assert done.returncode == 1 or unfinished, '%d: %s\n%s' % (position, python_says_bad(path), done.stdout)
    assert found > 3


def test_a_torn_end_is_a_note(good, tmp_path):
    path = str(tmp_path / 'Data.fs')
    shutil.copy(good, path)
    last, length = headers(good)[-1]
    with open(path, 'r+b') as f:
        f.truncate(last + length - 5)
    done = zrs('check', path)
    assert done.returncode == 0 and 'note: the last' in done.stdout, done.stdout


def test_dangling_references_are_those_that_fsrefs_finds(good, tmp_path):
    path = str(tmp_path / 'Data.fs')
    shutil.copy(good, path)
    shutil.copy(good + '.index', path + '.index')
    storage = FileStorage(path)
    db = ZODB.DB(storage)
    with db.transaction() as connection:
        victims = [connection.root()['k%d' % i]._p_oid for i in (3, 5)]
    t = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(t)
    for oid in victims:
        storage.deleteObject(oid, storage.getTid(oid), t)
    storage.tpc_vote(t)
    storage.tpc_finish(t)
    db.close()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        fsrefs.main(path)
    theirs = output.getvalue()
    done = zrs('check', '--refs', '--json', path)
    assert done.returncode == 1
    problems = [json.loads(line) for line in done.stdout.splitlines()]
    named = [p for p in problems if 'class' in p]
    assert len(named) == 2 == theirs.count('object creation was undone')
    for oid, problem in zip(victims, named):
        assert problem['class'] == 'persistent.mapping.PersistentMapping' and problem['oid'] == '0' * 16
        assert oid.hex() in problem['problem'] and 'undone' in problem['problem']


def test_the_name_of_a_class_does_not_control_the_terminal(tmp_path):
    path = str(tmp_path / 'Data.fs')
    storage = FileStorage(path)
    t = ZODB.Connection.TransactionMetaData()
    storage.tpc_begin(t)
    storage.store(z64, z64, b'\x80\x03cm\x1b[2J\nK\n.\x80\x03C\x08' + p64(99) + b'Q.', '', t)
    storage.tpc_vote(t)
    storage.tpc_finish(t)
    storage.close()
    for command in ('check', '--refs'), ('dump',):
        done = zrs(*command, path)
        assert 'm?[2J.K' in done.stdout and '\x1b' not in done.stdout, done.stdout


def test_dump_shows_what_fsdump_shows(good, tmp_path):
    output = io.StringIO()
    fsdump(good, output)
    theirs = output.getvalue()
    done = zrs('dump', '--json', good)
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    text = ''
    for i, t in enumerate(FileIterator(good)):
        assert ours[i]['tid'] == t.tid.hex() and ours[i]['position'] == t._tpos
        assert ours[i]['status'] == t.status and ours[i]['length'] == t._tend - t._tpos + 8
        assert ours[i]['user'] == t.user.decode() and ours[i]['description'] == t.description.decode()
        records = list(t)
        assert len(records) == len(ours[i]['records'])
        for record, mine in zip(records, ours[i]['records']):
            assert mine['oid'] == record.oid.hex() and mine['position'] == record.pos
            assert (mine['data-tid'] or '') == (record.data_txn.hex() if record.data_txn else '')
            text += 'oid=%s' % mine['oid'] + ' class=%s' % mine['class']
    assert len(ours) == theirs.count('Trans #')
    assert {r['class'] for t in ours for r in t['records']} <= set(
        part.split('class=')[1].split()[0] for part in theirs.splitlines() if 'class=' in part) | {None}
    tids = [t['tid'] for t in ours]
    some = zrs('dump', '--json', '--from', tids[3], '--to', tids[5], good)
    assert [json.loads(line)['tid'] for line in some.stdout.splitlines()] == tids[3:6]
    plain = zrs('dump', good)
    assert plain.stdout.count('transaction ') >= len(tids) and 'step 3 "quoted" \u20ac' in plain.stdout
    nothing = zrs('dump', '--from', '2200-01-01', good)
    assert nothing.returncode == 0 and nothing.stdout == ''
    wrong = zrs('dump', '--from', 'noon', good)
    assert wrong.returncode == 2 and 'noon' in wrong.stderr


def contents(path):
    return [(t.tid, t.user, t.description, [(r.oid, r.tid, r.data) for r in t]) for t in FileIterator(path)]


def test_recover_keeps_at_least_what_fsrecover_keeps(good, tmp_path):
    for number, (what, (position, data)) in enumerate(damages(good).items()):
        if what == 'the magic':
            continue
        path = str(tmp_path / ('Bad%d.fs' % number))
        shutil.copy(good, path)
        write(path, position, data)
        before = open(path, 'rb').read()
        theirs, ours = path + '.theirs', path + '.ours'
        with contextlib.redirect_stdout(io.StringIO()):
            ZODB.fsrecover.recover(path, theirs)
        done = zrs('recover', path, ours)
        assert done.returncode in (0, 1) and not done.stderr, what + done.stderr
        assert open(path, 'rb').read() == before, what
        mine, other = contents(ours), contents(theirs)
        # fsrecover keeps headers without their records.
        missing = [t for t in other if t not in mine and t[3]]
        assert not missing, '%s: %s\n%s' % (what, done.stdout, missing[:2])
        assert len(mine) >= len(contents(good)) - 1, what + done.stdout
        assert (done.returncode == 1) == ('lost:' in done.stdout), what + done.stdout
        fstest.check(ours)
        FileStorage(ours).close()
        assert zrs('check', ours).returncode == 0


def test_recover_never_overwrites(good, tmp_path):
    target = tmp_path / 'New.fs'
    target.write_text('precious')
    done = zrs('recover', good, str(target))
    assert done.returncode == 2 and 'exists' in done.stderr and target.read_text() == 'precious'
    done = zrs('recover', '--force', good, good)
    assert done.returncode == 2
    done = zrs('recover', '--force', good, str(target))
    assert done.returncode == 0 and 'nothing is lost' in done.stdout, done.stdout + done.stderr
    assert contents(str(target)) == contents(good)
    assert open(target, 'rb').read() == open(good, 'rb').read()


@pytest.mark.parametrize('command', ['check', 'dump', 'recover'])
def test_a_file_that_is_none_gives_one_clear_line(command, tmp_path):
    more = [str(tmp_path / 'new')] if command == 'recover' else []
    done = zrs(command, str(tmp_path / 'none.fs'), *more)
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and 'does not exist' in done.stderr
    other = tmp_path / 'text'
    other.write_text('something else')
    done = zrs(command, str(other), *more)
    assert done.returncode == 1 and 'FS30' in done.stdout + done.stderr
    assert '\tat ' not in done.stderr
