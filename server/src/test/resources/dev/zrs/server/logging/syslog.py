"""Sends messages of each level with Python's own handler to an address: a path, or HOST:PORT."""

import logging
import sys
from types import SimpleNamespace

import ZODB.loglevels  # adds the names of the levels that Python lacks
from ZConfig.components.logger import handlers

target, facility = sys.argv[1:]
host, _, port = target.rpartition(":")
address = target if "/" in target else (host, int(port))
handler = handlers.SyslogHandlerFactory(SimpleNamespace(
    address=SimpleNamespace(address=address), facility=facility, format="%(name)s %(message)s", dateformat="",
    style="classic", formatter=None, arbitrary_fields=False, level=0))()
for level in 5, 10, 20, 30, 40, 50:
    handler.handle(logging.makeLogRecord(dict(
        name="ZEO", levelno=level, levelname=logging.getLevelName(level), msg="it's \u00e9\nand \u20ac")))
