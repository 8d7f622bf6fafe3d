"""Lets plone.recipe.zeoserver write the zeo.conf of several buildouts below a directory."""

import os
import sys

import plone.recipe.zeoserver.recipe as recipe
from plone.recipe.zeoserver.mkzeoinstance import ZEOInstanceBuilder
import zdaemon

# The recipe writes the replication section only where zc.zrs can be imported.
recipe.HAS_ZRS = True

BUILDOUTS = {
    "plain": {},
    "rotated": {"zeo-log-max-size": "5 MB", "zeo-log-old-files": "3", "pack-gc": "false",
                "pack-keep-old": "false", "zeo-address": "127.0.0.1:8100",
                "effective-user": "zope", "invalidation-queue-size": "500"},
    "no-blobs": {"blob-storage": "", "read-only": "true", "storage-number": "main"},
    "socket": {"zeo-address": "/run/zeo.sock", "zeo-log-format": "%(name)s %(message)s",
               "zeo-log-level": "warn"},
    "primary": {"replicate-to": "10.0.0.1:5000"},
    "secondary": {"replicate-from": "10.0.0.1:5000", "keep-alive-delay": "30"},
    "cascade": {"replicate-to": ":5001", "replicate-from": "10.0.0.1:5000"},
}

top = sys.argv[1]
for name, options in BUILDOUTS.items():
    home = os.path.join(top, name)
    location = os.path.join(home, "parts", "zeoserver")
    sys.stdout = sys.stderr
    ZEOInstanceBuilder().create(location, {
        "package": "zeo", "PACKAGE": "ZEO", "zodb_home": home, "instance_home": location,
        "zdaemon_home": os.path.dirname(zdaemon.__path__[0]), "address": "8100",
        "python": sys.executable})
    # The instance's own file, before the recipe replaces it.
    os.rename(os.path.join(location, "etc", "zeo.conf"), os.path.join(location, "etc", "instance.conf"))
    written = recipe.Recipe.__new__(recipe.Recipe)
    written.name = "zeoserver"
    written.buildout = {"buildout": {"directory": home}}
    written.options = dict(options, location=location)
    written.build_zeo_conf()
