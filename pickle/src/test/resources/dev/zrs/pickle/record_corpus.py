"""Makes data records and transaction extensions of all times of ZODB, and says what Python reads.

Output, one line each, fields divided by tabs:
  record NAME HEX NOLOAD LOAD CLASS BLOB
  extension NAME HEX VALUE LOAD
NOLOAD are the oids that ZODB.serialize.referencesf finds, LOAD those that a real load meets (every
class stands in for itself), CLASS is what ZODB.utils.get_pickle_metadata says, BLOB what
ZODB.blob.is_blob_record says. VALUE is the value as ZODB reads it, in the notation of canonical(),
LOAD as Python's own pickle does. Where Python refuses, the field is ! and the name of the
exception.

Python 2 is gone, and with it the picklers that wrote the older files: Python2Pickler writes what
they wrote.
"""
import codecs
import io
import itertools
import pickle
import struct
import sys

import BTrees.IOBTree
import BTrees.OOBTree
import persistent.mapping
import zodbpickle
import zodbpickle.pickle
from ZODB._compat import loads
from ZODB.blob import is_blob_record
from ZODB.serialize import get_refs
from ZODB.serialize import referencesf
from ZODB.utils import get_pickle_metadata

A = b"\0\0\0\0\0\0\1\2"
B = b"\0\0\0\0\0\0\0\x0a"  # a line feed within
C = b"\0\0\0\0\0\0\0'"
HIGH = b"\0\0\0\0\0\0\x9f\xff"  # no ASCII
TEXT = b"abcdefgh"


class Node:
    """A value as Python 2 knew it, to be pickled in one of its ways."""

    def __init__(self, *parts):
        self.parts = parts


class Str(Node):
    """A str of Python 2: bytes."""


class Long(Node):
    """A long of Python 2."""


class Name(Node):
    """A class or function: module, name."""


class Ref(Node):
    """A persistent reference: its persistent id."""


class Old(Node):
    """An instance of a class that does not inherit from object: class, arguments, state."""


class New(Node):
    """An instance of a class that does: class, arguments, state."""


class Call(Node):
    """What __reduce__ said: callable, arguments, state, items of a list, items of a dict."""


