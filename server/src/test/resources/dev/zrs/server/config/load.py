"""Loads each *.conf of a directory as runzeo does, and prints its name and what is in it, or '-' if it is refused."""

import os
import sys

import ZConfig
import ZEO

schema = ZConfig.loadSchema(os.path.join(os.path.dirname(ZEO.__file__), "schema.xml"))


def shown(config):
    zeo = config.zeo
    address = zeo.address.address
    parts = [address if isinstance(address, str) else "%s:%s" % (address[0] or "", address[1] or 0),
             str(zeo.read_only), str(zeo.invalidation_queue_size)]
    for storage in config.storages:
        parts.append("%s=%s" % (storage.name or "1", getattr(storage.config, "path", "")))
    if config.eventlog is not None:
        parts.append("level %d" % config.eventlog.level)
        for factory in config.eventlog.handler_factories:
            factory.create_formatter()
            parts.append("%s %d" % (getattr(factory.section, "path", "syslog"), factory.getLevel()))
    return "|".join(parts)


os.chdir(sys.argv[1])
for name in sorted(os.listdir(".")):
    if name.endswith(".conf"):
        try:
            result = shown(ZConfig.loadConfig(schema, os.path.abspath(name))[0])
        except (ZConfig.ConfigurationError, ValueError, KeyError, TypeError, ImportError):
            result = "-"
        print(name + " " + result)
