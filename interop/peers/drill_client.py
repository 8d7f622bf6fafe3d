"""A ZEO client that knows several servers and goes on working whatever happens to them.

drill_client.py NAME FALLBACK PORT...: adds 1 to a counter of its own, again and again. FALLBACK is 1 for
read-only-fallback. Lines on the standard input: 'pause', 'go', 'end'. Prints a line for each thing that
happens: 'ok TIME COUNT TID' for each acknowledged commit, with '-' if
the connection ended before the tid was known, 'read TIME COUNT' after a write that was refused,
'paused', 'error TYPE'; equal errors in a row once.
"""
import logging
import sys
import threading
import time

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZEO.Exceptions import ClientDisconnected
from ZODB.POSException import ReadOnlyError

PAUSE = 0.02
AFTER_ERROR = 0.1
CALL_LIMIT = 5
UNKNOWN = '-'


def say(*words):
    print(*words, flush=True)


class Orders:
    """What the standard input says."""

    def __init__(self):
        self.going = threading.Event()
        self.going.set()
        self.ended = False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in sys.stdin:
            if line.strip() == 'pause':
                self.going.clear()
            elif line.strip() == 'go':
                self.going.set()
            else:
                break
        self.ended = True
        self.going.set()


def opened(storage):
    while True:
        try:
            return ZODB.DB(storage).open()
        except ClientDisconnected:
            # With read-only-fallback it changes over, from the first that answered to the better one.
            time.sleep(AFTER_ERROR)


def tid_of(committed):
    """Of an object that nobody else changes; it may have been made a ghost by a reconnection."""
    try:
        committed._p_activate()
    except ClientDisconnected:
        return UNKNOWN
    return committed._p_serial.hex()


def main(name, fallback, ports):
    orders = Orders()
    storage = ZEO.client([('127.0.0.1', port) for port in ports], wait_timeout=60, read_only_fallback=fallback)
    # From here on calls end soon: the one who waits is asked again and again how it is.
    storage._server.timeout = CALL_LIMIT
    connection = opened(storage)
    last = None
    while not orders.ended:
        if not orders.going.is_set():
            say('paused')
            orders.going.wait()
            continue
        try:
            connection.sync()
            root = connection.root()
            if name not in root:
                root[name] = PersistentMapping({'count': 0})
            count = root[name]['count'] + 1
            root[name]['count'] = count
            transaction.commit()
            last = None
            say('ok', '%.3f' % time.time(), count, tid_of(root[name]))
            time.sleep(PAUSE)
        except Exception as e:  # whatever ZEO has for a server that is gone
            transaction.abort()
            if type(e) is not last:
                say('error', type(e).__name__)
            last = type(e)
            if isinstance(e, ReadOnlyError):
                try:
                    connection.sync()
                    say('read', '%.3f' % time.time(), connection.root()[name]['count'])
                except ClientDisconnected:
                    say('error', 'on its way to another server')
            time.sleep(AFTER_ERROR)


logging.basicConfig(level=logging.INFO, format='%(asctime)s %(name)s %(message)s')
main(sys.argv[1], sys.argv[2] == '1', [int(port) for port in sys.argv[3:]])