class Python2Pickler:
    """Writes as Python 2.7 did; text is its unicode."""

    def __init__(self, protocol, memo=True):
        self.protocol = protocol
        self.memo = {} if memo else None
        self.kept = []
        self.out = io.BytesIO()

    def dump(self, value):
        if self.protocol >= 2:
            self.write(b"\x80", bytes([self.protocol]))
        self.save(value)
        self.write(b".")
        return self

    def write(self, *pieces):
        for piece in pieces:
            self.out.write(piece)

    def put(self, value):
        if self.memo is None:
            return
        number = len(self.memo)
        self.memo[id(value)] = number
        self.kept.append(value)
        if self.protocol == 0:
            self.write(b"p%d\n" % number)
        elif number < 256:
            self.write(b"q", bytes([number]))
        else:
            self.write(b"r", struct.pack("<I", number))

    def save(self, value):
        if self.memo is not None and id(value) in self.memo:
            number = self.memo[id(value)]
            if self.protocol == 0:
                self.write(b"g%d\n" % number)
            elif number < 256:
                self.write(b"h", bytes([number]))
            else:
                self.write(b"j", struct.pack("<I", number))
            return
        getattr(self, "save_" + type(value).__name__)(value)

    def save_NoneType(self, value):
        self.write(b"N")

    def save_bool(self, value):
        if self.protocol >= 2:
            self.write(b"\x88" if value else b"\x89")
        else:
            self.write(b"I01\n" if value else b"I00\n")

    def save_int(self, value):
        if self.protocol == 0 or not -1 << 31 <= value < 1 << 31:
            self.write(b"I%d\n" % value)
        elif 0 <= value < 256:
            self.write(b"K", bytes([value]))
        elif 0 <= value < 65536:
            self.write(b"M", struct.pack("<H", value))
        else:
            self.write(b"J", struct.pack("<i", value))

    def save_Long(self, value):
        number = value.parts[0]
        if self.protocol < 2:
            self.write(b"L%dL\n" % number)
            return
        data = pickle.encode_long(number)
        if len(data) < 256:
            self.write(b"\x8a", bytes([len(data)]), data)
        else:
            self.write(b"\x8b", struct.pack("<i", len(data)), data)

    def save_float(self, value):
        if self.protocol == 0:
            self.write(b"F", repr(value).encode(), b"\n")
        else:
            self.write(b"G", struct.pack(">d", value))

    def save_Str(self, value):
        data = value.parts[0]
        if self.protocol == 0:
            self.write(b"S", repr(data)[1:].encode(), b"\n")
        elif len(data) < 256:
            self.write(b"U", bytes([len(data)]), data)
        else:
            self.write(b"T", struct.pack("<i", len(data)), data)
        self.put(value)

    def save_str(self, value):
        if self.protocol == 0:
            escaped = value.replace("\\", "\\u005c").replace("\n", "\\u000a")
            self.write(b"V", escaped.encode("raw-unicode-escape"), b"\n")
        else:
            data = value.encode("utf-8", "surrogatepass")
            self.write(b"X", struct.pack("<I", len(data)), data)
        self.put(value)

    def save_tuple(self, value):
        if not value and self.protocol >= 1:
            self.write(b")")
            return
        if 0 < len(value) < 4 and self.protocol >= 2:
            for each in value:
                self.save(each)
            self.write([b"\x85", b"\x86", b"\x87"][len(value) - 1])
        else:
            self.write(b"(")
            for each in value:
                self.save(each)
            self.write(b"t")
        self.put(value)

    def save_list(self, value):
        self.write(b"(l" if self.protocol == 0 else b"]")
        self.put(value)
        self.items(value, b"a", b"e")

    def save_dict(self, value):
        self.write(b"(d" if self.protocol == 0 else b"}")
        self.put(value)
        self.items(value.items(), b"s", b"u", True)

    def items(self, values, one, many, pairs=False):
        values = list(values)
        single = self.protocol == 0 or len(values) == 1
        if not single and values:
            self.write(b"(")
        for each in values:
            for part in each if pairs else (each,):
                self.save(part)
            if single:
                self.write(one)
        if not single and values:
            self.write(many)

    def save_Name(self, value):
        module, name = value.parts
        self.write(b"c", module.encode(), b"\n", name.encode(), b"\n")
        self.put(value)

    def save_Ref(self, value):
        pid = value.parts[0]
        if self.protocol == 0:
            self.write(b"P", pid.parts[0], b"\n")
        else:
            self.save(pid)
            self.write(b"Q")

    def save_Old(self, value):
        cls, args, state = value.parts
        self.write(b"(")
        if self.protocol == 0:
            for each in args:
                self.save(each)
            self.write(b"i", cls.parts[0].encode(), b"\n", cls.parts[1].encode(), b"\n")
        else:
            self.save(cls)
            for each in args:
                self.save(each)
            self.write(b"o")
        self.put(value)
        self.state(state)

    def save_New(self, value):
        cls, args, state = value.parts
        if self.protocol >= 2:
            self.save(cls)
            self.save(args)
            self.write(b"\x81")
        else:
            self.save(Name("copy_reg", "_reconstructor"))
            self.save((cls, Name("__builtin__", "object"), None))
            self.write(b"R")
        self.put(value)
        self.state(state)

    def save_Call(self, value):
        called, args, state, items, pairs = (*value.parts, None, None, None)[:5]
        self.save(called)
        self.save(args)
        self.write(b"R")
        self.put(value)
        if items:
            self.items(items, b"a", b"e")
        if pairs:
            self.items(pairs, b"s", b"u", True)
        self.state(state)

    def state(self, state):
        if state is not None:
            self.save(state)
            self.write(b"b")


# What a real load needs.

class Stand:
    """Stands in for an instance of any class."""

    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    def extend(self, values):
        pass


REAL = {
    ("_codecs", "encode"): codecs.encode,
    ("builtins", "set"): set, ("__builtin__", "set"): set,
    ("builtins", "frozenset"): frozenset, ("__builtin__", "frozenset"): frozenset,
    ("builtins", "bytes"): bytes, ("__builtin__", "bytes"): bytes,
    ("builtins", "bytearray"): bytearray,
    ("zodbpickle", "binary"): zodbpickle.binary,
}


def find(module, name):
    return REAL.get((module, name)) or type(name.encode().decode("ascii", "replace"), (Stand,), {})


class StandardUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return find(module, name)


class ZODBUnpickler(zodbpickle.pickle.Unpickler):
    def find_class(self, module, name):
        return find(module, name)


