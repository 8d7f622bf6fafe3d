"""Many clients at once: every sum is right in every snapshot, every view is a state that existed, and no cache is
ever behind the server."""
import json
import os
import subprocess

import pytest
import ZODB
from persistent.TimeStamp import TimeStamp
from ZODB.FileStorage import FileStorage
from ZODB.scripts import fstest

import test_c_commits
from peers import stale, stress
from support import servers
from support.processes import Helpers


def test_sums_are_right_in_every_snapshot_and_every_view_existed(cluster, long):
    """Counters, moves between accounts, chains, inserts into trees and removals."""
    processes, threads, seconds = (8, 4, 600) if long else (4, 2, 25)
    server = cluster('server').start()
    subprocess.run([servers.CURRENT, stress.__file__, 'prepare', str(server.port), server.folder], check=True,
                   timeout=60)
    with Helpers(server) as helpers:
        for i in range(processes):
            helpers.start(stress.__file__, 'work', server.port, server.folder, 'p%d' % i, threads, seconds)
        helpers.go()
        outputs = [json.loads(output) for output in helpers.outputs(seconds + 300)]
    assert not any(output['failures'] for output in outputs), [o['failures'] for o in outputs if o['failures']][0]
    results = [result for output in outputs for result in output['results']]
    assert len(results) == processes * threads

    def total(kind):
        return sum(result[kind] for result in results)

    print('%d clients: %s' % (len(results), {k: total(k) for k in (
        'move', 'count', 'insert', 'conflicts', 'looks', 'compared')}))
    assert min(result['looks'] for result in results) > 5, [result['looks'] for result in results]
    assert server.stop() == 0
    for name in (n for n in os.listdir(server.folder) if n.startswith('looks-')):
        with open(os.path.join(server.folder, name)) as f:
            assert len(f.readlines()) > 5, name
    check_end(server, results, total)
    check_views(server, total('looks'))
    fstest.check(server.file)


def check_end(server, results, total):
    """Nothing that was acknowledged is missing, and nothing else is there."""
    db = ZODB.DB(FileStorage(server.file, read_only=True))
    connection = db.open()
    root = connection.root()
    assert sum(counter['n'] for counter in root['counters'].values()) == total('count')
    assert sum(length() for length in root['lengths'].values()) == total('count')
    for i, chain in root['chains'].items():
        assert chain['a']['n'] == sum(result['chain'][i] for result in results)
    for i, tree in root['trees'].items():
        assert sorted(tree['keys']) == sorted(key for result in results for key in result['keys'][str(i)])
        tree['keys']._check()
    transactions = sum(1 for t in db.storage.iterator()
                       if t.description.endswith((b' move', b' count', b' chain', b' insert')))
    assert transactions == (total('move') + total('count') + total('insert')
                            + sum(sum(result['chain']) for result in results))
    connection.close()
    db.close()


def views(folder):
    """[(snapshot, digest of the values, tree, digest of its keys)] of all clients, in the order of the file."""
    found = []
    for name in os.listdir(folder):
        if name.startswith('looks-'):
            with open(os.path.join(folder, name)) as f:
                found += [tuple(line.split()) for line in f]
    return sorted(found)


def check_views(server, looks):
    """Each view is what the transactions before its snapshot left; this is read from the file by ZODB."""
    noted = views(server.folder)
    assert len(noted) == looks
    with open(os.path.join(server.folder, 'tracked')) as f:
        oids = [bytes.fromhex(oid) for oid in json.load(f)]
    place = {oid: i for i, oid in enumerate(oids)}
    values = [None] * len(oids)
    storage = FileStorage(server.file, read_only=True)
    transactions = storage.iterator()
    following = next(transactions, None)
    for start, digest, _, _ in noted:
        while following is not None and following.tid < bytes.fromhex(start):
            for record in following:
                if record.oid in place:
                    state = test_c_commits.state(record.data)
                    values[place[record.oid]] = state['data']['n'] if isinstance(state, dict) else state
            following = next(transactions, None)
        assert stress.digest(values) == digest, 'no such state: a view at ' + start
    # Trees are read through a database as of that moment: some of them.
    db = ZODB.DB(storage)
    for start, _, tree, digest in noted[::len(noted) // 60 + 1]:
        connection = db.open(before=TimeStamp(bytes.fromhex(start)).raw())
        keys = list(connection.root()['trees'][int(tree)]['keys'])
        assert stress.digest(keys) == digest, 'no such tree: a view at ' + start
        connection.close()
    db.close()


def stale_looks(server, looks, processes=2, threads=4):
    """(looks, those that saw something stale)."""
    clients = processes * threads
    subprocess.run([servers.CURRENT, stale.__file__, 'prepare', str(server.port), server.folder, str(clients)],
                   check=True, timeout=60)
    with Helpers(server) as helpers:
        for i in range(processes):
            helpers.start(stale.__file__, 'look', server.port, server.folder, i * threads, threads, clients,
                          looks // processes)
        outputs = [json.loads(output) for output in helpers.outputs(1800)]
    return sum(output['looks'] for output in outputs), [line for output in outputs for line in output['stale']]


def test_no_cache_is_behind_the_server_after_a_commit(cluster, long):
    looks, found = stale_looks(cluster('server').start(), 100_000 if long else 5_000)
    print('%d looks, %d stale' % (looks, len(found)))
    assert looks >= (100_000 if long else 5_000)
    assert not found, '%d of %d looks, first: %s' % (len(found), looks, found[0])


@pytest.mark.long_only
def test_the_check_for_stale_caches_finds_those_of_the_stock_server(cluster):
    """With uvloop it sends the reply to a later commit before the invalidation of an earlier one."""
    server = cluster('stock', servers.RUNZEO_CURRENT).start()
    looked, found = 0, []
    while not found and looked < 50_000:
        looks, found = stale_looks(server, 2_000)
        looked += looks
    print('%d looks, %d stale: %s' % (looked, len(found), found[:1]))
    assert found, 'not found in %d looks' % looked
