"""Clients that change much at once and check all that they see: stress.py prepare PORT FOLDER, or
stress.py work PORT FOLDER NAME CLIENTS SECONDS: that many clients, each with a storage, a database and
caches of its own.

What holds in every state: the accounts add up to the same sum; of the three objects of a chain the
second is the hash over all that happened to the first, and the third has both; a tree has as many keys
as its Length says. Each look at all of it is noted with its snapshot, so that who has the file can see
that there was such a state. And what a client has in its caches after its own commit is compared with
what the server has for the same snapshot.

A conflict may come to the client, which resolves those of trees and Lengths, or be an error.
"""
import hashlib
import json
import os
import random
import sys
import threading
import time
import traceback

import transaction
import ZEO
import ZODB
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError
from ZODB.utils import p64, u64

ACCOUNTS, COUNTERS, LENGTHS, CHAINS, TREES = 24, 6, 2, 6, 3
START = 1000
OWN_KEYS = 40


def connect(port):
    return ZODB.DB(ZEO.client(('127.0.0.1', int(port)), wait_timeout=60, cache_size=20 << 20))


def prepare(port, folder):
    db = connect(port)
    with db.transaction() as c:
        root = c.root()
        root['accounts'] = PersistentMapping({i: PersistentMapping({'n': START}) for i in range(ACCOUNTS)})
        root['counters'] = PersistentMapping({i: PersistentMapping({'n': 0}) for i in range(COUNTERS)})
        root['lengths'] = PersistentMapping({i: Length() for i in range(LENGTHS)})
        root['chains'] = PersistentMapping({i: PersistentMapping({
            'a': PersistentMapping({'n': 0}),
            'b': PersistentMapping({'n': ''}),
            'c': PersistentMapping({'n': (0, '')})}) for i in range(CHAINS)})
        root['trees'] = PersistentMapping({i: PersistentMapping({
            'keys': OOBTree(), 'length': Length()}) for i in range(TREES)})
    with db.transaction() as c:
        with open(os.path.join(folder, 'tracked'), 'w') as f:
            json.dump([each._p_oid.hex() for each in tracked(c.root())], f)
    db.close()


def tracked(root):
    """The objects whose values are noted at each look."""
    found = list(root['accounts'].values()) + list(root['counters'].values()) + list(root['lengths'].values())
    for chain in root['chains'].values():
        found += [chain['a'], chain['b'], chain['c']]
    return found + [tree['length'] for tree in root['trees'].values()]


def value(each):
    return each() if isinstance(each, Length) else each['n']


def digest(values):
    return hashlib.sha1(repr(values).encode()).hexdigest()[:16]


def link(before, note):
    return hashlib.sha1(('%s %s' % (before, note)).encode()).hexdigest()


