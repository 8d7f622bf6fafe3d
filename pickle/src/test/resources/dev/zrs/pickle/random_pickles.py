"""Writes random pickles, and what Python's picklers make of them when they are loaded again.

Usage: random_pickles.py SEED COUNT. Output, for each case, five fields: a description, the pickle,
and the values of it pickled again by ZEO's pickler, ZODB's and zc.zrs's. A field is a 4-byte
big-endian length and that many bytes; the length 0xffffffff means that Python can't do it.
"""
import collections
import datetime
import decimal
import io
import pickle
import random
import struct
import sys

import zodbpickle.pickle

# None has one character: whether CPython has a second, interned string of it is chance.
ATTRIBUTES = ["attribute_one", "attribute_two", "attr\u00efbute", "attribute_four"]
PATHS = (
    [("zodbpickle fast", zodbpickle.pickle, 3, True), ("zodbpickle", zodbpickle.pickle, 3, False)]
    + [("pickle fast", pickle, 1, True)]
    + [("pickle", pickle, protocol, False) for protocol in range(6)]
)


class Plain:
    pass


class WithArguments(tuple):
    """Its items are arguments of __new__."""


class SubList(list):
    pass


class SubDict(dict):
    pass


def dump(module, value, protocol, fast):
    file = io.BytesIO()
    pickler = module.Pickler(file, protocol)
    if fast:
        pickler.fast = 1
    pickler.dump(value)
    return file.getvalue()


class Generator:
    def __init__(self, rnd):
        self.rnd = rnd
        self.begin(False, False)

    def begin(self, recursive, modern):
        self.recursive = recursive  # may contain itself
        self.modern = modern  # may hold what protocol 1 spells in another way
        self.seen = []

    def text(self):
        rnd = self.rnd
        alphabet = rnd.choice(
            ["abc", "a\n\\'\"\t", "\xe9\xff\x80a", "\u1234\u20acx", "\U0001f600\ud800y", "\x00\x1a"])
        length = rnd.choice([0, 1, 1, 2, 3, 8, 30, 255, 256, 300])
        return "".join(rnd.choice(alphabet) for _ in range(length))

    def integer(self):
        rnd = self.rnd
        value = 1 << rnd.choice([0, 1, 7, 8, 15, 16, 31, 32, 48, 62, 63, 64, 127, 2031, 2039, 2040])
        return rnd.choice([1, -1]) * (value + rnd.randrange(-2, 3))

    def scalar(self):
        rnd = self.rnd
        return rnd.choice([
            lambda: None,
            lambda: rnd.random() < 0.5,
            lambda: rnd.randrange(300),
            self.integer,
            lambda: rnd.choice([0.0, -0.0, 1.5, 1e300, -1e-300, 0.1, float("inf"), -float("inf")]),
            self.text,
            lambda: rnd.randbytes(rnd.choice([0, 1, 1, 2, 8, 100, 255, 256, 300])),
            lambda: bytearray(rnd.randbytes(rnd.choice([0, 1, 5]))),
            lambda: set(rnd.sample(range(8), rnd.randrange(5))),
            lambda: frozenset(rnd.sample(range(8), rnd.randrange(1, 5))),
            lambda: rnd.choice([int, str, len, ValueError, range, collections.OrderedDict]),
            lambda: rnd.choice([
                complex(1, 2), range(3), decimal.Decimal("1.25"), ValueError("no", 1),
                datetime.datetime(2024, 2, 29, 1, 2, 3), datetime.timedelta(3, 4)]),
        ])()

    def value(self, depth):
        rnd = self.rnd
        if self.seen and rnd.random() < 0.15:
            return rnd.choice(self.seen)
        if depth == 0 or rnd.random() < 0.4:
            value = self.scalar()
        else:
            value = self.container(depth - 1)
        self.seen.append(value)
        return value

    def open(self, value):
        # Registered before it is filled, a container can come to contain itself.
        if self.recursive:
            self.seen.append(value)
        return value

    def container(self, depth):
        rnd = self.rnd
        size = rnd.choice([0, 1, 1, 2, 3, 4, 5])
        kinds = ["tuple", "list", "list", "dict", "dict", "plain", "ordered"]
        if self.modern:
            kinds += ["arguments", "sublist", "subdict"]
        kind = rnd.choice(kinds)
        if kind == "tuple":
            return tuple(self.value(depth) for _ in range(size))
        if kind in ("list", "sublist"):
            value = self.open([] if kind == "list" else SubList())
            if rnd.random() < 0.01:
                value.extend(range(rnd.choice([999, 1000, 1001, 2000, 2001])))
            for _ in range(size):
                value.append(self.value(depth))
            return value
        if kind in ("dict", "subdict", "ordered"):
            value = {"dict": dict, "subdict": SubDict, "ordered": collections.OrderedDict}[kind]()
            self.open(value)
            if rnd.random() < 0.01:
                value.update((i, None) for i in range(rnd.choice([999, 1000, 1001, 2000, 2001])))
            for _ in range(size):
                value[rnd.choice([self.text, self.integer, lambda: (1, self.text())])()] = (
                    self.value(depth))
            return value
        if kind == "arguments":
            return WithArguments(self.value(depth) for _ in range(size))
        value = self.open(Plain())
        for name in ATTRIBUTES[:rnd.randrange(5)]:
            setattr(value, name, self.value(depth))
        return value


def field(data):
    out = sys.stdout.buffer
    if data is None:
        out.write(b"\xff\xff\xff\xff")
    else:
        out.write(struct.pack(">I", len(data)))
        out.write(data)


def attempt(*args):
    try:
        return dump(*args)
    # KeyError is how the C pickler reports some values that contain themselves, in fast mode.
    except (ValueError, RecursionError, KeyError):
        return None


def main(seed, count):
    generator = Generator(random.Random(seed))
    done = 0
    while done < count:
        name, module, protocol, fast = PATHS[done % len(PATHS)]
        modern = protocol >= 2 and done % 2 == 0
        generator.begin(not fast and done % 3 == 0, modern)
        value = generator.container(generator.rnd.randrange(1, 5))
        data = attempt(module, value, protocol, fast)
        done += 1
        if data is None:
            continue
        loaded = (zodbpickle.pickle if protocol <= 3 else pickle).loads(data)
        field(f"{seed}/{done} {name} {protocol}".encode())
        field(data)
        field(attempt(zodbpickle.pickle, loaded, 3, True))
        field(zodbpickle.pickle.dumps(loaded, 3))
        field(None if modern else attempt(pickle, loaded, 1, True))


main(int(sys.argv[1]), int(sys.argv[2]))
