"""After a fail-over to a server that lacked a client's last transaction, the client's cache holds what exists nowhere
any more. Ours has it dropped; Python's server leaves it there."""
import os
import shutil

import pytest
import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping

from support import servers

STOCK_RUNZEO = [os.path.join(servers.PEERS, 'current', 'bin', 'runzeo')]


def change(path, key, value):
    """A transaction that the client does not know, made without a server."""
    db = ZODB.DB(path)
    with db.transaction() as connection:
        connection.root()[key] = value
    db.close()


@pytest.mark.parametrize('ours', [True, False], ids=['zrs', 'runzeo'])
def test_a_cache_from_another_history(cluster, ours):
    server = cluster('server', servers.ZRS if ours else STOCK_RUNZEO, blobs=False)
    server.start()
    db = ZEO.DB(('127.0.0.1', server.port), min_disconnect_poll=0.1, max_disconnect_poll=0.2)
    connection = db.open()
    connection.root()['kept'] = PersistentMapping(state='common')
    transaction.commit()
    server.stop()
    shutil.copy(server.file, server.file + '.common')

    server.start()
    servers.wait_for('the client', db.storage.is_connected, 60)
    transaction.begin()
    connection.root()['kept']['state'] = 'lost'
    transaction.commit()
    assert connection.root()['kept']['state'] == 'lost'
    server.stop()
    servers.wait_for('the loss', lambda: not db.storage.is_connected(), 60)

    os.rename(server.file + '.common', server.file)
    os.remove(server.file + '.index')
    change(server.file, 'other', 1)
    server.start()
    servers.wait_for('the client', db.storage.is_connected, 60)
    transaction.begin()
    connection.sync()
    assert connection.root()['other'] == 1
    # Python's server takes the lost transaction for one of its own.
    assert connection.root()['kept']['state'] == ('common' if ours else 'lost')
    transaction.abort()
    db.close()
    if ours:
        assert 'drop its cache' in server.read_logs()
