"""What a client says of a transaction is the application's: it is kept as it is, whatever it is, and no commit is
refused for it; nothing of it is ever constructed."""
import datetime
import decimal
import pickle

import pytest
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage

import transaction
from support import servers
from support.stranger import Stranger


class Told:
    """Python would import it from this module."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Told) and self.text == other.text


def nested(levels):
    value = ()
    for _ in range(levels):
        value = (value,)
    return value


VALUES = {
    'text': 'x\u00e9\u4e2d\U0001f600', 'bytes': b'\0\xff', 'none': None, 'true': True,
    'large': 1 << 4000, 'negative': -(1 << 63), 'float': 1e308, 'infinite': float('inf'), 'list': [1, [2, [3]]],
    'dict': {1: 2, None: (), (1, 2): 'tuple as key', 1.5: 'x'}, 'set': {1, 2}, 'frozen': frozenset([1, 'x']),
    'time': datetime.datetime(2026, 1, 2, 3, 4, 5), 'decimal': decimal.Decimal('1.10'), 'class': Told,
    'instance': Told('x'), 'function': pickle.dumps, 'exception': ValueError('x'), 'slice': slice(1, 2),
    'bytearray': bytearray(b'x'), 'complex': 1j, 'range': range(3), 'deep': nested(150)}


@pytest.mark.parametrize('kind', ['one by one', 'all together'])
def test_whatever_python_can_pickle_comes_back_from_the_file(cluster, kind):
    server = cluster('server').start()
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    connection = db.open()
    commits = {name: {name: value} for name, value in VALUES.items()} if kind == 'one by one' else {'all': VALUES}
    for name, values in commits.items():
        connection.root()[name] = PersistentMapping({})
        for key, value in values.items():
            transaction.get().setExtendedInfo(key, value)
        transaction.get().setUser('j\u00f6rg', '/\u4e2d')
        transaction.get().note('commit ' + name)
        transaction.commit()
    connection.close()
    db.close()
    assert server.stop() == 0
    storage = FileStorage(server.file, read_only=True)
    found = {t.description.decode(): t for t in storage.iterator() if t.description.startswith(b'commit ')}
    for name, values in commits.items():
        t = found['commit ' + name]
        assert t.user == '/\u4e2d j\u00f6rg'.encode()
        assert set(t.extension) == set(values)
        for key, value in values.items():
            got = t.extension[key]
            if isinstance(value, ValueError):
                assert got.args == value.args
            else:
                assert got == value and type(got) is type(value), (key, got)
    storage.close()


@pytest.mark.ours
def test_metadata_that_no_python_would_send_is_kept_too(cluster):
    """Raw pickles: classes that exist nowhere, calls, references, things that are no dict, opcodes of all protocols."""
    server = cluster('server', blobs=False).start()
    stranger = Stranger(server.address)
    odd = {
        'nowhere': b'cno.such.module\nClass\n', 'called': b'cno.such\nf\n(K\1tR', 'state': b'cno.such\nC\n)\x81}b',
        'old class': b'(ino.such\nC\n', 'persistent': b'K\1Q', 'registry': b'\x82\7', 'text number': b'I12\n',
        'python 2 str': b'U\3a\xffb', 'set': b'\x8f', 'bytes 5': b'\x96\1\0\0\0\0\0\0\0x',
        'itself': b']q\0h\0a', 'twice': b']q\0h\0\x86'}
    for number, (name, value) in enumerate(odd.items(), 1):
        extension = b'}X\1\0\0\0e' + value + b's'
        body = b'\x80\3(K\0\x88X\x09\0\0\0tpc_begin(K%cC\1uX%c\0\0\0%s' % (number, len(name), name.encode())
        stranger.frame(body + extension + b'NX\1\0\0\0 tt.')
        stranger.store(stranger.new_oid(), b'\x80\3N.N.', number=number)
        failed, value = stranger.call('vote', number)
        assert not failed, (name, value)
        stranger.require('tpc_finish', number)
    stranger.require('ping')
    stranger.close()
    assert server.stop() == 0
    storage = FileStorage(server.file, read_only=True)
    kept = {t.description.decode(): t.extension_bytes for t in storage.iterator()}
    for name in odd:
        # What was said is there: Python gets an error or a value from it when it looks, and has the rest.
        assert kept[name].startswith(b'\x80') and kept[name].endswith(b'.') \
            and len(kept[name]) > 8, (name, kept[name])
    for name in 'nowhere', 'called', 'state', 'old class':
        assert b'no.such' in kept[name], kept[name]
    storage.close()