def oids_of_load(record):
    """The oids that a load meets, with all help: ZODB itself refuses protocols 4 and 5, and str of
    Python 2 that is no ASCII."""
    try:
        return oids_loaded(record, ZODBUnpickler, errors="bytes")
    except ValueError:
        return oids_loaded(record, StandardUnpickler)


def oids_loaded(record, unpickler_class, **options):
    found = []
    unpickler = unpickler_class(io.BytesIO(record), **options)
    unpickler.persistent_load = lambda pid: found.append(pid) or Stand()
    unpickler.load()
    unpickler.load()
    oids = []
    for pid in found:
        if isinstance(pid, list):
            continue
        oid = pid[0] if isinstance(pid, tuple) else pid
        if isinstance(oid, str):
            oid = oid.encode("ascii")
        if not isinstance(oid, bytes):
            raise TypeError("no oid")
        oids.append(oid)
    return oids


def attempt(call, *args):
    try:
        return call(*args)
    except Exception as e:
        return "!" + type(e).__name__


def oids(call, record):
    found = attempt(call, record)
    return found if isinstance(found, str) else " ".join(oid.hex() for oid in found)


def class_of(record):
    module, name = get_pickle_metadata(record)
    return f"{module} {name}"


def checked_references(record):
    found = referencesf(record)
    # get_refs wants pairs, and says the same otherwise.
    pairs = attempt(get_refs, record)
    if not isinstance(pairs, str) and [oid for oid, _ in pairs] != found:
        raise SystemExit(f"referencesf and get_refs differ for {record!r}")
    return found


def canonical(value):
    """A value as a line of text, the same for equal values in Python and in Java."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "s" + value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, bytes):
        return "b" + value.hex()
    if isinstance(value, tuple):
        return "(" + ",".join(map(canonical, value)) + ")"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in value) + "}"
    if isinstance(value, (set, frozenset)):
        return "<" + ",".join(sorted(map(canonical, value))) + ">"
    raise TypeError(f"no notation for {value!r}")


names = set()


def emit(kind, name, data, *fields):
    if name in names:
        raise SystemExit(f"two cases are called {name}")
    names.add(name)
    print(kind, name, data.hex(), *fields, sep="\t")


def record(name, data):
    emit("record", name, data, oids(checked_references, data), oids(oids_of_load, data),
         attempt(class_of, data), int(is_blob_record(data)))


def extension(name, data):
    emit("extension", name, data, attempt(lambda: canonical(loads(data))),
         attempt(lambda: canonical(pickle.loads(data))))


# The records.

PLAIN = b"\x80\x03cm.n\nA\nq\x00."


def python2(protocol, metadata, state):
    """Both pickles by one pickler, as ZODB writes them: the second may use the first one's memo."""
    return Python2Pickler(protocol).dump(metadata).dump(state).out.getvalue()


def classes():
    a = Name("m.n", "A")
    names = (Str(b"m.n"), Str(b"A"))
    arguments = (Str(b"x"), 1)
    yield "class", a
    yield "class-none", (a, None)
    yield "class-empty", (a, ())
    yield "class-arguments", (a, arguments)
    yield "class-keyword-arguments", (a, (), {Str(b"k"): 1})
    yield "names-none", (names, None)
    yield "names-empty", (names, ())
    yield "names-arguments", (names, arguments)
    yield "names", names
    yield "text-names", (("m.n", "A"), None)
    yield "reference-in-arguments", (a, (Ref(Str(TEXT)),))
    yield "metaclass", (Ref(Str(TEXT)), None)
    yield "python-2-name", Name("UserDict", "UserDict")
    yield "python-2-builtin", Name("__builtin__", "set")
    yield "blob", Name("ZODB.blob", "Blob")
    yield "blob-arguments", (Name("ZODB.blob", "Blob"), ())
    yield "blob-names", ((Str(b"ZODB.blob"), Str(b"Blob")), None)
    yield "blob-like", Name("ZODB.blob", "BlobFile")
    yield "none", None
    yield "number", 7
    yield "empty-tuple", ()
    yield "one-tuple", (a,)


