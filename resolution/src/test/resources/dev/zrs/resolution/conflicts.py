"""Random conflicts of one family of BTrees, and what the real BTrees makes of them.

make FAMILY COUNT SEED         writes the conflicts: three data records each, with their lengths
check FAMILY COUNT SEED FILE   makes the same once more and compares the answers in a file;
                               the last line says how many of each outcome there were
"""
import collections
import datetime
import decimal
import importlib
import io
import random
import struct
import sys

import transaction
import ZODB
from BTrees.Interfaces import BTreesConflictError
from BTrees.Length import Length
from ZODB import ConflictResolution
from ZODB._compat import PersistentPickler, PersistentUnpickler
from ZODB.DemoStorage import DemoStorage
from zodbpickle import pickle_3

RESOLVED, REFUSED, UNKNOWN = b'=', b'!', b'?'


# Values of which only Python knows the order, or of which only the application does, when they are compared.
COMPARED = []


class Amount:
    """A class of an application, with an order."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        COMPARED.append(self)
        return self.number == other.number

    def __lt__(self, other):
        COMPARED.append(self)
        return self.number < other.number

    def __gt__(self, other):
        # When the other's __lt__ has no answer.
        COMPARED.append(self)
        return NotImplemented

    def __hash__(self):
        return hash(self.number)

    def __repr__(self):
        return 'Amount(%r)' % self.number


def noticed(base):
    """A class like this one; comparisons of its values are noticed."""

    class Noticed(base):
        def __eq__(self, other):
            COMPARED.append(self)
            return base.__eq__(self, other)

        def __lt__(self, other):
            COMPARED.append(self)
            return base.__lt__(self, other)

        def __gt__(self, other):
            COMPARED.append(self)
            return base.__gt__(self, other)

        __hash__ = base.__hash__

        def __reduce_ex__(self, protocol):
            return base(self).__reduce_ex__(protocol)
    return Noticed


NOTICED = {('decimal', 'Decimal'): noticed(decimal.Decimal), ('builtins', 'frozenset'): noticed(frozenset)}


def find_global(module, name):
    return NOTICED.get((module, name)) or ConflictResolution.find_global(module, name)


class Reference:
    """A persistent reference, as the pickle has it."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return 'Reference(%r)' % (self.data,)


class Python2Pickler(pickle_3._Pickler):
    """Writes what Python 2 has written, as far as Python 3 reads it: a str that is no unicode, which bytes are too, and
    the modules in C that had the classes.

    Left out is what ZODB in Python 3 can't read at all: a str of Python 2 that is not ASCII (UnicodeDecodeError; dates
    have them), and the names that Python 3 has changed, as __builtin__.set and copy_reg._reconstructor."""

    dispatch = pickle_3._Pickler.dispatch.copy()

    def __init__(self, f, protocol, choice):
        super().__init__(f, protocol)
        self.in_c = choice.random() < 0.5
        self.choice = choice
        self.calls = 0

    def persistent_id(self, value):
        return value.data if type(value) is Reference else None

    def save_reduce(self, *args, **options):
        self.calls += 1
        super().save_reduce(*args, **options)
        self.calls -= 1

    def save_python2_str(self, value, content, otherwise):
        # Oids have always been str, and empty bytes are __builtin__.bytes().
        is_str = value in OIDS or not value or self.choice.random() < 0.5
        if self.calls or not content.isascii() or not is_str:
            otherwise(self, value)
            return
        if len(content) < 256 and self.choice.random() < 0.8:
            self.write(b'U' + struct.pack('<B', len(content)) + content)
        else:
            self.write(b'T' + struct.pack('<i', len(content)) + content)
        self.memoize(value)

    def save_str(self, value):
        self.save_python2_str(value, value.encode(), pickle_3._Pickler.save_str)
    dispatch[str] = save_str

    def save_bytes(self, value):
        self.save_python2_str(value, value, pickle_3._Pickler.save_bytes)
    dispatch[bytes] = save_bytes

    def save_type(self, value):
        if not value.__module__.startswith('BTrees.') or not self.in_c or value is Length:
            super().save_type(value)
            return
        self.write(('c%s\n%s\n' % (module_in_c(value), value.__name__)).encode())
        self.memoize(value)
    dispatch[type] = save_type


