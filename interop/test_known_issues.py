"""What struck users of Python's ZODB, ZEO and ZRS, by the number of the issue; those that concern the
file storage alone are in KnownIssuesTest of the storage module."""
import os
import random
import threading

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError

from support import compare, servers
from support.stranger import Stranger


def client(server, **options):
    return ZODB.DB(ZEO.client(server.address, wait_timeout=30, **options))


def in_threads(*calls):
    """Runs all at once; raises what one of them raised."""
    errors = []

    def guarded(call):
        try:
            call()
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_zodb_290_a_connection_that_is_opened_during_commits_sees_one_state(cluster, long):
    """lastTransaction and the invalidations did not agree when a transaction began: of two objects that
    are always changed together, one came from the cache as it had been, the other as it was now."""
    server = cluster('server').start()
    db = client(server)
    with db.transaction() as connection:
        connection.root()['left'] = PersistentMapping({'n': 0})
        connection.root()['right'] = PersistentMapping({'n': 0})
    rounds = 3000 if long else 300
    end = threading.Event()

    def change(db):
        def run():
            try:
                for _ in range(rounds):
                    manager = transaction.TransactionManager()
                    connection = db.open(manager)
                    try:
                        for name in 'left', 'right':
                            connection.root()[name]['n'] += 1
                        manager.commit()
                    except ConflictError:
                        manager.abort()
                    finally:
                        connection.close()
            finally:
                end.set()
        return run

    def look():
        looks = 0
        while not end.is_set() or looks < 20:
            manager = transaction.TransactionManager()
            connection = db.open(manager)
            try:
                root = connection.root()
                # One from the cache of the connection, the other from the server.
                left = root['left']['n']
                root['right']._p_deactivate()
                right = root['right']['n']
                assert left == right, 'left is %d, right is %d' % (left, right)
                looks += 1
            finally:
                manager.abort()
                connection.close()

    other = client(server)
    # One thread on the connection of the readers commits, and another client.
    in_threads(change(db), change(other), look, look)
    other.close()
    db.close()


def test_zeo_150_blobs_that_come_and_go_at_once_do_not_mix(cluster, tmp_path):
    """When the buffer of a connection was full, the chunks of a second blob went out between those of
    the first one."""
    server = cluster('server').start()
    rnd = random.Random(150)
    contents = {i: rnd.randbytes(rnd.randrange(2_000_000, 4_000_000)) for i in range(8)}
    db = client(server, blob_dir=str(tmp_path / 'writer'))
    with db.transaction() as connection:
        for i in contents:
            connection.root()[i] = PersistentMapping()

    def store(i):
        def run():
            manager = transaction.TransactionManager()
            connection = db.open(manager)
            connection.root()[i]['blob'] = ZODB.blob.Blob(contents[i])
            manager.commit()
            connection.close()
        return run

    def load(db, i):
        def run():
            manager = transaction.TransactionManager()
            connection = db.open(manager)
            with connection.root()[i]['blob'].open() as f:
                assert f.read() == contents[i], 'blob %d is not what was stored' % i
            manager.abort()
            connection.close()
        return run

    in_threads(*[store(i) for i in contents])
    db.close()
    # Nothing is in the cache of this one; all ask over one connection.
    reader = client(server, blob_dir=str(tmp_path / 'reader'), cache_size=2 << 20)
    in_threads(*[load(reader, i) for i in contents])
    reader.close()
    assert sorted(compare.blob_files(server.blobs).values()) == sorted(contents.values())


def counting_pairs(db, rounds):
    """Commits changes of two objects that are always equal; conflicts are tried again."""
    def run():
        manager = transaction.TransactionManager()
        connection = db.open(manager)
        done = 0
        while done < rounds:
            manager.begin()
            try:
                for name in 'left', 'right':
                    connection.root()[name]['n'] += 1
                manager.commit()
                done += 1
            except ConflictError:
                manager.abort()
        connection.close()
    return run


def test_zeo_155_a_load_that_crosses_an_invalidation_from_elsewhere(cluster, long):
    """The answer to a load that was on its way when the invalidation came went into the client's cache as
    the current revision, and stayed there: of two objects that are always equal one was old for ever."""
    server = cluster('server').start()
    clients = [client(server) for _ in range(3)]
    with clients[0].transaction() as connection:
        connection.root()['left'] = PersistentMapping({'n': 0})
        connection.root()['right'] = PersistentMapping({'n': 0})
    rounds = 1500 if long else 150
    writing = [threading.Thread(target=counting_pairs(db, rounds)) for db in clients[:2]]

    def look(db, seed):
        def run():
            rnd = random.Random(seed)
            looks = 0
            manager = transaction.TransactionManager()
            connection = db.open(manager)
            while any(thread.is_alive() for thread in writing) or looks < 20:
                manager.begin()
                root = connection.root()
                both = [root['left'], root['right']]
                rnd.shuffle(both)
                for each in both:
                    if rnd.random() < 0.7:
                        each._p_deactivate()
                assert both[0]['n'] == both[1]['n'], [each['n'] for each in both]
                looks += 1
            manager.abort()
            connection.close()
        return run

    for thread in writing:
        thread.start()
    try:
        in_threads(*[look(db, seed) for seed, db in enumerate(clients * 2)])
    finally:
        for thread in writing:
            thread.join(300)
            assert not thread.is_alive()
    for db in clients:
        # What is in the caches for good is right, too.
        connection = db.open()
        for name in 'left', 'right':
            connection.root()[name]._p_deactivate()
            assert connection.root()[name]['n'] == 2 * rounds
        connection.close()
        db.close()