def states():
    a = Name("m.n", "A")
    b = Name("m.n", "B")
    shared = Str(TEXT)
    twice = (shared, a)
    yield "empty", {}
    yield "none", None
    yield "oid", {Str(b"x"): Ref(Str(TEXT))}
    yield "low-oid", {Str(b"x"): Ref(Str(A))}
    yield "many-oids", [Ref(Str(A)), Ref(Str(C)), Ref(Str(A))]
    yield "old-instance", Old(a, (), {Str(b"x"): 1})
    yield "strings", [Str(b"'"), Str(b'"'), Str(b"\\x"), Str(b"\n\t\r\0\x1f\x7f"), Str(b"x" * 300)]
    yield "texts", ["", "\\u", "a\nb", "\xe9", "\u20ac", "\U0001f600", "\\", "x" * 300]
    yield "numbers", [0, -1, 255, 256, 65535, 65536, -1 << 31, (1 << 31) - 1, 1 << 31, 1 << 62]
    yield "longs", [Long(n) for n in (0, 1, -1, 255, -128, 1 << 63, -1 << 63, 1 << 200, 7 ** 800)]
    yield "floats", [0.0, -0.0, 1.5, 1e300, -1e-300, float("inf"), float("-inf"), 0.1]
    yield "bools", [True, False]
    yield "new-object", New(a, (), {Str(b"x"): None})
    yield "set", Call(Name("__builtin__", "set"), ([1, 2],))
    yield "date", Call(Name("datetime", "datetime"), (Str(b"\7\xd0\1\1\0\0\0\0\0\0"),))
    yield "ascii-date", Call(Name("datetime", "date"), (Str(b"\7\x50\1\1"),))
    yield "dict-subclass", Call(Name("m.n", "D"), (), {Str(b"s"): 1}, None, [(Str(b"k"), 2)])
    yield "list-subclass", Call(Name("m.n", "L"), (), None, [1, 2, 3])
    yield "reconstructor-with-base", Call(
        Name("copy_reg", "_reconstructor"), (a, Name("__builtin__", "dict"), {Str(b"k"): 1}), None)
    yield "reference-in-call", Call(a, (Ref(Str(TEXT)), 1), {Str(b"x"): Ref(Str(A))})
    yield "reference-in-old-instance-state", Old(a, (), {Str(b"x"): Ref(Str(A))})
    yield "reference-in-items", Call(
        b, (), None, [Ref(Str(TEXT))], [(Str(b"k"), Ref(Str(A)))])
    yield "reference-in-key", {(Str(b"k"), 1): Ref(Str(TEXT))}
    yield "bucket", ((1, Ref(Str(TEXT)), 2, Ref(Str(A))), Ref(Str(C)))
    yield "tree", ((Ref(Str(A)), 3, Ref(Str(C))), Ref(Str(A)))
    yield "shared", [twice, twice, shared]


def structured_states():
    """Those with persistent ids that protocol 0 had no opcode for."""
    a = Name("m.n", "A")
    oid = Str(TEXT)
    pair = (oid, a)
    weak = [oid]
    yield "pair", [Ref((Str(TEXT), a))]
    yield "low-pair", [Ref((Str(A), a))]
    yield "line-feed-pair", [Ref((Str(B), a))]
    yield "high-pair", [Ref((Str(HIGH), a))]
    yield "high-oid", [Ref(Str(HIGH))]
    yield "pair-without-class", [Ref((Str(A), None))]
    yield "pair-with-arguments", [Ref((Str(A), (a, ())))]
    yield "pair-with-names", [Ref((Str(A), (Str(b"m.n"), Str(b"A"))))]
    yield "triple", [Ref((Str(A), a, None))]
    yield "one-tuple", [Ref((Str(A),))]
    yield "weak-of-old", [Ref([Str(A)])]
    yield "weak", [Ref([Str(b"w"), (Str(A),)])]
    yield "weak-with-database", [Ref([Str(b"w"), (Str(A), Str(b"other"))])]
    yield "high-weak", [Ref([Str(b"w"), (Str(HIGH),)])]
    yield "weak-tuple", [Ref((Str(b"w"), (Str(A),)))]
    yield "multi", [Ref([Str(b"m"), (Str(b"other"), Str(A), a)])]
    yield "multi-without-class", [Ref([Str(b"n"), (Str(b"other"), Str(A))])]
    yield "multi-text", [Ref(["m", ("other", Str(A), a)])]
    yield "unknown-list", [Ref([Str(b"z"), 1])]
    yield "empty-list", [Ref([])]
    yield "empty-tuple", [Ref(())]
    yield "none-id", [Ref(None)]
    yield "number-id", [Ref(5)]
    yield "dict-id", [Ref({})]
    yield "number-in-pair", [Ref((5, a))]
    yield "list-in-pair", [Ref(([Str(A)], a))]
    yield "text-id", [Ref("abcdefgh")]
    yield "text-pair", [Ref(("abcdefgh", a))]
    yield "high-text-id", [Ref("abcdefg\xe9")]
    yield "remembered-pair", [Ref(pair), Ref(pair), pair]
    yield "remembered-oid", [oid, Ref(oid), Ref((oid, a))]
    yield "remembered-list", [Ref(weak), Ref(weak)]
    yield "mixed", {
        Str(b"strong"): Ref((Str(A), a)), Str(b"weak"): Ref([Str(b"w"), (Str(A),)]),
        Str(b"far"): Ref([Str(b"n"), (Str(b"o"), Str(A))]), Str(b"old"): Ref(Str(TEXT))}
    yield "old-instance-with-arguments", Old(a, (Str(b"x"), 1), {Str(b"y"): 2})
    yield "list-in-reference-in-call", [
        Call(a, (Ref((Str(A), a)), Ref([Str(b"w"), (Str(A),)])), None)]
    yield "reference-as-callable", Call(Ref((Str(A), a)), (), None)
    yield "nested", [[[[{Str(b"x"): (Ref((Str(A), a)),)}]]]]
    yield "many", [Ref((Str(struct.pack(">Q", n)), a)) for n in range(300)]