def module_in_c(cls):
    return cls.__module__.replace('BTrees.', 'BTrees._')


def record(meta, state, python2=None):
    """With python2, (protocol, random choice), as Python 2 wrote it."""
    f = io.BytesIO()
    if python2:
        pickler = Python2Pickler(f, *python2)
    else:
        pickler = PersistentPickler(lambda o: o.data if type(o) is Reference else None, f, 3)
    pickler.dump(meta)
    pickler.dump(state)
    return f.getvalue()


def loaded(data):
    """The class and the state, in a form that can be compared."""
    unpickler = PersistentUnpickler(ConflictResolution.find_global, Reference, io.BytesIO(data))
    return repr((unpickler.load(), unpickler.load()))


def resolved(old, committed, new):
    """(the record, None) or (None, why not)."""
    factory = ConflictResolution.PersistentReferenceFactory()

    def states(data):
        unpickler = PersistentUnpickler(find_global, factory.persistent_load, io.BytesIO(data))
        return unpickler.load(), unpickler.load()

    try:
        meta, new_state = states(new)
        cls, args = meta if isinstance(meta, tuple) else (meta, ())
        if isinstance(cls, tuple):
            cls = find_global(*cls)
        instance = cls.__new__(cls, *(args or ()))
        state = instance._p_resolveConflict(states(old)[1], states(committed)[1], new_state)
        f = io.BytesIO()
        pickler = PersistentPickler(ConflictResolution.persistent_id, f, 3)
        pickler.dump(meta)
        pickler.dump(state)
        return f.getvalue(), None
    except BTreesConflictError as e:
        return None, 'BTrees reason %d:' % e.reason
    except Exception as e:
        return None, '%s: %s' % (type(e).__name__, e)


OIDS = [bytes(7) + bytes([i]) for i in range(4)]


