"""B: what replication promises in each direction; longer rounds are in test_r_rounds.py."""
import random
import shutil
import threading
import time

import pytest
import transaction
import ZEO
import ZODB
from ZODB.POSException import ReadOnlyError

from support import compare, databases, servers
from support.chains import chain, cut_torn_tail, last_tid, remove_uncommitted_blobs
from support.servers import RUNZEO, ZRS

COMMITS = 500
DIRECTIONS = {
    'zrs to zc.zrs': [ZRS, RUNZEO],
    'zc.zrs to zrs': [RUNZEO, ZRS],
    'zrs to zrs to zrs': [ZRS, ZRS, ZRS],
}
# Never packed, the first two are in a round of test_r_rounds.py.
CHAINS = [(direction, True) for direction in DIRECTIONS] + [('zrs to zrs to zrs', False)]


class Writer(threading.Thread):
    """Commits until it has done so often enough, again and again where the server goes away."""

    def __init__(self, server, count):
        super().__init__(daemon=True)
        self.server, self.count, self.done, self.error = server, count, 0, None
        self.acknowledged = []

    def run(self):
        rnd = random.Random(7)
        try:
            while self.done < self.count:
                try:
                    self.write(rnd)
                except Exception as e:  # the server was killed: any error that ZEO has for that
                    self.error = e
                    transaction.abort()
                    time.sleep(0.2)
        except BaseException as e:
            self.error = e
            raise

    def write(self, rnd):
        db = ZODB.DB(ZEO.client(self.server.address, wait_timeout=30, blob_dir=self.server.folder + '/client-blobs'))
        connection = db.open()
        try:
            while self.done < self.count:
                databases.commits(connection, 1, rnd, start=self.done)
                self.acknowledged.append(connection.root()['live']._p_jar.db().lastTransaction())
                self.done += 1
        finally:
            transaction.abort()
            connection.close()
            db.close()


@pytest.mark.parametrize('direction, packed', CHAINS,
                         ids=['%s, %s' % (name, 'packed' if packed else 'never packed') for name, packed in CHAINS])
def test_a_secondary_becomes_equal(cluster, tmp_path, direction, packed):
    commands = DIRECTIONS[direction]
    nodes = chain(cluster, commands)
    primary, secondary = nodes[0], nodes[1]
    databases.make(tmp_path / 'made.fs', tmp_path / 'made-blobs', objects=1500, pack=packed)
    shutil.move(tmp_path / 'made.fs', primary.file)
    shutil.move(tmp_path / 'made-blobs', primary.blobs)
    for node in nodes:
        node.start()
    logs = lambda: ''.join(node.read_logs() for node in nodes)  # noqa: E731

    writer = Writer(primary, COMMITS)
    writer.start()
    for victim, at in ((secondary, COMMITS // 5), (primary, COMMITS // 2), (secondary, COMMITS * 4 // 5)):
        servers.wait_for('%d commits' % at, lambda at=at: writer.done >= at, 120, logs)
        victim.kill()
        if victim.is_python and victim is secondary:
            cut_torn_tail(victim.file)
        victim.start()
    writer.join(120)
    assert writer.done == COMMITS, (writer.error, logs())
    for node in nodes[1:]:
        servers.wait_for('%s has caught up' % node.folder,
                         lambda node=node: node.size() == primary.size(), 120, logs)

    for node in reversed(nodes):
        node.stop()
    acknowledged = set(writer.acknowledged)
    in_file = [t[1] for t in compare.transactions(primary.file)]
    assert in_file == sorted(set(in_file))
    assert acknowledged <= set(in_file)
    if primary.command is RUNZEO:
        remove_uncommitted_blobs(primary)
    for node in nodes[1:]:
        python = node.command is RUNZEO
        compare.same_files(primary.file, node.file, packed=packed, python_second=python)
        compare.same_blobs(primary.blobs, node.blobs, python_second=python)


@pytest.mark.parametrize('direction', ['zrs to zc.zrs', 'zc.zrs to zrs'])
def test_without_blobs_the_older_protocol_is_spoken(cluster, direction):
    primary, secondary = chain(cluster, DIRECTIONS[direction], blobs=False)
    databases.make(primary.file, objects=300, pack=False)
    primary.start()
    secondary.start()
    db = ZODB.DB(ZEO.client(primary.address, wait_timeout=30))
    databases.commits(db.open(), 30, random.Random(3), blobs=False)
    db.close()
    servers.wait_for('replicated', lambda: secondary.size() == primary.size(), 60,
                     lambda: primary.read_logs() + secondary.read_logs())
    secondary.stop()
    primary.stop()
    compare.same_files(primary.file, secondary.file)


def test_a_client_of_a_secondary_reads_and_may_not_write(cluster):
    primary, secondary = chain(cluster, [ZRS, ZRS])
    primary.start()
    secondary.start()
    db = ZODB.DB(ZEO.client(primary.address, wait_timeout=30))
    writing = db.open()
    writing.root()['value'] = 0
    transaction.commit()
    servers.wait_for('replicated', lambda: secondary.size() == primary.size(), 30, secondary.read_logs)

    manager = transaction.TransactionManager()
    reading_db = ZODB.DB(ZEO.client(secondary.address, wait_timeout=30, read_only_fallback=True))
    reading = reading_db.open(manager)
    assert reading.root()['value'] == 0
    for value in range(1, 20):
        writing.root()['value'] = value
        transaction.commit()

        def told():
            manager.begin()
            return reading.root()['value'] == value
        servers.wait_for('the invalidation of %d' % value, told, 10, secondary.read_logs)
    reading.root()['value'] = 'mine'
    with pytest.raises(ReadOnlyError):
        manager.commit()
    manager.abort()
    reading_db.close()
    db.close()
    assert last_tid(primary.file) == last_tid(secondary.file)