class Listener:
    """Reads all that comes to a connection, in order, and knows what it was told is current."""

    def __init__(self, address):
        self.stranger = Stranger(address, register=False)
        self.told = self.stranger.require('register', '1', False)
        self.changed = {}

    def until(self, identity):
        """(whether it is an error, value) of the reply; takes what is told before it."""
        while True:
            got, flag, name, value = self.stranger.decode(self.stranger.read())
            if name == 'invalidateTransaction':
                assert value[0] > self.told, 'the announcements are not in order'
                self.told = value[0]
                self.changed.update(dict.fromkeys(value[1], value[0]))
            elif name == '.reply' and got == identity:
                return flag == 2, value

    def call(self, method, *arguments):
        failed, value = self.until(self.stranger.send(method, *arguments))
        assert not failed, value
        return value


def test_zeo_166_no_answer_names_a_transaction_that_was_not_announced(cluster, long):
    """lastTransaction was ahead of the invalidations: what began then had a snapshot beyond what its caches
    knew. A server that says so makes every client see it."""
    server = cluster('server').start()
    db = client(server)
    with db.transaction() as connection:
        connection.root()['left'] = PersistentMapping({'n': 0})
        connection.root()['right'] = PersistentMapping({'n': 0})
    writing = threading.Thread(target=counting_pairs(db, 2000 if long else 200))
    writing.start()
    listener = Listener(server.address)
    start, asked = listener.told, 0
    while writing.is_alive() or asked < 100:
        assert listener.call('lastTransaction') == listener.told
        tid, oids = listener.call('getInvalidations', listener.told)
        # What is younger than the announcements comes with one, in front of this answer.
        assert tid == listener.told and set(oids) <= set(listener.changed)
        # Who registers meanwhile is told exactly what follows.
        other = Listener(server.address)
        assert other.call('lastTransaction') == other.told
        other.stranger.close()
        asked += 1
    writing.join()
    assert listener.told > start and listener.call('lastTransaction') == db.storage.lastTransaction()
    listener.stranger.close()
    db.close()


def test_zeo_209_the_answer_to_a_load_never_comes_behind_what_ends_it(cluster, long):
    """A server with several threads sent "this is current" behind the invalidation of that revision. The client
    keeps it in its cache, and serves it for ever."""
    server = cluster('server').start()
    db = client(server)
    with db.transaction() as connection:
        connection.root()['left'] = PersistentMapping({'n': 0})
        connection.root()['right'] = PersistentMapping({'n': 0})
    with db.transaction() as connection:
        oids = [connection.root()[name]._p_oid for name in ('left', 'right')]
    # Two that commit over one connection: answers, invalidations and other loads go at the same time.
    writing = [threading.Thread(target=counting_pairs(db, 1500 if long else 150)) for _ in range(2)]
    for thread in writing:
        thread.start()

    def listen():
        listener = Listener(server.address)
        compared = 0
        while any(thread.is_alive() for thread in writing) or compared < 100:
            # Many at a time, so that the answers are on their way when something is announced.
            for identity in [(listener.stranger.send('loadBefore', oid, b'\x7f' + b'\xff' * 7), oid)
                             for oid in oids * 8]:
                failed, (_, serial, end) = listener.until(identity[0])
                assert not failed
                if end is None:
                    assert serial >= listener.changed.get(identity[1], bytes(8)), 'behind what ended it'
                assert serial <= listener.told, 'before its announcement'
                compared += 1
        listener.stranger.close()

    in_threads(listen, listen, listen)
    db.close()


@pytest.mark.ours  # zc.zrs misses the transaction, for good
@pytest.mark.parametrize('how', ['cut short', 'not finished'])
def test_a_secondary_with_a_torn_tail_asks_for_the_torn_transaction_again(cluster, how):
    """FileStorage cuts the torn transaction off and gives its tid as the last one: a secondary that
    asks for what follows never gets it."""
    port = servers.free_port()
    primary = cluster('primary', replicate_to=port)
    secondary = cluster('secondary', replicate_from=port)
    primary.start()
    secondary.start()
    db = client(primary)
    for i in range(5):
        with db.transaction() as connection:
            connection.root()[i] = PersistentMapping({'n': i})

    def caught_up():
        servers.wait_for('the secondary has all', lambda: secondary.size() == primary.size(), 60, secondary.read_logs)

    caught_up()
    secondary.kill()
    last = list(compare.transactions(secondary.file))[-1]
    if how == 'cut short':
        os.truncate(secondary.file, secondary.size() - 10)
    else:
        with open(secondary.file, 'r+b') as f:
            f.seek(last[0] + 16)
            f.write(b'c')
    if os.path.exists(secondary.file + '.index'):
        os.remove(secondary.file + '.index')
    secondary.start()
    with db.transaction() as connection:
        connection.root()['after'] = 'the crash'
    db.close()
    caught_up()
    # What the file has in its last place may not be finished yet.
    assert secondary.stop() == 0
    assert primary.stop() == 0
    compare.same_files(primary.file, secondary.file)