class Values:
    """What may stand in a tree; with takes_all, also what it would not take."""

    def __init__(self, letter, choice, takes_all=True):
        self.choice = choice
        self.takes_all = takes_all
        self.make = getattr(self, letter)

    def whole(self, low, high):
        c = self.choice
        return c.choice([c.randint(0, 9), c.randint(low, high), low, high, low + 1, high - 1, 0, 1])

    def I(self):
        return self.whole(-2 ** 31, 2 ** 31 - 1)

    def U(self):
        return self.whole(0, 2 ** 32 - 1)

    def L(self):
        return self.whole(-2 ** 63, 2 ** 63 - 1)

    def Q(self):
        return self.whole(0, 2 ** 64 - 1)

    def F(self):
        c = self.choice
        if self.takes_all and c.random() < 0.05:
            return c.choice([2 ** 63, -2 ** 63, 2 ** 63 - 1, 10 ** 30, 'x'])
        return c.choice([0.5, 1.0, -1.0, 3, 1e30, 1e300, -1e300, 1e-40, 0.0, -0.0, float('inf'), float('nan'), 2 ** 24,
                         2 ** 24 + 1, 2.0 ** 24 + 1, 2 ** 53 + 1, True, c.random()])

    def f(self):
        return bytes([self.choice.choice([0, 97, 200, 255]), self.choice.randrange(256)])

    def s(self):
        return bytes(self.choice.choice([0, 255]) for _ in range(6))

    def O(self):
        return getattr(self, self.kind)()

    def number(self):
        c = self.choice
        return c.choice([
            c.randint(-5, 5), c.randint(-5, 5) / 2, c.choice([True, False]), 2 ** 80 + c.randint(0, 2),
            -2 ** 70, 2.0 ** 80, 10 ** 400, float('inf'), float(2 ** 53), 2 ** 53 + 1])

    def text(self):
        c = self.choice
        return ''.join(c.choice('ab\0\xe9\ud7ff\ue000\uffff\U00010000\U0010ffff') for _ in range(c.randint(0, 3)))

    def bytes(self):
        return bytes(self.choice.choice([0, 1, 127, 128, 255]) for _ in range(self.choice.randint(0, 3)))

    def tuple(self):
        c = self.choice
        return tuple(c.choice([c.randint(0, 3), c.randint(0, 3), (c.randint(0, 2), 'x')]) if i else c.choice('ab')
                     for i in range(c.randint(0, 3)))

    def list(self):
        return list(self.tuple())

    def none_or_number(self):
        return self.choice.choice([None, None, 1, 2, 3, 4.5])

    def datetime(self):
        c = self.choice
        return datetime.datetime(c.choice([1, 1999, 2026, 9999]), c.randint(1, 12), c.randint(1, 28), c.randint(0, 23),
                                 c.randint(0, 59), c.randint(0, 59), c.choice([0, 1, 255, 256, 999999]),
                                 fold=c.choice([0, 0, 1]))

    def aware(self):
        zone = datetime.timezone(datetime.timedelta(minutes=self.choice.choice([0, 0, 90, -300])))
        return datetime.datetime(2026, 1, 1, self.choice.randint(0, 9), self.choice.choice([0, 30]), tzinfo=zone)

    def date(self):
        return self.datetime().date()

    def time(self):
        return self.datetime().time()

    def duration(self):
        return datetime.timedelta(self.choice.randint(-2, 2), self.choice.randint(0, 3), self.choice.randint(0, 3))

    def nan(self):
        return self.choice.choice([float('nan'), 1.0, 2.0])

    def reference(self):
        return self.references([lambda oid: (oid, Length), lambda oid: oid])

    def any_reference(self):
        return self.references([
            lambda oid: (oid, Length), lambda oid: oid, lambda oid: ['w', (oid,)], lambda oid: ['w', (oid, 'other')],
            lambda oid: ['n', ('other', oid)], lambda oid: ['m', ('other', oid, Length)], lambda oid: [oid]])

    def references(self, forms):
        return Reference(self.choice.choice(forms)(self.choice.choice(OIDS)))

    def dict(self):
        return {'a': self.choice.randint(0, 2)}

    def set(self):
        return frozenset([self.choice.randint(0, 2)])

    def amount(self):
        return Amount(self.choice.randint(0, 5))

    def decimal(self):
        return decimal.Decimal(self.choice.randint(0, 50)) / 10

    def mixed(self):
        return getattr(self, self.choice.choice(['number', 'text', 'none_or_number', 'tuple', 'datetime', 'reference']))()

    # Those that can be sorted, and thus be many keys of one tree.
    KEYS = ['number', 'text', 'text', 'bytes', 'tuple', 'none_or_number', 'datetime', 'aware', 'date', 'time', 'duration']
    OTHERS = ['nan', 'list', 'reference', 'any_reference', 'dict', 'set', 'mixed', 'amount', 'decimal']
    # Their pickles of protocols 1 and 2, or of 1, have names that Python 3 does not know.
    PYTHON3 = {'set', 'amount'}


