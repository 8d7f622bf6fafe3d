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
