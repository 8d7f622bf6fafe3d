"""Logs messages of the given lengths to a rotating file, reopening it at each 0."""

import logging
import sys

from ZConfig.components.logger.loghandler import RotatingFileHandler

path, size, count, lengths = sys.argv[1:]
handler = RotatingFileHandler(path, maxBytes=int(size), backupCount=int(count), encoding="utf-8")
handler.setFormatter(logging.Formatter("%(message)s"))
for number, length in enumerate(map(int, lengths.split(","))):
    if length:
        text = ("%d " % number) + "\u00e9" * length
        handler.emit(logging.makeLogRecord(dict(msg=text)))
    else:
        handler.reopen()
handler.close()
