"""Conflicts: those of Lengths and BTrees, under contention and with blobs in the same transactions, which the server
resolves, or leaves to the clients where it is told to; undo beneath a later change; and classes of an application."""
import subprocess

import pytest
import transaction
import ZEO
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZEO.ClientStorage import ClientStorage
from ZODB.POSException import ConflictError, UndoError

from peers import resolver
from support import jvm, servers



# Python's server loses blobs where the clients resolve; its zeo.conf has no msgpack.
@pytest.mark.parametrize('protocol', ['Z5', pytest.param('M5', marks=pytest.mark.ours)])
@pytest.mark.parametrize('who', ['server', pytest.param('client', marks=pytest.mark.ours)])
def test_no_change_and_no_blob_is_lost(cluster, tmp_path, protocol, who, long):
    names = ['client %d' % i for i in range(12 if long else 3)]
    count = 200 if long else 40
    server = cluster('server', zeo='\n'.join(
        (['msgpack true'] if protocol == 'M5' else []) + (['client-conflict-resolution true'] if who == 'client' else [])))
    server.start()
    db = ZEO.DB(('127.0.0.1', server.port), blob_dir=str(tmp_path / 'cache'))
    with db.transaction() as connection:
        root = connection.root()
        root['length'], root['tree'], root['blobs'] = Length(), OOBTree(), PersistentMapping()
        for name in names:
            root['blobs'][name] = PersistentMapping()

    # The old client has no msgpack.
    old = servers.LEGACY if protocol == 'Z5' else servers.CURRENT
    pythons = [old if i % 3 == 2 else servers.CURRENT for i in range(len(names))]
    clients = [subprocess.Popen([python, resolver.__file__, str(server.port), name, str(count),
                                 str(tmp_path / name)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for python, name in zip(pythons, names)]
    told = [client.communicate(timeout=300)[0] for client in clients]
    for client, lines in zip(clients, told):
        assert client.returncode == 0, lines
        assert [line for line in lines.splitlines() if line.startswith('ok')] == ['ok %d' % i for i in range(count)]

    # There was something to resolve.
    if not server.is_python:
        found = jvm.status(server)
        failed = sum(line == 'conflict' for lines in told for line in lines.splitlines())
        if who == 'server':
            # What remains are splits of the tree.
            assert found['conflicts_resolved'] > len(names) * count / 4, found
        else:
            assert found['conflicts'] > failed and found['conflicts_resolved'] == 0, found
    with db.transaction() as connection:
        connection.sync()
        root = connection.root()
        assert root['length']() == len(root['tree']) == len(names) * count
        for name in names:
            assert sorted(root['blobs'][name]) == list(range(count))
            for number, blob in root['blobs'][name].items():
                assert root['tree']['%s %d' % (name, number)] == number
                with blob.open('r') as f:
                    assert f.read() == b'%s %d' % (name.encode(), number)
    transaction.abort()
    db.close()
    assert server.stop() == 0
    assert ' ERROR ' not in server.read_logs() and ' CRITICAL ' not in server.read_logs()


@pytest.fixture
def two(cluster):
    """A database, and a connection with its transactions, twice."""
    server = cluster('server').start()
    db = ZEO.DB(('127.0.0.1', server.port))
    with db.transaction() as connection:
        root = connection.root()
        root['length'], root['tree'], root['plain'] = Length(), OOBTree({'first': 0}), PersistentMapping()
    managers = [transaction.TransactionManager() for _ in range(2)]
    yield server, db, [(manager, db.open(manager)) for manager in managers]
    db.close()


def undoable(db, *descriptions):
    found = [each['id'] for each in db.undoLog(0, 10) if each['description'] in descriptions]
    assert len(found) == len(descriptions)
    return found


def test_both_changes_are_seen_by_both(two):
    server, db, ((one, first), (other, second)) = two
    for connection, name in (first, 'one'), (second, 'other'):
        connection.root()['length'].change(1)
        connection.root()['tree'][name] = name
    one.commit()
    other.commit()
    for manager, connection in (one, first), (other, second):
        manager.begin()
        assert connection.root()['length']() == 2
        assert dict(connection.root()['tree']) == {'first': 0, 'one': 'one', 'other': 'other'}


@pytest.mark.parametrize('class_name, change', [
    ('BTrees.OOBTree.OOBTree', lambda root, name: root['tree'].update({'first': name})),
    ('BTrees.OOBTree.OOBTree', lambda root, name: root['tree'].update({'same': name})),
    ('persistent.mapping.PersistentMapping', lambda root, name: root['plain'].update({name: name}))],
    ids=['changed twice', 'inserted twice', 'another class'])
def test_what_can_not_be_merged_is_a_conflict(two, monkeypatch, class_name, change):
    server, db, ((one, first), (other, second)) = two
    asked = []

    def noted(storage, oid, *arguments):
        asked.append(oid)
        return resolve(storage, oid, *arguments)

    resolve = ClientStorage.tryToResolveConflict
    monkeypatch.setattr(ClientStorage, 'tryToResolveConflict', noted)
    change(first.root(), 'one')
    change(second.root(), 'other')
    one.commit()
    with pytest.raises(ConflictError) as raised:
        other.commit()
    other.abort()
    assert raised.value.class_name == class_name
    # What the class itself refuses the server does not leave to the client; Python's server leaves it nothing.
    unknown = class_name.startswith('persistent.') and not server.is_python
    assert asked == ([second.root()['plain']._p_oid] if unknown else [])
    # Nothing holds the commit lock.
    change(second.root(), 'again')
    other.commit()


def test_undo_beneath_a_later_change(two):
    server, db, ((one, first), (other, second)) = two

    def commit(name, length):
        first.root()['tree']['key ' + name] = name
        first.root()['length'].change(length)
        one.get().note(name)
        one.commit()

    commit('a', 1)
    commit('b', 10)
    commit('c', 100)
    undo, = undoable(db, 'b')
    db.undo(undo, other.get())
    other.commit()
    one.begin()
    assert list(first.root()['tree']) == ['first', 'key a', 'key c'] and first.root()['length']() == 101
    # Two at once, and the undo of an undo.
    db.undoMultiple(undoable(db, 'a', 'c'), other.get())
    other.commit()
    one.begin()
    assert list(first.root()['tree']) == ['first'] and first.root()['length']() == 0


def test_undo_of_what_was_changed_again_is_refused(two):
    server, db, ((one, first), (other, second)) = two
    for value in 'ab':
        first.root()['tree']['first'] = value
        one.get().note(value)
        one.commit()
    undo, = undoable(db, 'a')
    db.undo(undo, other.get())
    with pytest.raises(UndoError):
        other.commit()
    other.abort()
    one.begin()
    assert first.root()['tree']['first'] == 'b'