def modern_states():
    """Written by the picklers of today."""
    class Marker:
        def __init__(self, pid):
            self.pid = pid

    for name, kind in (("bytes", bytes), ("binary", zodbpickle.binary)):
        yield f"{name}-oid", Marker, [Marker(kind(A))]
        yield f"{name}-pair", Marker, [Marker((kind(HIGH), persistent.mapping.PersistentMapping))]
        yield f"{name}-weak", Marker, [Marker(["w", (kind(HIGH),)])]
        yield f"{name}-multi", Marker, [Marker(["m", ("db", kind(HIGH), dict)])]
        yield f"{name}-shared", Marker, [Marker(kind(B))] * 3
    yield "reference-in-bucket", Marker, (
        (1, Marker((A, dict)), 2, Marker((B, dict))), Marker((C, BTrees.OOBTree.OOBucket)))
    yield "reference-and-bytearray", Marker, [bytearray(b"xyz"), Marker((A, dict))]
    tree = BTrees.IOBTree.IOBTree(dict.fromkeys(range(10), "x"))
    yield "tree", Marker, tree.__getstate__()
    tree = BTrees.OOBTree.OOBTree({str(i): i for i in range(90)})
    yield "large-tree", Marker, tree.__getstate__()
    yield "values", Marker, {
        "t": (1, 2.5, None, True), "b": b"\0\xff", "s": {1, 2}, "f": frozenset([3]), "n": 1 << 70,
        "u": "\u20ac", "l": list(range(1200))}


def modern(module, protocol, marker, state, fast):
    file = io.BytesIO()

    def persistent_id(value):
        return value.pid if isinstance(value, marker) else None

    # The pickler of the standard library has to be told in a class.
    kind = type("Pickler", (module.Pickler,), {"persistent_id": lambda self, v: persistent_id(v)})
    pickler = kind(file, protocol)
    if fast:
        pickler.fast = 1
    pickler.dump(persistent.mapping.PersistentMapping)
    pickler.dump(state)
    return file.getvalue()