class Conflicts:
    """Those of one seed. The states are made up; their keys are in order, as in real ones."""

    def __init__(self, family, seed):
        self.family = family
        self.choice = random.Random('%s %d' % (family, seed))
        module = importlib.import_module('BTrees.%sBTree' % family)
        # What counts is the extension in C; that in Python differs.
        assert importlib.import_module('BTrees._%sBTree' % family).__file__.endswith('.so')
        assert getattr(module, family + 'BTree') is not getattr(module, family + 'BTreePy')
        self.classes = [getattr(module, family + kind) for kind in ('Bucket', 'Set', 'BTree', 'TreeSet')]
        self.keys = Values(family[0], self.choice)
        self.values = Values(family[1], self.choice)

    def one(self):
        """The three records."""
        c = self.choice
        cls = c.choice(self.classes)
        maps = cls in (self.classes[0], self.classes[2])
        self.keys.kind = c.choice(Values.KEYS if c.random() < 0.9 else Values.OTHERS)
        self.values.kind = c.choice(Values.KEYS + ['reference', 'list'] if c.random() < 0.8 else Values.OTHERS)
        pool = self.pool(c.randint(0, 9))
        if cls in self.classes[:2] and c.random() < 0.3:
            nexts = [Reference((OIDS[1], self.classes[0]))] * 3
            if c.random() < 0.15:
                nexts[c.randrange(3)] = c.choice([None, Reference((OIDS[2], self.classes[0])), Reference(OIDS[1])])
        else:
            nexts = [None] * 3
        old = {i: self.values.make() for i in range(len(pool)) if c.random() < 0.6}
        states = [old, self.changed(old, len(pool)), self.changed(old, len(pool))]
        meta = c.choice([cls, cls, (cls, None), (cls, ()), ((cls.__module__, cls.__name__), None),
                         ((module_in_c(cls), cls.__name__), None)])
        # What is older may be of another Python.
        oldest = 0 if c.random() < 0.6 or {self.keys.kind, self.values.kind} & Values.PYTHON3 else 1
        pythons = sorted(c.choice([1, 2, 3]) if oldest else 3 for _ in range(3))
        if c.random() < 0.3:
            pythons = pythons[2:] * 3
        return [record(meta, self.state(cls, maps, pool, state, following), (python, c) if python < 3 else None)
                for state, following, python in zip(states, nexts, pythons)]

    def pool(self, size):
        """Keys in order, each once, as far as they can be ordered."""
        keys = [self.keys.make() for _ in range(size)]
        try:
            unique = []
            for key in sorted(keys, key=lambda key: (key is not None, key)):
                if not unique or key != unique[-1]:
                    unique.append(key)
            return unique
        except TypeError:
            return keys

    def changed(self, old, size):
        c = self.choice
        state = dict(old)
        for _ in range(c.choice([0, 1, 1, 1, 2, 2, 3])):
            what = c.random()
            present = sorted(state)
            if what < 0.55 and len(present) < size:
                state[c.choice([i for i in range(size) if i not in state])] = self.values.make()
            elif what < 0.8 and present:
                state[c.choice(present)] = self.values.make()
            elif present:
                del state[c.choice(present)]
        if c.random() < 0.01:
            state.clear()
        return state

    def state(self, cls, maps, pool, chosen, following):
        items = []
        for i in sorted(chosen):
            items += [pool[i], chosen[i]] if maps else [pool[i]]
        if self.choice.random() < 0.01:
            items.insert(0, self.choice.choice([2 ** 70, -1, 'x', None]))
            items.insert(1, items[0])
        bucket = (tuple(items),) + ((following,) if following else ())
        if cls in self.classes[:2]:
            return bucket if self.choice.random() < 0.99 else self.choice.choice([None, (), ((),)])
        what = self.choice.random()
        if what < 0.01:
            return self.choice.choice([(), (None,), ((),), (((),),), ((((),),),)])
        if what < 0.03:
            return (Reference((OIDS[1], cls)), 1, Reference((OIDS[2], cls))), Reference((OIDS[1], self.classes[0]))
        return None if not items else ((bucket,),)


class RealConflicts:
    """Conflicts of transactions in a database, caught where ZODB tries to resolve them: trees of several buckets."""

    def __init__(self, family, seed):
        self.choice = random.Random('real %s %d' % (family, seed))
        # The storage chooses its first oid at random.
        random.seed(seed)
        module = importlib.import_module('BTrees.%sBTree' % family)
        kind = self.choice.choice(['BTree', 'TreeSet'])
        self.maps = kind == 'BTree'
        self.cls = getattr(module, family + kind)
        self.keys = Values(family[0], self.choice, takes_all=False)
        self.values = Values(family[1], self.choice, takes_all=False)
        self.keys.kind = self.choice.choice(['number', 'text', 'bytes', 'datetime'])
        self.values.kind = self.choice.choice(Values.KEYS)

    def some(self):
        """The conflicts of one tree."""
        found = []

        class Storage(DemoStorage):
            def tryToResolveConflict(self, oid, committed, old, new, committed_data=b''):
                found.append([self.loadSerial(oid, old), committed_data or self.loadSerial(oid, committed), new])
                return super().tryToResolveConflict(oid, committed, old, new, committed_data)

        db = ZODB.DB(Storage())
        managers = [transaction.TransactionManager() for _ in range(2)]
        connections = [db.open(manager) for manager in managers]
        tree = connections[0].root()['tree'] = self.cls()
        for _ in range(self.choice.choice([0, 3, 30, 150, 300])):
            self.insert(tree)
        managers[0].commit()
        for _ in range(20):
            for connection, manager in zip(connections, managers):
                manager.begin()
                tree = connection.root()['tree']
                for _ in range(self.choice.randint(1, 3)):
                    keys = list(tree)
                    if keys and self.choice.random() < 0.3:
                        key = self.choice.choice(keys)
                        if self.maps:
                            del tree[key]
                        else:
                            tree.remove(key)
                    else:
                        self.insert(tree)
            for manager in managers:
                try:
                    manager.commit()
                except Exception:
                    manager.abort()
        for connection in connections:
            connection.close()
        db.close()
        return found

    def insert(self, tree):
        key = self.keys.make()
        while isinstance(key, float) and key != key:
            key = self.keys.make()
        if self.maps:
            tree[key] = self.values.make()
        else:
            tree.insert(key)


