"""runzeo with zc.zrs as they are, but a secondary reconnects after a second instead of 60."""
import sys

import zc.zrs.secondary
import zc.zrs.zconfig  # noqa: F401  (it looks Secondary up when a storage is opened)
import ZEO.runzeo


class QuickSecondary(zc.zrs.secondary.Secondary):

    def __init__(self, *args, **kw):
        super().__init__(*args, reconnect_delay=1, **kw)


zc.zrs.secondary.Secondary = QuickSecondary
ZEO.runzeo.main(sys.argv[1:])