def raw_states():
    """Byte by byte: what no pickler of today writes, or none ever should."""
    oid = b"C\x08" + A
    yield "persid", b"Pabcdefgh\n."
    yield "persid-of-nine", b"Pabcdefghi\n."
    yield "persid-empty", b"P\n."
    yield "persid-with-escape", b"P\\x00bcdefgh\n."
    yield "persid-carriage-return", b"Pabcdefg\r\n."
    yield "persid-high", b"Pabcdefg\xe9\n."
    yield "quoted-oid", b"S'abcdefgh'\nQ."
    yield "quoted-oid-with-escapes", b"S'\\x00\\000\\0\\a\\b\\t\\n\\''\nQ."
    yield "double-quoted-oid", b'S"abcdefg\'"\nQ.'
    yield "quoted-oid-with-spaces", b"S'abcdefgh' \nQ."
    yield "quoted-oid-with-high-escape", b"S'\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x01'\nQ."
    yield "quoted-without-quotes", b"Sabc\n."
    yield "quoted-one-quote", b"S'\n."
    yield "quoted-unknown-escape", b"S'\\q\\\\'\n."
    yield "quoted-bad-escape", b"S'\\xz'\n."
    yield "quoted-high", b"S'\xe9'\n."
    yield "quoted-octal-overflow", b"S'\\777'\n."
    yield "unicode-oid", b"Vabcdefgh\nQ."
    yield "unicode-escapes", b"V\\u20ac\\U0001f600\\x41\\\\\n."
    yield "unicode-bad-escape", b"V\\u12\n."
    yield "unicode-backslash-at-end", b"Vab\\\n."
    yield "unicode-beyond", b"V\\U00110000\n."
    yield "bool-text", b"(I01\nI00\nI1\nI-7\nI+8\nl."
    yield "int-of-2-to-the-63", b"I9223372036854775808\n."
    yield "int-hex", b"I0x10\n."
    yield "int-octal", b"I010\n."
    yield "int-spaces", b"I 5 \n."
    yield "int-underscore", b"I1_000\n."
    yield "int-empty", b"I\n."
    yield "int-letters", b"Ix\n."
    yield "long-without-l", b"L123\n."
    yield "long-negative", b"L-123L\n."
    yield "long-empty", b"L\n."
    yield "long-hex", b"L0x1fL\n."
    yield "float-forms", b"(F1\nF1.\nF.5\nF-1e5\nFinf\nFnan\nF-inf\nl."
    yield "float-spaces", b"F 1.5 \n."
    yield "float-underscore", b"F1_0.5\n."
    yield "float-letters", b"Fx\n."
    yield "float-empty", b"F\n."
    yield "long1-empty", b"\x80\x02\x8a\x00."
    yield "long4", b"\x80\x02\x8b\x02\0\0\0\xff\x7f."
    yield "long4-negative-length", b"\x80\x02\x8b\xff\xff\xff\xff."
    yield "binstring-negative-length", b"T\xff\xff\xff\xff."
    yield "ext1", b"\x80\x02\x82\x05."
    yield "ext2", b"\x80\x02\x83\x05\x01."
    yield "ext4", b"\x80\x02\x84\x05\0\0\x01."
    yield "ext1-zero", b"\x80\x02\x82\x00."
    yield "ext4-negative", b"\x80\x02\x84\xff\xff\xff\xff."
    yield "ext-instance", b"\x80\x02\x82\x05)\x81}b."
    yield "reference-in-inst", b"(U\x08abcdefghQim.n\nA\n."
    yield "reference-in-obj", b"(cm.n\nA\nU\x08abcdefghQo."
    yield "inst-in-list", b"](im.n\nA\na(im.n\nB\na."
    yield "obj-in-list", b"](cm.n\nA\noa."
    yield "dup", b"U\x08abcdefghQ2\x86."
    yield "dup-oid", b"U\x08abcdefgh2QQ."
    yield "pop", b"N0U\x08abcdefghQ."
    yield "pop-reference", b"U\x08abcdefghQ0N."
    yield "pop-mark", b"(NN1U\x08abcdefghQ."
    yield "pop-of-mark", b"(0N."
    yield "pop-of-call", b"cm.n\nf\n)R0N."
    yield "get-from-memo", b"U\x08abcdefghp5\n0g5\nQ."
    yield "get-unknown", b"g7\nQ."
    yield "binget-unknown", b"h\x07Q."
    yield "put-large-number", b"U\x08abcdefghp123456\nQg123456\nQ\x86."
    yield "put-without-value", b"p0\nN."
    yield "long-binput", b"U\x08abcdefghr\x05\x01\0\0Qj\x05\x01\0\0Q\x86."
    yield "reference-from-memo", b"U\x08abcdefghQq\x090h\x09."
    yield "id-changed-after-use", b"]q\x01U\x01wa(U\x08abcdefght" + b"Qh\x01Q\x86."
    yield "list-made-before-use", b"](U\x01wU\x08abcdefgh\x85eQ."
    yield "second-memo", b"\x80\x03" + oid + b"q\x07Qh\x07Q\x86."
    yield "class-from-first-memo", b"\x80\x03" + oid + b"h\x00\x86Q."
    yield "short-oid", b"\x80\x03C\x02abQ."
    yield "long-oid", b"\x80\x03C\x09abcdefghiQ."
    yield "empty-oid", b"\x80\x03C\x00Q."
    yield "binbytes-oid", b"\x80\x03B\x08\0\0\0" + A + b"Q."
    yield "binstring-oid", b"\x80\x02T\x08\0\0\0" + A + b"Q."
    yield "binunicode-oid", b"\x80\x02X\x08\0\0\0" + A + b"Q."
    yield "two-byte-text-oid", b"\x80\x02X\x08\0\0\0abcdef\xc3\xa9Q."
    encode = b"c_codecs\nencode\nX"
    latin1 = b"X\x06\0\0\0latin1\x86R"
    encoded = encode + b"\x08\0\0\0" + A + latin1
    high = encode + b"\x09\0\0\0\0\0\0\0\0\0\xc2\x9f\x01" + latin1
    yield "codecs-oid", b"\x80\x02" + high + b"Q."
    yield "codecs-pair", b"\x80\x02" + encoded + b"cm.n\nA\n\x86Q."
    yield "codecs-weak", b"\x80\x02]X\x01\0\0\0wa" + encoded + b"\x85aQ."
    yield "bytearray-oid", b"\x80\x03cbuiltins\nbytearray\n" + oid + b"\x85RQ."
    yield "instance-oid", b"cm.n\nA\n)RQ."
    yield "global-oid", b"cm.n\nA\nQ."
    yield "float-oid", b"F1.5\nQ."
    yield "reference-to-reference", b"U\x08abcdefghQQ."
    yield "reference-in-pair", b"(U\x08abcdefghQNtQ."
    yield "set-literal", b"(lp1\n."
    yield "unhashable-key", b"}]Ns."
    yield "unhashable-set", b"c__builtin__\nset\n(]]l\x85R."
    yield "key-without-value", b"}(Nu."
    yield "setitem-of-list", b"]NNs."
    yield "append-to-dict", b"}Na."
    yield "append-to-call", b"cm.n\nA\n)RU\x08abcdefghQa."
    yield "appends-to-none", b"N(NNe."
    yield "append-to-none", b"NNa."
    yield "build-on-dict", b"}}b."
    yield "build-twice", b"cm.n\nA\n)R}b}b."
    yield "build-on-global", b"cm.n\nA\n}b."
    yield "build-on-reference", b"U\x08abcdefghQ}b."
    yield "mark-left", b"(N."
    yield "values-left", b"NN."
    yield "no-value", b"."
    yield "no-stop", b"N"
    yield "nothing", b""
    yield "trailing-bytes", b"N.garbage"
    yield "third-pickle", b"N.U\x08abcdefghQ."
    yield "unknown-opcode", b"\xff."
    yield "protocol-6", b"\x80\x06N."
    yield "protocol-in-the-middle", b"]\x80\x02Na."
    yield "memoize", b"\x80\x04" + oid + b"\x94Qh\x01Q\x86."
    yield "frame", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0" + oid + b"Q."
    yield "short-binunicode", b"\x80\x04\x8c\x08abcdefghQ."
    yield "stack-global", b"\x80\x04\x8c\x03m.n\x8c\x01A\x93)\x81}b."
    yield "newobj-ex", b"\x80\x04cm.n\nA\n)}\x92."
    yield "frozenset", b"\x80\x04(K\x01K\x02\x91."
    yield "additems", b"\x80\x04\x8f(K\x01K\x02\x90."
    yield "bytearray8", b"\x80\x05\x96\x02\0\0\0\0\0\0\0ab."
    yield "next-buffer", b"\x80\x05\x97."
    yield "truncated-argument", b"X\xff\0\0\0ab."
    yield "bad-utf8", b"X\x01\0\0\0\xff."
    yield "surrogate", b"X\x03\0\0\0\xed\xa0\x80."
    yield "global-high", b"cm\xc3\xa9\nA\n."
    yield "global-bad-utf8", b"cm\xff\nA\n."
    yield "global-dotted", b"\x80\x04\x8c\x01m\x8c\x03A.b\x93."
    yield "crlf", b"(lp0\r\n."
    yield "large-long", b"L" + b"9" * 4000 + b"L\n."


