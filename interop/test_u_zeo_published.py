"""U: ZEO's own published tests, as the installed package has them, against our program as an external server,
and, to prove the adapter, against Python's."""
import fnmatch

import pytest

from support import published

PROTOCOLS = 'Z5', 'M5'
NO_SERVER, FAILS_ON_STOCK, FAILS_ON_OURS = 'no server', 'fails on stock', 'fails on ours'

# (names, what shows that they belong here, reason). Every row is tried: a test that passes has no place here.
LEFT_OUT = [
    ('AAAA_Test_Runner_Hack.*', NO_SERVER, 'tests nothing'),
    ('Test_convenience_functions.*', NO_SERVER, 'of the client alone'),
    ('SSLConfigTestMockiavellian.*', NO_SERVER, 'of the options of Python objects'),
    ('testZeo-misc.testZEO.ClientDisconnected_errors_are_TransientErrors', NO_SERVER, 'of the client alone'),
    ('testZeo-misc.testZEO.getInvalidationsAfterServerRestart', NO_SERVER, 'calls a Python server in its process'),
    ('testZeo-misc.testZEO.multiple_storages_invalidation_queue_is_not_insane', NO_SERVER,
     'calls a Python server in its process'),
    ('testZeo-misc2.zdoptions_test', NO_SERVER, 'of the options of Python objects'),
    ('ClientSideConflictResolutionTests.test_server_side', NO_SERVER, 'calls a Python server in its process'),
    ('ClientStorage*.gc_blob_removes_uncommitted_data', NO_SERVER, 'of blobs that are not stored'),
    ('ClientStorage*.lp440234_*', NO_SERVER, 'of blobs that are not stored'),
    ('ClientAuthTests.*', FAILS_ON_STOCK, 'replaces a method of a Python server in its process'),
    ('SyncTests.*', FAILS_ON_STOCK, 'replaces a method of a Python server in its process'),
    ('threaded_server_tests.dynamic_server_ports_test', FAILS_ON_STOCK, 'wants events of a Python server in its process'),
    ('testZeo-misc2.protocols_test', FAILS_ON_STOCK, 'changes a Python server into an older one'),
    ('testZeo-zeo-fan-out.test.zeo-fan-out_test', FAILS_ON_OURS, 'a server of what another server has'),
    ('FileStorageLoadDelayedTests.*', FAILS_ON_OURS, 'a storage of the suite, written in Python'),
    ('SSLConfigTest.test_ssl_pw', FAILS_ON_OURS, 'the password is the result of a Python function'),
    ('*.testUndoConflictResolution', FAILS_ON_OURS, 'the server is to run Python classes of the suite'),
    ('*.testUndoMultipleConflictResolution*', FAILS_ON_OURS, 'the server is to run Python classes of the suite'),
]

# What ./test runs of it: all of races, invalidation queues, reconnections and blobs. The two large classes of
# blobs share the protocols.
SHORT = {
    'Z5': ['FileStorageReconnectionTests.*', 'FileStorageInvqTests.*', 'FileStorageTimeoutTests.*',
           'ZEO-Connection-DocTests.*', 'ClientStorage*SharedBlobs*', 'ClientConflictResolutionTests.*',
           'BlobAdaptedFileStorageTests.*', 'testZeo-misc2.*'],
    'M5': ['FileStorageReconnectionTests.*', 'FileStorageInvqTests.*', 'ZEO-Connection-DocTests.*',
           'BlobWritableCacheTests.*', 'ClientConflictResolutionTests.*'],
}

NAMES = published.names()


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def is_left_out(name):
    return matches(name, [row[0] for row in LEFT_OUT])


def selection(program):
    for protocol in PROTOCOLS:
        for name in NAMES:
            if not is_left_out(name):
                short = program == 'ours' and matches(name, SHORT[protocol])
                yield pytest.param(published.Wanted(program, protocol, name), id='%s-%s' % (protocol, name),
                                   marks=[] if short else pytest.mark.long_only)


def tried():
    """Of each row of those left out, the tests that show that it belongs there."""
    for pattern, shown_by, _ in LEFT_OUT:
        found = [name for name in NAMES if matches(name, [pattern])]
        program = 'ours' if shown_by == FAILS_ON_OURS else 'stock'
        yield pytest.param(
            shown_by, [published.Wanted(program, 'Z5', name) for name in found[:None if shown_by == NO_SERVER else 1]],
            id=pattern, marks=[] if shown_by == NO_SERVER else pytest.mark.long_only)


@pytest.fixture(scope='module')
def runs(request):
    """Runs what the tests that were chosen here want."""
    wanted = []
    for item in request.session.items:
        if item.module is request.module and hasattr(item, 'callspec'):
            parameters = item.callspec.params
            wanted += parameters.get('tries', []) or [parameters['wanted']]
    running = published.Runs(wanted)
    yield running
    running.close()


def check(outcome):
    assert not outcome['failure'], outcome['failure']
    assert not outcome['skipped'], 'skipped: ' + outcome['skipped']
    assert outcome['servers'], 'it has started no server'


@pytest.mark.parametrize('wanted', list(selection('ours')))
def test_against_ours(runs, wanted):
    check(runs.outcome(wanted))


@pytest.mark.parametrize('wanted', list(selection('stock')))
def test_against_python_s(runs, wanted):
    check(runs.outcome(wanted))


@pytest.mark.parametrize('shown_by, tries', list(tried()))
def test_what_is_left_out_belongs_there(runs, shown_by, tries):
    assert tries, 'the suite has no such test'
    for wanted in tries:
        outcome = runs.outcome(wanted)
        if shown_by == NO_SERVER:
            assert not outcome['failure'] and not outcome['servers'], wanted
        else:
            assert outcome['failure'], '%s passes' % wanted.name


def test_enough_of_it_is_chosen():
    short = [param for param in selection('ours') if not param.marks]
    assert len(short) >= 150
    assert not [pattern for patterns in SHORT.values() for pattern in patterns
                if not any(matches(name, [pattern]) for name in NAMES)]
