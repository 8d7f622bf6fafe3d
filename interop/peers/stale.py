"""Are caches ever behind the server? stale.py prepare PORT FOLDER CLIENTS, or stale.py look PORT FOLDER FIRST COUNT
CLIENTS LOOKS.

Each client commits a change of an object of its own, so that there are no conflicts, and begins its
next transaction at once. Its snapshot is then not older than its own commit, and all that came before
that has to be known to it: the serials that its caches give for the objects of all clients are compared
with those that the server has for the same snapshot. COUNT clients of this process, the first of them
number FIRST of CLIENTS, share out LOOKS of such comparisons.

Prints {"looks": how many, "stale": those with a difference}.
"""
import json
import random
import sys
import threading
import traceback

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping

COMPARED = 3


def connect(port):
    return ZODB.DB(ZEO.client(('127.0.0.1', int(port)), wait_timeout=60, cache_size=20 << 20))


def prepare(port, folder, clients):
    db = connect(port)
    with db.transaction() as c:
        for i in range(int(clients)):
            c.root()[i] = PersistentMapping({'n': 0})
    db.close()


def watch(port, number, clients, looks):
    """The differences that one client sees."""
    stale = []
    rnd = random.Random(number)
    db = connect(port)
    manager = transaction.TransactionManager()
    connection = db.open(manager)
    objects = [connection.root()[i] for i in range(clients)]
    others = [each for i, each in enumerate(objects) if i != number]
    manager.begin()
    for each in objects:
        each._p_activate()
    for _ in range(looks):
        objects[number]['n'] += 1
        manager.commit()
        manager.begin()
        start = connection._storage._start
        # All of the cache first: while the server is asked, what is late may arrive.
        chosen = rnd.sample(others, min(COMPARED, len(others)))
        known = []
        for each in chosen:
            each._p_activate()
            known.append(each._p_serial)
        for each, serial in zip(chosen, known):
            _, current, _ = db.storage._call('loadBefore', each._p_oid, start)
            if serial != current:
                stale.append('%s at %s: %s for the client, %s at the server' % (
                    each._p_oid.hex(), start.hex(), serial.hex(), current.hex()))
                break
    manager.abort()
    connection.close()
    db.close()
    return stale


def look(port, folder, first, count, clients, looks):
    share = int(looks) // int(count)
    stale, failures = [], []

    def run(number):
        try:
            stale.extend(watch(port, number, int(clients), share))
        except BaseException:
            failures.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(int(first) + i,)) for i in range(int(count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(failures[0])
    print(json.dumps({'looks': share * len(threads), 'stale': stale}))


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