def raw_classes():
    state = b"}."
    yield "cut", b"\x80\x03cm.n\n"
    yield "cut-name", b"\x80\x03cm.n\nA"
    yield "class-only", b"\x80\x03cm.n\nA\n."
    yield "binary-class-only", b"cm.n\nA\n."
    yield "not-a-pickle", b"hello" + state
    yield "mark-class-cut", b"(cm.n\nA\n"
    yield "mark-class-list", b"(cm.n\nA\nl." + state
    yield "tuple-of-tuples", b"((U\x03m.nU\x01AttU\x01xt." + state
    yield "three-names", b"((U\x03m.nU\x01AU\x01BtNt." + state
    yield "numbers-for-names", b"((K\x01K\x02tNt." + state
    yield "instance", b"\x80\x02cm.n\nA\n)R." + state
    yield "high-name", b"cm\xc3\xa9\nA\n." + state
    yield "stack-global", b"\x80\x04\x8c\x03m.n\x8c\x01A\x93." + state
    yield "stack-global-blob", b"\x80\x04\x8c\x09ZODB.blob\x8c\x04Blob\x93." + state
    yield "framed-class", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x03m.n\x8c\x01A\x93." + state
    yield "blob-then-garbage", b"cZODB.blob\nBlob\n." + b"garbage"
    yield "blob-within-text", b"X\x0f\0\0\0cZODB.blob\nBlob." + state
    yield "blob-called", b"cZODB.blob\nBlob\n)R." + state
    yield "blob-remembered", b"cZODB.blob\nBlob\nq\x000h\x00." + state
    yield "blob-of-strings", b"\x80\x02(U\x09ZODB.blobU\x04Blobt." + state


