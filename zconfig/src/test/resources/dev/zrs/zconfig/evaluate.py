"""Evaluates cases with ZConfig. Each line of the input file is a kind, a tab and a text in hex; each
line of the output is a result in hex, or '-' if ZConfig refuses the text."""

import io
import struct
import sys

import ZConfig.cfgparser
import ZConfig.datatypes
import ZConfig.loader
import ZConfig.substitution


def address(value):
    if isinstance(value, str):
        return "unix " + value
    host, port = value
    return "inet %s %s" % (host, port)


def simple(value):
    if isinstance(value, tuple):
        return address(value)
    if isinstance(value, list):
        return "|".join(value)
    if hasattr(value, "address"):
        return address(value.address)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex() if value == value else "nan"
    return str(value)


class Section:
    """Takes what the parser finds, without a schema."""

    def __init__(self, type_, name):
        self.lines = ["<%s %s" % (type_, name)]

    def addValue(self, key, value, position):
        self.lines.append("%s=%s" % (basic_key(key), value))


basic_key = ZConfig.datatypes.stock_datatypes["basic-key"]


class Context:
    def __init__(self):
        self.imports = []

    def startSection(self, parent, type_, name):
        return Section(type_, name)

    def endSection(self, parent, type_, name, section):
        parent.lines.extend(section.lines + [">"])

    def importSchemaComponent(self, name):
        self.imports.append("import " + name)


def document(text):
    section, context = Section("", None), Context()
    resource = ZConfig.loader.Resource(io.StringIO(text), "file:///zeo.conf")
    ZConfig.cfgparser.ZConfigParser(resource, context).parse(section)
    return "\n".join(section.lines + context.imports)


def evaluate(kind, text):
    if kind == "document":
        return document(text)
    return simple(ZConfig.datatypes.stock_datatypes[kind](text))


for line in open(sys.argv[1]):
    kind, text = line.rstrip("\n").split("\t")
    try:
        result = evaluate(kind, bytes.fromhex(text).decode()).encode().hex()
    except (ValueError, ZConfig.ConfigurationError):
        result = "-"
    print(result)