def lengths(seed):
    choice = random.Random(seed)

    def number():
        return choice.choice([choice.randint(-9, 9), 2 ** 31, 2 ** 63 - 1, -2 ** 63, 2 ** 64, True, 10 ** 30])
    return [record(Length, number(), choice.choice([None, (1, choice), (2, choice)])) for _ in range(3)]


def by_hand():
    """What random choice does not come upon."""
    from BTrees.OOBTree import OOBTree, OOBucket, OOSet

    def bucket(*items, cls=OOBucket, next=Reference((OIDS[1], OOBucket)), python2=None):
        return record(cls, (items, next) if next else (items,), python2)

    # Keys of which many are the beginning of others.
    old = [(i, 1, 'x') for i in range(400)]
    short = [(i, 1) for i in range(400)]
    yield [bucket(*sorted(keys), cls=OOSet, next=None) for keys in (old, old + short, old + [(999,)])]
    # A class has two names, and an oid two types.
    for seed in range(8):
        choice = random.Random(seed)
        python2 = 1 + seed % 2, choice
        old = bucket('a', 1, python2=python2)
        yield [old, bucket('a', 1, 'b', 2, python2=python2), bucket('a', 1, 'c', 3, python2=python2)]
        yield [old, bucket('a', 1, 'b', 2), bucket('a', 1, 'c', 3)]


def conflicts(family, count, seed):
    if family == 'by hand':
        yield from by_hand()
        return
    if family == 'Length':
        for i in range(count):
            yield lengths(seed + i)
        return
    made = Conflicts(family, seed)
    real = count // 5
    for _ in range(count - real):
        yield made.one()
    trees = 0
    while real:
        trees += 1
        for records in RealConflicts(family, seed + trees).some()[:real]:
            real -= 1
            yield records


def write(pieces):
    for piece in pieces:
        sys.stdout.buffer.write(struct.pack('>I', len(piece)))
        sys.stdout.buffer.write(piece)


def check(all_conflicts, answers):
    tally = collections.Counter()
    failures = []
    for number, records in enumerate(all_conflicts):
        size, = struct.unpack('>I', answers.read(4))
        answer = answers.read(size)
        outcome, content = answer[:1], answer[1:]
        COMPARED.clear()
        expected, reason = resolved(*records)
        tally['conflicts'] += 1
        if expected is not None:
            tally['resolved'] += 1
        else:
            tally[reason if reason.startswith('BTrees') else 'error'] += 1
        if outcome == UNKNOWN:
            tally['unknown'] += 1
            # Python had to ask the values' own classes.
            ok = bool(COMPARED)
        elif expected is None:
            # A comparison of values that fails is another reason to Python, one that came after it.
            ok = outcome == REFUSED and (content.decode().startswith(reason) or not content.startswith(b'BTrees'))
            if ok and reason.startswith('BTrees') and content.decode().startswith(reason):
                tally['ours: ' + reason] += 1
        else:
            ok = outcome == RESOLVED and loaded(content) == loaded(expected)
            tally['ours: resolved'] += ok
        if not ok:
            failures.append('%d: %s\n  Python: %.2000s\n  ours: %s %.2000s' % (
                number, ['%.2000s' % loaded(r) for r in records], expected and loaded(expected) or reason,
                outcome.decode(), loaded(content) if outcome == RESOLVED else content.decode()))
    assert not answers.read(1)
    for failure in failures[:5]:
        print(failure)
    print('failures', len(failures))
    for name in sorted(tally):
        print('%s\t%d' % (name, tally[name]))


if __name__ == '__main__':
    what, family, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if what == 'make':
        for three in conflicts(family, count, seed):
            write(three)
    else:
        with open(sys.argv[5], 'rb') as f:
            check(conflicts(family, count, seed), f)
