"""Logs a message at each of the given seconds to a file that is rotated by time; at 'r' the file is opened again."""

import logging
import logging.handlers
import os
import sys
import time

from ZConfig.components.logger.loghandler import TimedRotatingFileHandler

zone, path, when, interval, count, times = sys.argv[1:]
os.environ["TZ"] = zone
time.tzset()
now = 0
time.time = lambda: now
handler = TimedRotatingFileHandler(path, when=when, interval=int(interval), backupCount=int(count), encoding="utf-8")
handler.setFormatter(logging.Formatter("%(message)s"))
for at in times.split(","):
    if at == "r":
        handler.reopen()
    else:
        now = int(at)
        handler.emit(logging.makeLogRecord(dict(msg="at " + at)))
handler.close()
