"""The log of our server and that of Python's runzeo, when the same is done to both: what people's log watchers look for
has the same level, the same logger and the same words."""
import os
import re
import signal
import threading

import pytest
import transaction
import ZEO
import ZODB
from ZEO.Exceptions import ClientDisconnected
from ZODB.Connection import TransactionMetaData
from ZODB.POSException import ConflictError
from ZODB.utils import p64, z64

from support import servers

RUNZEO = [servers.CURRENT, '-m', 'ZEO.runzeo']

# What stands for itself in a message, and what changes from run to run.
VARIABLE = [
    (r"'?/\S*/(zrs|python)(?:-2)?/(\S*?)'?(?=[\s,)]|$)", r'/FOLDER/\2'),
    (r"\('127\.0\.0\.1', \d+\)|127\.0\.0\.1:\d+", 'ADDRESS'),
    (r'\(\d+\)', '(PID)'),
    (r'0x[0-9a-f]+|\b[0-9a-f]{16}\b', 'ID'),
    (r"b'[^']*'", 'ID'),
    (r'\b\d+(\.\d+)?\b', 'N'),
]


def shapes(log):
    """(level, logger, message) of each entry, without what changes."""
    with open(log) as f:
        entries = f.read().split('------\n')[1:]
    found = []
    for entry in entries:
        _, level, name, message = entry.rstrip('\n').split(' ', 3)
        message = message.split('\n')[0]
        for pattern, text in VARIABLE:
            message = re.sub(pattern, text, message)
        found.append((level, name, message))
    return found


def client(server, **options):
    return ZEO.client(server.address, wait_timeout=30, **options)


def voted(storage, oid, data, serial=z64):
    """A transaction that holds the commit lock."""
    t = TransactionMetaData()
    storage.tpc_begin(t)
    storage.store(oid, serial, data, '', t)
    storage.tpc_vote(t)
    return t


def logged(server, text):
    servers.wait_for('log: ' + text, lambda: text in server.read_logs(), 30, server.read_logs)


def life(server):
    """All that a server meets."""
    with open(server.conf) as f:
        text = f.read().replace('<eventlog>', '<eventlog>\nlevel debug')
    with open(server.conf, 'w') as f:
        f.write(text)
    server.start()
    db = ZODB.DB(client(server, client_label='label of a client'))
    with db.transaction() as connection:
        connection.root()['n'] = 1

    # A conflict.
    managers = transaction.TransactionManager(), transaction.TransactionManager()
    for n, manager in enumerate(managers):
        db.open(manager).root()['n'] = n
    managers[0].commit()
    with pytest.raises(ConflictError):
        managers[1].commit()
    managers[1].abort()

    # A client that waits for the lock, and one that goes while it has it.
    data = db.storage.load(z64)[0]
    holder, waiter = client(server), client(server)
    t = voted(holder, p64(1000), data)
    waiting = threading.Thread(target=voted, args=(waiter, p64(1001), data))
    waiting.start()
    logged(server, 'queue lock')
    holder.tpc_abort(t)
    waiting.join(60)
    assert not waiting.is_alive()
    waiter.close()
    logged(server, 'disconnected during locked transaction')
    holder.close()

    db.pack()
    db.close()
    with pytest.raises(ClientDisconnected):
        ZEO.client(server.address, storage='none', wait_timeout=5)
    logged(server, 'unknown storage_id')

    os.rename(server.log, server.log + '.old')
    server.process.send_signal(signal.SIGUSR2)
    servers.wait_for('the log is opened again',
                     lambda: os.path.exists(server.log) and 'reopened' in open(server.log).read(), 30,
                     server.read_logs)
    assert server.stop() == 0
    return shapes(server.log + '.old') + shapes(server.log)


def out_of_time(server):
    """A client holds the commit lock for too long."""
    server.start()
    slow = client(server)
    voted(slow, z64, b'data')
    logged(server, 'Transaction timeout')
    slow.close()
    assert server.stop() == 0
    return shapes(server.log)


# What one of them says and the other does not, or not so. Nothing that tells of trouble is among it but what is said
# of each.
PYTHON_ONLY = [
    # Said at our side without the name of a Python class.
    ('INFO', 'ZEO.asyncio.base', 'Connected ZEO.asyncio.server.ServerProtocol(ADDRESS)'),
    # The test itself, which looks whether the port answers.
    ('INFO', 'ZEO.StorageServer', '(unconnected) disconnected'),
    # With a traceback; ours says in one line what it was.
    ('ERROR', 'ZEO.asyncio.server', "`'register'` raised exception:"),
    ('INFO', 'ZODB.blob', '(PID) Blob directory /FOLDER/blobs does not exist. Selected `bushy` layout. '),
    ('INFO', 'ZODB.blob', '(PID) Blob directory /FOLDER/blobs/ does not exist. Created new directory.'),
    ('INFO', 'ZODB.blob', '(PID) Blob temporary directory /FOLDER/blobs/tmp does not exist. Created new directory.'),
]
# With uvloop a SIGTERM that comes at a bad moment ends in the first two, a client that goes at one in the others: the
# last when an invalidation for it waits in the event loop.
PYTHON_SOMETIMES = [
    ('ERROR', 'asyncio', 'Fatal error on transport TCPTransport'),
    ('ERROR', 'ZEO.asyncio.server', 'Disconnected SystemExit:N'),
    ('ERROR', 'ZEO.asyncio.server', 'Disconnected ConnectionResetError:[Errno N] Connection reset by peer'),
    ('ERROR', 'asyncio', 'Exception in callback <bound method ZEOBaseProtocol.call_async of '
     'ZEO.asyncio.server.ServerProtocol(ADDRESS)>'),
]
OURS_ONLY = [
    ('INFO', 'ZEO.asyncio.server', 'Connected ADDRESS'),
    ('INFO', 'ZEO.asyncio.server', "(ADDRESS) 'register' raised exception: builtins.ValueError [unknown storage: none]"),
    ('INFO', 'ZODB.FileStorage',
     '/FOLDER/Data.fs: the packed file will have at most N bytes, and what is committed meanwhile; N are free'),
    ('INFO', 'ZODB.FileStorage', '/FOLDER/Data.fs: packed from N to N bytes in N s: N records removed, '
     'N objects were garbage; commits stopped for at most N ms'),
    ('INFO', 'ZODB.FileStorage', '/FOLDER/Data.fs: removed N records of persistent.mapping.PersistentMapping, N bytes'),
    ('INFO', 'ZEO.runzeo', '(PID) stopped'),
]


@pytest.mark.ours
def test_the_same_things_are_logged_in_the_same_words(cluster):
    theirs = life(cluster('python', RUNZEO)) + out_of_time(cluster('python-2', RUNZEO, zeo='transaction-timeout 1'))
    ours = life(cluster('zrs')) + out_of_time(cluster('zrs-2', zeo='transaction-timeout 1'))
    assert any(level == 'CRITICAL' and 'Transaction timeout after N seconds' in message for level, _, message in theirs)
    # What is below INFO is for the makers of the server, but for the commit lock's.
    theirs, ours = ({shape for shape in found if shape[0] not in ('DEBUG', 'BLATHER') or 'lock:' in shape[2]}
                    for found in (theirs, ours))
    shown = '\npython: %s\nours: %s' % (sorted(theirs), sorted(ours))
    assert theirs - ours - set(PYTHON_SOMETIMES) == set(PYTHON_ONLY), shown
    assert ours - theirs == set(OURS_ONLY), shown