class Client:
    def __init__(self, port, folder, name):
        self.name = name
        self.random = random.Random('%s %s' % (os.environ.get('ZRS_SEED', ''), name))
        self.db = connect(port)
        self.storage = self.db.storage
        self.transactions = transaction.TransactionManager()
        self.connection = self.db.open(self.transactions)
        self.objects = tracked(self.connection.root())
        self.own = {i: [] for i in range(TREES)}
        self.serial = 0
        self.looks = open(os.path.join(folder, 'looks-' + name), 'w')
        self.done = {'move': 0, 'count': 0, 'chain': [0] * CHAINS, 'insert': 0, 'conflicts': 0, 'looks': 0,
                     'compared': 0}

    def snapshot(self):
        return self.connection._storage._start

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            change = self.random.choice((self.move, self.count, self.chain, self.insert))
            if self.commit(change):
                self.transactions.begin()
                self.compare_with_server()
            self.look()
        self.transactions.abort()
        self.looks.close()
        self.connection.close()
        self.db.close()
        self.done['keys'] = self.own
        return self.done

    def commit(self, change):
        """Whether it was acknowledged; a conflict is tried again a few times."""
        for _ in range(5):
            self.transactions.begin()
            try:
                acknowledged = change(self.connection.root())
                self.transactions.get().note('%s %s' % (self.name, change.__name__))
                self.transactions.commit()
                acknowledged()
                return True
            except ConflictError:
                self.transactions.abort()
                self.done['conflicts'] += 1
        return False

    def move(self, root):
        one, other = self.random.sample(range(ACCOUNTS), 2)
        amount = self.random.randrange(-50, 50)
        root['accounts'][one]['n'] -= amount
        root['accounts'][other]['n'] += amount
        return lambda: self.add('move')

    def count(self, root):
        root['counters'][self.random.randrange(COUNTERS)]['n'] += 1
        root['lengths'][self.random.randrange(LENGTHS)].change(1)
        return lambda: self.add('count')

    def add(self, kind):
        self.done[kind] += 1

    def chain(self, root):
        number = self.random.randrange(CHAINS)
        chain = root['chains'][number]
        n = chain['a']['n'] + 1
        linked = link(chain['b']['n'], n)
        chain['a']['n'], chain['b']['n'], chain['c']['n'] = n, linked, (n, linked)

        def acknowledged():
            self.done['chain'][number] += 1
        return acknowledged

    def insert(self, root):
        number = self.random.randrange(TREES)
        tree, own = root['trees'][number], self.own[number]
        added = []
        for _ in range(self.random.randrange(1, 12)):
            self.serial += 1
            added.append('%04d %s %d' % (self.random.randrange(10_000), self.name, self.serial))
        removed = own[:max(0, len(own) + len(added) - OWN_KEYS)]
        for key in added:
            assert tree['keys'].insert(key, self.serial) == 1, key
        for key in removed:
            del tree['keys'][key]
        tree['length'].change(len(added) - len(removed))

        def acknowledged():
            self.own[number] = own[len(removed):] + added
            self.add('insert')
        return acknowledged

    def look(self):
        self.transactions.begin()
        start = self.snapshot().hex()
        values = [None] * len(self.objects)
        for i in self.random.sample(range(len(values)), len(values)):
            values[i] = value(self.objects[i])
        assert sum(values[:ACCOUNTS]) == ACCOUNTS * START, 'the accounts at %s: %s' % (start, values[:ACCOUNTS])
        first = ACCOUNTS + COUNTERS
        assert sum(values[ACCOUNTS:first]) == sum(values[first:first + LENGTHS]), 'the counters at ' + start
        first += LENGTHS
        for a, b, c in zip(*[iter(values[first:first + 3 * CHAINS])] * 3):
            assert c == (a, b), 'a chain at %s: %s %s %s' % (start, a, b, c)
        number = self.random.randrange(TREES)
        tree = self.connection.root()['trees'][number]
        keys = list(tree['keys'])
        assert len(keys) == tree['length'](), 'tree %d at %s' % (number, start)
        assert set(self.own[number]) <= set(keys), 'own keys in tree %d at %s' % (number, start)
        self.looks.write('%s %s %d %s\n' % (start, digest(values), number, digest(keys)))
        self.done['looks'] += 1

    def compare_with_server(self):
        """After a commit of its own: is what the caches give current at this snapshot?"""
        start = self.snapshot()
        for each in self.random.sample(self.objects, 3):
            each._p_activate()
            _, serial, end = self.storage._call('loadBefore', each._p_oid, start)
            assert each._p_serial == serial, 'stale: %s at %s is of %s for the client and of %s at the server' % (
                each._p_oid.hex(), start.hex(), each._p_serial.hex(), serial.hex())
            assert end is None or u64(end) >= u64(start), (p64(u64(start)).hex(), end.hex())
        self.done['compared'] += 1


def work(port, folder, name, clients, seconds):
    made = [Client(port, folder, '%s-%d' % (name, i)) for i in range(int(clients))]
    print('ready', flush=True)
    sys.stdin.readline()
    results, failures = [], []

    def run(client):
        try:
            results.append(client.run(float(seconds)))
        except BaseException:
            failures.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(client,)) for client in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({'results': results, 'failures': failures}), flush=True)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
