"""What Python's programs see in ZooKeeper and do there: kazoo, and zc.zk as it is after 2to3.

Reads orders, one JSON list [NAME, ARGUMENT…] in a line, and answers each with one line: ["ok", RESULT] or
["error", TEXT].
"""
import collections
import collections.abc
import json
import socket
import sys
import threading

import kazoo.client
import kazoo.exceptions
from kazoo.security import OPEN_ACL_UNSAFE, make_digest_acl

# What 2to3 can't know: the base classes have moved, and what is sent and received are bytes.
collections.Mapping = collections.abc.Mapping
import zc.zk  # noqa: E402

encode, decode = zc.zk.encode, zc.zk.decode
zc.zk.encode = lambda properties: encode(properties).encode()
zc.zk.decode = lambda data, path='?': decode(data.decode('utf-8', 'replace'), path)


class Peer:

    def __init__(self, connection_string, session):
        self.connection_string = connection_string
        self.kazoo = self.client(session)
        self.made = None
        self.lock = threading.Lock()
        self.events = []  # guarded by the lock
        self.watches = []

    def client(self, session):
        client = kazoo.client.KazooClient(self.connection_string, timeout=session)
        client.start(60)
        return client

    @property
    def zk(self):
        if self.made is None:
            self.made = zc.zk.ZooKeeper(self.connection_string)
        return self.made

    # kazoo

    def ensure(self, path):
        self.kazoo.ensure_path(path)

    def children(self, path):
        """None if there is no such node."""
        try:
            return sorted(self.kazoo.get_children(path))
        except kazoo.exceptions.NoNodeError:
            return None

    def get(self, path):
        data, stat = self.kazoo.get(path)
        acls = [[acl.perms, acl.id.scheme] for acl in self.kazoo.get_acls(path)[0]]
        return {'data': data.decode('latin-1'), 'owner': stat.ephemeralOwner, 'made': stat.czxid, 'acls': acls}

    def create(self, path, data='', ephemeral=False):
        self.kazoo.create(path, data.encode('latin-1'), acl=OPEN_ACL_UNSAFE, ephemeral=ephemeral)

    def fill(self, path, length):
        self.kazoo.set(path, b'x' * length)

    def delete(self, path):
        while True:
            try:
                return self.kazoo.delete(path, recursive=True)
            except kazoo.exceptions.NotEmptyError:
                pass  # somebody registered meanwhile

    def protect(self, path, user, password):
        """A node in which only one who knows the password may make others."""
        self.kazoo.create(path, makepath=True, acl=[make_digest_acl(user, password, all=True)])

    def login(self, user, password):
        self.kazoo.add_auth('digest', '%s:%s' % (user, password))

    def try_connections(self, path):
        """From now on, connects at once to each address that appears below the path, and keeps how that went."""
        known = set()

        @self.kazoo.ChildrenWatch(path)
        def seen(names):
            for name in set(names) - known:
                host, port = name.rsplit(':', 1)
                try:
                    socket.create_connection((host, int(port)), 30).close()
                    result = 'accepts'
                except OSError as e:
                    result = str(e)
                with self.lock:
                    self.events.append([name, result])
            known.clear()
            known.update(names)

    def seen(self):
        with self.lock:
            return self.events

    # zc.zk

    def import_tree(self, text):
        self.zk.import_tree(text, trim=False)

    def export_tree(self, path):
        return self.zk.export_tree(path, ephemeral=True)

    def register(self, path, address, properties=None):
        self.zk.register(path, address, **(properties or {}))

    def unregister(self):
        """Ends zc.zk's session."""
        self.zk.close()
        self.made = None

    def properties(self, path):
        return dict(self.zk.properties(path, watch=False).data)

    def watch_children(self, path):
        """From now on, keeps what zc.zk's callback is told."""
        children = self.zk.children(path)
        self.watches.append(children)

        @children
        def told(children):
            with self.lock:
                self.events.append(sorted(name.decode() for name in children))


def main(connection_string, session):
    peer = Peer(connection_string, float(session))
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = ['ok', getattr(peer, name)(*arguments)]
        except Exception as e:
            answer = ['error', '%s: %s' % (type(e).__name__, e)]
        print(json.dumps(answer), flush=True)


main(*sys.argv[1:])
