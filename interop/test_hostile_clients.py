"""ZEO clients that mean harm: what they say ends their own connection at most, with one line in the log, leaves nothing
behind, and the good clients beside them notice nothing."""
import collections
import json
import os
import re
import struct
import subprocess
import threading

import pytest

from peers import stress
from support import bad_messages, jvm, servers
from support.bad_messages import ENDS, ERROR, FINE, GONE, GREETED, NEW, REGISTERED
from support.processes import Helpers
from support.stranger import Stranger

pytestmark = pytest.mark.ours

GOOD = 4


def end_of(address, kind):
    """Has a stranger do its worst; (its port, what came of it)."""
    name, outcome, state, only, act = kind
    s = Stranger(address, greet=state != NEW, register=state == REGISTERED)
    try:
        if only not in (None, s.greeting[:1].decode()):
            return None
        result = act(s)
        if outcome == GONE:
            return s, GONE
        if outcome == ENDS:
            return s, ENDS if s.is_closed() else 'still open'
        failed = result[0]
        # It goes on, and so whatever it has begun is ended by its end.
        s.require('ping')
        return s, ERROR if failed else FINE
    except EOFError:
        return s, 'closed, with an error or a result expected'
    finally:
        s.close()


def complaints(log, start, ports):
    """{port: the warnings and errors from a position on that name it}; all lines must be ones that our program can
    have written."""
    found = collections.defaultdict(list)
    with open(log, encoding='utf-8', errors='strict', newline='\n') as f:
        f.seek(start)
        for line in f:
            assert line == '------\n' or re.match(r'\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ', line), line[:300]
            assert not re.search(r'[\x00-\x08\x0b-\x1f\x7f]', line), line[:300]
            # How many wait for the commit lock is said at each vote, of good clients too.
            if re.match(r'\S+ (WARNING|ERROR|CRITICAL) ', line) and 'transactions waiting:' not in line:
                for port in re.findall(r'127\.0\.0\.1:(\d+)', line)[:1]:
                    if int(port) in ports:
                        found[int(port)].append(line)
    assert not found_forged(log)
    return found


def found_forged(log):
    """Lines that a client made up."""
    with open(log, errors='replace', newline='\n') as f:
        return [line for line in f if re.match(r'\S* ?\S* ?ZEO forged line|forged line', line)]


