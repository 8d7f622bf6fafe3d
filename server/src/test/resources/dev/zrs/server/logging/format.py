"""Formats a record with each format of the input file (in hex), as ZConfig's log handlers do. Each
line of the output is the result in hex, or '-' if ZConfig refuses the format. The other arguments
are 'lines' and a style, or 'dates' and a time zone: then the lines are date formats."""

import logging
import os
import sys
import time
from types import SimpleNamespace

from ZConfig.components.logger import formatter

RECORD = dict(
    name="ZEO.StorageServer", levelno=30, levelname="WARNING", pathname="/a/Server.java",
    filename="Server.java", module="Server", lineno=42, funcName="run", created=1700000000.123456,
    msecs=123.0, relativeCreated=1234.5678, thread=17, threadName="zeo 1 reader", process=4711,
    processName="MainProcess", msg="it's \u00e9\tdone", args=(), exc_info=None)


def lines():
    return [bytes.fromhex(line.strip()).decode() for line in open(sys.argv[1])]


def formatted(text):
    section = SimpleNamespace(format=text, dateformat="DATE", style=sys.argv[3], formatter=None,
                              arbitrary_fields=False)
    made = formatter.FormatterFactory(section)()
    return made.format(logging.makeLogRecord(RECORD))


def results():
    if sys.argv[2] == "dates":
        os.environ["TZ"] = sys.argv[3]
        time.tzset()
        for seconds in (1700000000.75, 1704067199.0, 1104537600.5, 1718000000.25, 951782400.0):
            record = logging.makeLogRecord(dict(RECORD, created=seconds, msecs=seconds % 1 * 1000 // 1))
            for text in lines():
                yield logging.Formatter("%(asctime)s", text).formatTime(record, text)
        return
    for text in lines():
        try:
            yield formatted(text)
        except (ValueError, KeyError, TypeError, IndexError):
            yield None


for result in results():
    print("-" if result is None else "=" + result.encode().hex())
