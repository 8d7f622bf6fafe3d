"""Commits to shared and own objects over ZEO; one line for each acknowledged transaction.

committer.py PORT NAME COUNT SHARED: until COUNT are acknowledged, or until killed if COUNT is 0. Each
transaction adds 1 to one of SHARED counters, which is a conflict if another was quicker, and notes the
new value in an object of its own. Prints 'ok TID COUNTER VALUE', 'conflict', 'away'.
"""
import random
import sys
import time

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZEO.Exceptions import ClientDisconnected
from ZODB.POSException import ConflictError, POSError


def connect(port):
    # A conflict resolved by nobody: PersistentMapping has no _p_resolveConflict.
    return ZODB.DB(ZEO.client(('127.0.0.1', port), wait_timeout=60))


def say(*words):
    print(*words, flush=True)


def main(port, name, count, shared):
    rnd = random.Random(name)
    done = 0
    db = connect(port)
    connection = db.open()
    while not count or done < count:
        try:
            transaction.begin()
            root = connection.root()
            number = rnd.randrange(shared)
            counter, own = root['counters'][number], root['own'][name]
            value = counter['value'] + 1
            counter['value'] = value
            own['count'] = own['count'] + 1
            own['data'] = 'x' * rnd.randrange(2000)
            transaction.get().note('%s %d' % (name, own['count']))
            transaction.commit()
            done += 1
            say('ok', counter._p_serial.hex(), number, value)
        except ConflictError:
            transaction.abort()
            say('conflict')
        except (ClientDisconnected, POSError, OSError) as e:
            # The server is away: what was being committed may or may not be there.
            transaction.abort()
            say('away', type(e).__name__)
            time.sleep(0.05)
            connection.close()
            db.close()
            db = connect(port)
            connection = db.open()


def prepare(port, names, shared):
    db = connect(port)
    with db.transaction() as c:
        c.root()['counters'] = PersistentMapping(
            {i: PersistentMapping({'value': 0}) for i in range(shared)})
        c.root()['own'] = PersistentMapping({n: PersistentMapping({'count': 0}) for n in names})
    db.close()


if __name__ == '__main__':
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