@pytest.mark.parametrize('encoding', ['Z', pytest.param('M', marks=pytest.mark.long_only)])
def test_bad_messages_end_their_own_connection_and_leave_nothing(cluster, long, monkeypatch, tmp_path, encoding):
    server = cluster('server', zeo='msgpack true' if encoding == 'M' else '')
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    jvm.start_with(server, monkeypatch,
                   '%s -Djava.io.tmpdir=%s' % (os.environ.get('ZRS_JAVA_OPTS', ''), temporary))
    subprocess.run([servers.CURRENT, stress.__file__, 'prepare', str(server.port), server.folder], check=True,
                   timeout=60)
    pid = server.process.pid
    kinds = [k for k in bad_messages.KINDS if k[3] in (None, encoding)]
    assert bad_messages.PATIENT <= {k[0] for k in kinds}
    assert len(kinds) >= 100 and len({k[0] for k in kinds}) == len(kinds)
    # Once for nothing: what the program needs only once is there then. Who tries its patience comes later.
    attack(server, [k for k in kinds if k[0] not in bad_messages.PATIENT])
    servers.wait_for('the strangers have gone', lambda: jvm.status(server)['connections'] == 0, 60, server.read_logs)
    before = jvm.retained(pid)
    seconds = 120 if long else 20
    with Helpers(server) as helpers:
        for i in range(GOOD):
            helpers.start(stress.__file__, 'work', server.port, server.folder, 'good%d' % i, 1, seconds)
        helpers.go()
        over = threading.Event()
        rounds = 0
        while not over.is_set():
            attack(server, kinds)
            rounds += 1
            if all(process.poll() is not None for process, _ in helpers.running):
                over.set()
        outputs = [json.loads(output) for output in helpers.outputs(seconds + 120)]
    failures = [failure for output in outputs for failure in output['failures']]
    assert not failures, failures[0] + server.read_logs()
    looks = [result['looks'] for output in outputs for result in output['results']]
    print('%d kinds, %d rounds beside good clients that looked %s times' % (len(kinds), rounds, looks))
    assert len(looks) == GOOD and min(looks) > 5
    nothing_is_left(server, temporary)
    after = jvm.retained(pid)
    print('retained %d KB, %d KB before' % (after // 1024, before // 1024))
    # One connection that stayed, or one large message, would be more.
    assert after < before + (8 << 20)
    assert 'OutOfMemory' not in server.read_logs()
    assert server.stop() == 0


def attack(server, kinds):
    """Each kind once, some at a time; each ends as it must, with one line of the log."""
    # The system gives the ports of an earlier attack to new ones.
    start = os.path.getsize(server.log)
    results, lock = [], threading.Lock()
    waiting = list(reversed(kinds))

    def run():
        while True:
            with lock:
                if not waiting:
                    return
                kind = waiting.pop()
            try:
                result = end_of(server.address, kind)
            except Exception as e:
                result = None, '%s: %s' % (type(e).__name__, e)
            with lock:
                results.append((kind, result))

    # Those that wait for the end of the server's patience do so beside the others.
    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = ['%s: %s instead of %s' % (kind[0], outcome, kind[1]) for kind, (_, outcome) in results
             if outcome != kind[1]]
    assert not wrong, '\n'.join(wrong)
    assert len(results) == len(kinds)
    by_port = complaints(server.log, start, {s.port for _, (s, _) in results}
                         | {s.ended_beside for _, (s, _) in results if hasattr(s, 'ended_beside')})
    # The system may give a port to another one when the first has gone.
    at_port = {}
    for (name, outcome, *_), (s, _) in results:
        at_port.setdefault(s.port, []).append((name, outcome))
    wrong = []
    for port, strangers in at_port.items():
        lines, names = by_port[port], ', '.join(name for name, _ in strangers)
        ended = [line for line in lines if 'closing the connection of' in line]
        # What a request lacks may have a line too: Python's, which log watchers know.
        if (len(ended) != sum(outcome == ENDS for _, outcome in strangers)
                or len(lines) > len(ended) + len(strangers)):
            wrong.append('%s: %s' % (names, [line[:300] for line in lines[:4]]))
        wrong += ['%s: a line of %d bytes' % (names, len(line)) for line in lines if len(line) > 2_000]
    assert not wrong, '\n'.join(wrong)


def nothing_is_left(server, temporary=None):
    """No connection, thread, lock, file."""
    pid = server.process.pid
    servers.wait_for('all connections have ended', lambda: jvm.status(server)['connections'] == 0, 60, server.read_logs)
    status = jvm.status(server)
    assert status['waiting'] == 0 and status['active_txns'] == 0 and status['lock_time'] is None, status
    # Those that served them end when they have been idle for a while.
    servers.wait_for('their threads have ended', lambda: not jvm.threads(pid, r'^zeo (?!.*(accept|timer))'), 60,
                     lambda: '\n'.join(jvm.threads(pid, '')))
    if temporary:
        assert not [name for name in os.listdir(temporary) if name.startswith('zrs-')]
        assert os.listdir(os.path.join(server.blobs, 'tmp')) == []
    left = [path for path in jvm.files(pid) if 'zrs-transaction' in path or '/tmp/' in path and '(deleted)' in path]
    assert not left, left


def ended(server):
    """How many connections were ended because all together held too much."""
    with open(server.log) as f:
        return sum('disconnecting' in line and 'of all connections' in line for line in f)


def test_large_messages_that_never_end_do_not_take_the_memory_of_others(cluster, monkeypatch):
    """Each is below the limit of a message; together they are more than there is."""
    server = cluster('server', blobs=False)
    jvm.start_with(server, monkeypatch, '-Xmx96m')
    good = Stranger(server.address)
    oid = good.new_oid()
    serial = good.commit(oid)
    strangers = [Stranger(server.address) for _ in range(12)]
    # A third of the heap is for all of them, and a buffer that is full grows to twice its size.
    piece = bytes(1 << 20)
    for s in strangers:
        s.raw(struct.pack('>I', 100 << 20))
    for _ in range(9):
        for s in strangers:
            s.raw(piece)
        serial = good.commit(oid, bytes(100_000), serial)

    servers.wait_for('those that hold most are ended', lambda: ended(server) >= len(strangers) - 3, 60, server.read_logs)
    serial = good.commit(oid, bytes(1 << 20), serial)
    data, current, _ = good.require('loadBefore', oid, bad_messages.MAX)
    assert current == serial and len(data) == 1 << 20
    assert ended(server) <= len(strangers)
    for s in strangers:
        s.close()
    good.close()
    nothing_is_left(server)
    assert server.stop() == 0


def test_clients_that_ask_and_do_not_read_do_not_take_the_memory_of_others(cluster, monkeypatch):
    server = cluster('server', blobs=False)
    jvm.start_with(server, monkeypatch, '-Xmx96m')
    good = Stranger(server.address)
    oid = good.new_oid()
    serial = good.commit(oid, bytes(200_000))
    strangers = [Stranger(server.address) for _ in range(60)]
    for s in strangers:
        # What the system takes for them, and as much again as may wait in the server.
        for _ in range(60):
            s.send('loadBefore', oid, bad_messages.MAX)

    servers.wait_for('some are ended', lambda: ended(server) >= 10, 60, server.read_logs)
    for i in range(20):
        serial = good.commit(oid, bytes(100_000), serial)
    assert good.require('loadBefore', oid, bad_messages.MAX)[1] == serial
    for s in strangers:
        s.close()
    good.close()
    nothing_is_left(server)
    assert server.stop() == 0


def test_a_large_answer_leaves_no_memory_with_the_connection(cluster):
    server = cluster('server', blobs=False).start()
    strangers = [Stranger(server.address) for _ in range(20)]
    oid = strangers[0].new_oid()
    strangers[0].commit(oid, bytes(4 << 20))
    before = jvm.retained(server.process.pid)
    for s in strangers:
        assert len(s.require('loadBefore', oid, bad_messages.MAX)[0]) == 4 << 20
    after = jvm.retained(server.process.pid)
    print('%d KB more after %d large answers' % ((after - before) // 1024, len(strangers)))
    assert after < before + (8 << 20)
    for s in strangers:
        s.close()
    assert server.stop() == 0