def records():
    for (name, metadata), protocol in itertools.product(classes(), range(3)):
        if protocol or name not in ("reference-in-arguments", "metaclass"):
            record(f"metadata/{name}/{protocol}", python2(protocol, metadata, {Str(b"x"): 1}))
    for (name, state), protocol in itertools.product(states(), range(3)):
        record(f"state/{name}/{protocol}", python2(protocol, Name("m.n", "A"), state))
    for (name, state), protocol in itertools.product(structured_states(), (1, 2)):
        record(f"reference/{name}/{protocol}", python2(protocol, Name("m.n", "A"), state))
    for name, marker, state in modern_states():
        for protocol in range(4):
            for fast in (False, True):
                if protocol == 0 and name.startswith(("bytes", "binary", "reference")):
                    continue  # it has an opcode for text ids only
                data = attempt(modern, zodbpickle.pickle, protocol, marker, state, fast)
                if isinstance(data, bytes):
                    record(f"zodbpickle/{name}/{protocol}{'-fast' if fast else ''}", data)
        for protocol in (4, 5):
            data = attempt(modern, pickle, protocol, marker, state, False)
            if isinstance(data, bytes):
                record(f"pickle/{name}/{protocol}", data)
    for name, state in raw_states():
        record(f"raw/{name}", PLAIN + state)
    for name, data in raw_classes():
        record(f"raw-class/{name}", data)


# The extensions.

def extension_values():
    yield "empty", {}
    yield "one", {Str(b"request_type"): Str(b"View")}
    yield "text", {"path": "/a/\u20ac", Str(b"high"): Str(b"\xe9\xff")}
    yield "numbers", {Str(b"i"): 1, Str(b"n"): -5, Str(b"l"): Long(1 << 80), Str(b"f"): 0.25}
    yield "bools", {Str(b"t"): True, Str(b"f"): False, Str(b"n"): None}
    yield "containers", {Str(b"l"): [1, Str(b"x")], Str(b"t"): (1, 2, 3, 4), Str(b"d"): {1: 2}}
    yield "quotes", {Str(b"a'b"): Str(b'a"b\\\n\0')}
    yield "long-string", {Str(b"x" * 300): Str(b"y" * 70000)}
    yield "set", {Str(b"s"): Call(Name("__builtin__", "set"), ([1, 2],))}
    shared = Str(b"shared")
    yield "shared", {shared: shared, Str(b"again"): [shared, shared]}
    yield "tuple-keys", {(Str(b"a"), 1): ()}
    yield "no-dict", [Str(b"a")]
    yield "unknown-class", {Str(b"x"): New(Name("m.n", "A"), (), None)}


def extensions():
    for (name, value), protocol in itertools.product(extension_values(), range(3)):
        extension(f"{name}/{protocol}", Python2Pickler(protocol).dump(value).out.getvalue())
    modern = {
        "user": "\u20ac", "bytes": b"\0\xff", "n": (1 << 64, -1.5), "s": {1}, "b": [True, None]}
    for protocol in range(4):
        extension(f"zodbpickle/{protocol}", zodbpickle.pickle.dumps(modern, protocol))
    for protocol in range(6):
        extension(f"pickle/{protocol}", pickle.dumps(modern, protocol))
    extension("cut", zodbpickle.pickle.dumps(modern, 3)[:-3])
    extension("garbage", b"garbage")
    extension("trailing", zodbpickle.pickle.dumps({}, 3) + b"more")


records()
extensions()
sys.stdout.flush()
