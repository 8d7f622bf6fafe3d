"""Kinds of messages that no client of ZEO sends, each with what must come of it:

ENDS: the server ends the connection, and says once in its log why;
ERROR: the reply is an error, and the connection can go on;
FINE: there is nothing wrong with it after all, and the connection can go on;
GONE: the client itself has gone away in the midst.

A kind gets a Stranger; for ERROR and FINE it returns what its last call returned.
"""
import base64
import pickle
import struct
import time

import msgpack

ENDS, ERROR, FINE, GONE = 'ENDS', 'ERROR', 'FINE', 'GONE'
Z64 = bytes(8)
# As what stands for the current revision.
MAX = b'\x7f' + b'\xff' * 7
MESSAGE_LIMIT = 256 << 20
# Those that take as long as the server waits for a greeting.
PATIENT = {'greeting_that_never_comes', 'greeting_that_never_ends'}

# Kinds that begin before the greeting, those before a storage is chosen, and all others.
NEW, GREETED, REGISTERED = 'new', 'greeted', 'registered'
KINDS = []


def kind(outcome, state=REGISTERED, only=None):
    """only: 'Z' or 'M' for what can be said in one encoding only."""
    def add(function):
        KINDS.append((function.__name__, outcome, state, only, function))
        return function
    return add


def kinds(name, outcome, cases, state=REGISTERED, only=None):
    """One kind for each case, a function of a Stranger."""
    for i, case in enumerate(cases):
        KINDS.append(('%s %d' % (name, i + 1), outcome, state, only, case))


# The greeting.
def greetings(*answers):
    return [lambda s, answer=answer: s.frame(answer) for answer in answers]


kinds('greeting', ENDS, greetings(
    b'Z4', b'Z6', b'X5', b'Z', b'', b'Z5 ', b'Z5\0', b'z5', b'x' * 64, b'\xff' * 40,
    b'Z5\n2026-01-01T00:00:00 CRITICAL ZEO forged line'), NEW)


@kind(ENDS, NEW)
def greeting_beyond_64_bytes(s):
    s.frame(b'Z5' + bytes(63))


@kind(ENDS, NEW)
def greeting_of_4_gigabytes(s):
    s.raw(b'\xff\xff\xff\xffZ5')


@kind(ENDS, NEW)
def greeting_of_http(s):
    s.raw(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')


@kind(ENDS, NEW)
def greeting_of_tls(s):
    s.raw(bytes.fromhex('16030100c8010000c40303') + bytes(190))


@kind(ENDS, NEW)
def greeting_of_the_other_encoding(s):
    # A server may well take it.
    s.frame(b'M5' if s.pickles else b'Z5')
    s.frame(b'')


@kind(ENDS, NEW)
def greeting_that_never_comes(s):
    """The server's limit is 30 s."""


@kind(ENDS, NEW)
def greeting_that_never_ends(s):
    s.raw(b'\0\0')


@kind(GONE, NEW)
def greeting_cut_short(s):
    s.raw(b'\0\0\0\2Z')
    s.close()


@kind(GONE, NEW)
def status_asked_for_again_and_again(s):
    s.frame(b'ruok')
    for _ in range(100):
        s.frame(b'ruok')
    s.close()


@kind(ENDS, GREETED)
def request_before_a_storage_is_chosen(s):
    s.send('loadBefore', Z64, MAX)


@kind(ENDS, GREETED)
def transaction_before_a_storage_is_chosen(s):
    s.begin()


@kind(ERROR, GREETED)
def storage_that_does_not_exist(s):
    return ping_after(s, s.call('register', 'no such storage\nforged line', False))


@kind(ENDS, GREETED)
def storage_with_a_name_of_a_megabyte(s):
    s.send('register', 'x' * (1 << 20), False)


@kind(ERROR, GREETED)
def storage_with_a_number(s):
    return ping_after(s, s.call('register', 1, False))


@kind(ERROR, GREETED)
def storage_without_arguments(s):
    return ping_after(s, s.call('register'))


@kind(ENDS)
def storage_chosen_twice(s):
    s.send('register', '1', False)


def ping_after(s, result):
    """It has no storage, so any other request would end it."""
    assert not s.call('register', '1', False)[0]
    return result


# Frames.
@kind(ENDS)
def frame_of_4_gigabytes(s):
    s.raw(b'\xff\xff\xff\xff' + bytes(1000))


@kind(ENDS)
def frame_beyond_the_limit(s):
    s.raw(struct.pack('>I', MESSAGE_LIMIT + 1) + bytes(100_000))


@kind(ENDS)
def frame_of_nothing(s):
    s.frame(b'')


@kind(GONE)
def frame_at_the_limit_that_does_not_come(s):
    s.raw(struct.pack('>I', MESSAGE_LIMIT) + bytes(100_000))
    s.reset()


@kind(GONE)
def frame_cut_in_its_length(s):
    s.raw(b'\0\0\0')
    s.close()


@kind(GONE)
def frame_cut_short(s):
    s.raw(b'\0\0\1\0' + bytes(100))
    s.close()


# What is no message.
kinds('pickle', ENDS, [lambda s, body=body: s.frame(body) for body in (
    b'\x80', b'some text', b'.', b'N.', b'\xff.', b'}.', b'(' * 100_000 + b't.', b']' * 10 + b'.',
    b'N' + b'\x85' * 100_000 + b'.',
    # Globals, calls of them, persistent and extension references.
    b'cos\nsystem\n(S"true"\ntR.', b'\x80\3cposix\nsystem\nq\0X\4\0\0\0trueq\1\x85q\2Rq\3.',
    b'cbuiltins\neval\n(X\1\0\0\0' + b'1tR.', b'\x80\4\x8c\2os\x8c\6system\x93.',
    b'(ios\nsystem\n.', b'(cos\nsystem\no.', b'\x80\3cos\nsystem\n)\x81}b.',
    b'P1\n.', b'NQ.', b'\x82\1.', b'\x84\xff\xff\xff\x7f.',
    # Lengths that are not there, or negative.
    b'\x80\3B\xff\xff\xff\xff', b'\x80\3B\xff\xff\xff\x7fabc.', b'X\xff\xff\xff\xff', b'\x8d' + b'\xff' * 8 + b'.',
    b'\x8e' + b'\xff' * 7 + b'\x7f' + b'.', b'\x8b\xff\xff\xff\xff.', b'\x80\4\x95' + b'\xff' * 8 + b'N.',
    b'T\xff\xff\xff\xffabc.',
    # Memo and stack.
    b'h\1.', b'j\xff\xff\xff\xff.', b'Nr\xff\xff\xff\xff.', b'0.', b'2.', b'1.', b't.', b'u.', b'a.', b'e.', b'b.',
    b'R.', b'Na.', b'NNb.', b'(.', b'((.',
    # Text that is no number or no text.
    b'I12x\n.', b'Fx\n.', b'L9' + b'9' * 100_000 + b'x\n.', b'I\n.', b'V\\u12\n.', b'X\1\0\0\0\xff.', b"S'abc\n.",
    b'\x80\5\x97.', b'\x80\5\x98.', b'\x80\x09N.')], only='Z')


def pickled(identity=b'K\1', flag=b'\x89', method=b'X\4\0\0\0ping', arguments=b')'):
    return b'\x80\3(' + identity + flag + method + arguments + b't.'


# Parts of a message that are something else. Python 2 wrote numbers as text, too: those are good.
kinds('id', ENDS, [lambda s, part=part: s.frame(pickled(identity=part)) for part in (
    b']', b'}', b'N', b'\x88', b'X\2\0\0\0id', b'C\2id', b'G@\0\0\0\0\0\0\0', b'\x8a\x10' + b'\x7f' * 16,
    b'\x8b\0\0\x10\0' + b'\x7f' * (1 << 20), b'K\1' + b'\x85' * 50, b'(' + b'K\1' * 1000 + b't',
    b'B\xa0\x86\1\0' + bytes(100_000) + b'\x85', b'cos\nsystem\n', b'cos\nsystem\n)R')], only='Z')
kinds('method', ENDS, [lambda s, part=part: s.frame(pickled(method=part)) for part in (
    b'K\1', b'N', b')', b'cos\nsystem\n', b'X\0\0\0\0', b'X\7\0\0\0no_such', b'C\4ping')], only='Z')
kinds('arguments', ENDS, [lambda s, part=part: s.frame(pickled(arguments=part)) for part in (
    b'N', b'}', b'K\1', b'X\4\0\0\0ping', b'cos\nsystem\n',
    # More values than a message may have, and a list that contains itself.
    b'(' + b'N' * 2_100_000 + b't')], only='Z')


@kind(ENDS, only='Z')
def message_with_three_parts(s):
    s.frame(b'\x80\3(K\1\x89X\4\0\0\0pingt.')


@kind(ENDS, only='Z')
def message_with_five_parts(s):
    s.frame(b'\x80\3(K\1\x89X\4\0\0\0ping)Nt.')


@kind(ERROR, only='Z')
def argument_that_is_a_global(s):
    s.frame(pickled(b'K\x63', arguments=b'cos\nsystem\n\x85'))
    return s.answer(99)


@kind(ERROR, only='Z')
def argument_that_is_a_call(s):
    s.frame(pickled(b'K\x63', arguments=b'cos\nsystem\nX\4\0\0\0true\x85R\x85'))
    return s.answer(99)


@kind(ERROR, only='Z')
def argument_that_contains_itself(s):
    s.frame(pickled(b'K\x63', arguments=b']q\0h\0a\x85'))
    return s.answer(99)


@kind(ERROR, only='Z')
def argument_that_doubles_thirty_times(s):
    body = b']q\0' + b''.join(b'0(h%ch%clq%c' % (i, i, i + 1) for i in range(30))
    s.frame(pickled(b'K\x63', arguments=body + b'\x85'))
    return s.answer(99)


@kind(ERROR, only='Z')
def argument_nested_ten_thousand_times(s):
    s.frame(pickled(b'K\x63', arguments=b'N' + b'\x85' * 10_000))
    return s.answer(99)


@kind(ENDS, only='Z')
def argument_that_is_a_dict_with_a_list_as_key(s):
    s.frame(pickled(arguments=b'(}(]NuN\x85t'))
    s.frame(b'')


@kind(FINE, only='Z')
def message_with_something_behind_it(s):
    s.frame(pickled(b'K\x63') + b'garbage')
    return s.answer(99)


# The same for msgpack: an array of four, of which three are cut, replaced or announced only.
kinds('msgpack', ENDS, [lambda s, body=body: s.frame(body) for body in (
    b'\xc1', b'\xc0', b'\x80', b'some text', b'\x90', b'\x93\1\xc2\xa4ping', b'\x95\1\xc2\xa4ping\x90\xc0', b'\x94',
    b'\x94\1\xc2\xa4ping\xdd\xff\xff\xff\xff', b'\x94\1\xc2\xa4ping\xdc\xff\xff', b'\x94\1\xc2\xdb\xff\xff\xff\xffping\x90',
    b'\x94\1\xc2\xa4ping\xdf\xff\xff\xff\xff', b'\x94\1\xc2\xa4ping\xc6\xff\xff\xff\xff', b'\xdd\xff\xff\xff\xff',
    b'\x94\1\xc2\xa4ping' + b'\x91' * 100_000 + b'\xc0', b'\x91' * 100_000 + b'\xc0',
    b'\x94\1\xc2\xa4ping\xc9\xff\xff\xff\xff\1', b'\x94\1\xc2\xc7\4\1ping\x90', b'\x94\1\xc2\xa4pin\xff\x90',
    b'\x94\1\xc2\xa4ping\xdd' + struct.pack('>I', 2_100_000) + b'\xc0' * 2_100_000)], only='M')
kinds('msgpack part', ENDS, [lambda s, parts=parts: s.frame(msgpack.packb(parts)) for parts in (
    (None, False, 'ping', ()), ('id', False, 'ping', ()), ([1, [2]], False, 'ping', ()), (1.5, False, 'ping', ()),
    ({}, False, 'ping', ()), (msgpack.ExtType(1, b'x'), False, 'ping', ()), (b'x' * 100_000, False, 'ping', ()),
    ((b'x' * 100_000,), False, 'ping', ()), (1, False, None, ()), (1, False, 7, ()), (1, False, b'ping', ()),
    (1, False, 'no_such', ()), (1, False, 'ping', None), (1, False, 'ping', {}), (1, False, 'ping', 'x'))], only='M')

# Methods that are none for a client.
kinds('method that is none', ENDS, [lambda s, name=name: s.send(name) for name in (
    '', '__class__', '__init__', '.reply', 'close', 'notify_disconnected', '_check_tid', 'x' * (1 << 20),
    'no such\nforged line', 'tpc_vote', 'receiveBlobStart', 'invalidateTransaction', 'storage', 'lambda: 1')])


@kind(ENDS)
def reply_that_nobody_asked_for(s):
    s.message(7, False, '.reply', ('x',))


@kind(FINE)
def sign_of_life_with_nonsense(s):
    s.message(-1, False, 'no_such', (1, 2))
    return s.call('ping')


# Arguments: count, kind, length.
def calls(*wrong):
    return [lambda s, call=call: s.call(*call) for call in wrong]


kinds('arguments of a load', ERROR, calls(
    ('loadBefore', Z64), ('loadBefore', Z64, MAX, MAX), ('loadBefore', b'\0' * 7, MAX), ('loadBefore', b'\0' * 9, MAX),
    ('loadBefore', None, None), ('loadBefore', 'eight ch', MAX), ('loadBefore', 0, 1), ('loadBefore', b'\xff' * 8, MAX),
    ('loadBefore', b'x' * 10_000, MAX), ('loadSerial', Z64), ('loadSerial', Z64, b''), ('loadSerial', Z64, MAX),
    ('getTid', b'\xff' * 8), ('getTid', []), ('getTid',)))
kinds('arguments of a method', ERROR, calls(
    ('ping', 1), ('lastTransaction', 1), ('getInvalidations', None), ('getInvalidations', b'x'), ('new_oids', 'many'),
    ('new_oids', 1.5), ('new_oids', 1, 2), ('set_client_label', 1), ('set_client_label', None),
    ('history', Z64, None), ('history', b'\xff' * 8), ('history', Z64, 'x'),
    ('undoLog', 'x'), ('undoLog', 0, 1, 2), ('undoInfo', 0, -20, 3), ('undoInfo', 0, -20, {}, 4),
    ('record_iternext', b'x'), ('record_iternext', 5), ('sendBlob', Z64, Z64), ('sendBlob', Z64, 7), ('sendBlob',),
    ('pack', 'noon'), ('pack', None), ('pack', float('nan')), ('pack', float('inf')), ('pack', -1e300), ('pack', 1e300),
    ('pack',)))
kinds('numbers that are large', FINE, calls(
    ('new_oids', 10 ** 18), ('new_oids', -10 ** 18), ('history', Z64, 10 ** 18), ('history', Z64, -1),
    ('undoLog', 10 ** 18, 10 ** 18), ('undoLog', -10 ** 18, -5), ('undoLog', -2 ** 63, -2 ** 63),
    ('undoInfo', 0, -2 ** 63, {'no such field': 'x'}), ('getInvalidations', MAX), ('getInvalidations', Z64)))


@kind(FINE)
def label_that_forges_lines(s):
    return s.call('set_client_label', 'x\n------\n2026-01-01T00:00:00 CRITICAL ZEO forged line\r\x1b[2J')


@kind(FINE)
def label_of_ten_kilobytes(s):
    s.call('set_client_label', 'x' * 10_000)
    return s.call('ping')


@kind(ENDS)
def label_of_a_megabyte(s):
    s.send('set_client_label', 'x' * (1 << 20))


# Iterators.
kinds('iterators', ERROR, calls(
    ('iterator_next', 1), ('iterator_next', None), ('iterator_next', {}), ('iterator_next', [1]), ('iterator_next',),
    ('iterator_record_start', 5, Z64), ('iterator_record_start', 5), ('iterator_record_next', 10 ** 18),
    ('iterator_gc', 1), ('iterator_start', 'first'), ('iterator_start', Z64, MAX, MAX)))


@kind(ERROR)
def iterators_without_end(s):
    for _ in range(1_000):
        s.require('iterator_start', None, None)
    return s.call('iterator_start', None, None)


@kind(ERROR)
def records_of_another_transaction(s):
    iterator = s.require('iterator_start', None, None)
    s.require('iterator_next', iterator)
    return s.call('iterator_record_start', iterator, MAX)


@kind(FINE)
def iterators_forgotten_that_never_were(s):
    s.call('iterator_gc', list(range(3_000)))
    return s.call('iterator_gc', ['x', None, [1], {}, -1])


# The two-phase commit.
@kind(ENDS)
def change_without_a_transaction(s):
    s.store(Z64)


@kind(ERROR)
def vote_without_a_transaction(s):
    return s.call('vote', 1)


@kind(FINE)
def finish_without_a_transaction(s):
    return s.call('tpc_finish', 1)


@kind(FINE)
def abort_without_a_transaction(s):
    return s.call('tpc_abort', 1)


@kind(ERROR)
def finish_before_the_vote(s):
    s.begin()
    s.store(s.new_oid())
    return s.call('tpc_finish', 1)


@kind(ERROR)
def vote_twice(s):
    s.begin()
    s.store(s.new_oid())
    s.require('vote', 1)
    return s.call('vote', 1)


@kind(ENDS)
def change_after_the_vote(s):
    s.begin()
    oid = s.new_oid()
    s.store(oid)
    s.require('vote', 1)
    s.store(oid)


@kind(ENDS)
def another_transaction_before_the_end_of_the_first(s):
    s.begin(1)
    s.begin(2)


@kind(ENDS)
def change_of_another_transaction(s):
    s.begin(1)
    s.store(Z64, number=2)


@kind(ERROR)
def vote_of_another_transaction(s):
    s.begin(1)
    return s.call('vote', 2)


@kind(FINE)
def finish_twice(s):
    s.commit(s.new_oid())
    return s.call('tpc_finish', 1)


@kind(FINE)
def abort_after_the_vote_twice(s):
    s.begin()
    s.store(s.new_oid())
    s.require('vote', 1)
    s.require('tpc_abort', 1)
    return s.call('tpc_abort', 1)


kinds('number of a transaction', ENDS, [
    lambda s, number=number: s.begin(number) for number in (None, 'x', 1.5, b'x', [], {})])


def begun_with(*arguments):
    """What begins a transaction in a wrong way fails its vote, or is refused at once."""
    def run(s):
        s.cast('tpc_begin', 1, *arguments)
        s.store(s.new_oid())
        return s.call('vote', 1)
    return run


@kind(ENDS, only='Z')
def number_of_a_transaction_of_a_megabyte(s):
    s.begin(1 << (8 << 20))


@kind(ERROR, only='Z')
def vote_of_a_number_of_ten_kilobytes(s):
    s.begin()
    return s.call('vote', 1 << 80_000)


@kind(ERROR, only='Z')
def vote_of_something_that_contains_itself(s):
    s.begin()
    s.frame(pickled(b'K\x63', method=b'X\4\0\0\0vote', arguments=b']q\0h\0a\x85'))
    return s.answer(99)


@kind(ENDS)
def request_of_a_megabyte_that_would_wait(s):
    s.send('undoInfo', 0, -20, {'description': 'x' * (1 << 20)})


kinds('metadata too long', ERROR, [
    begun_with(b'x' * 70_000, b'', {}, None, ' '), begun_with(b'', b'x' * 70_000, {}, None, ' '),
    begun_with(b'', b'', {'x': 'x' * 70_000}, None, ' ')])
kinds('begin', ENDS, [lambda s, arguments=arguments: s.cast('tpc_begin', *arguments) for arguments in (
    (), (1,), (1, b'', b''), (1, b'', b'', {}, b'short', ' '), (1, b'', b'', {}, 'text', ' '),
    (1, b'', b'', {}, None, 'two'), (1, b'', b'', {}, None, 5), (1, b'', b'', {}, None, ' ', 7))])
kinds('store', ENDS, [lambda s, arguments=arguments: (s.begin(), s.cast(*arguments)) for arguments in (
    ('storea',), ('storea', Z64, Z64, b'x'), ('storea', b'short', Z64, b'x', 1), ('storea', Z64, b'short', b'x', 1),
    ('storea', Z64, Z64, None, 1), ('storea', b'x' * (1 << 20), Z64, b'x', 1),
    ('storea', Z64, 5, b'x', 1), ('storea', Z64, Z64, b'x', None), ('storea', Z64, Z64, b'x', 1, 1),
    ('deleteObject', Z64, Z64), ('deleteObject', b'', Z64, 1),
    ('restorea', Z64, Z64, b'x', 1), ('restorea', Z64, None, b'x', None, 1),
    ('checkCurrentSerialInTransaction', Z64, 1), ('checkCurrentSerialInTransaction', b'', Z64, 1))])


def voted(*casts):
    def run(s):
        s.begin()
        for cast in casts:
            s.cast(*cast)
        result = s.call('vote', 1)
        # The server has let go of it, or does so now.
        s.call('tpc_abort', 1)
        return result
    return run


NOWHERE = b'\x7e' + bytes(7)
kinds('changes that fail at the vote', ERROR, [voted(*casts) for casts in (
    [('storea', NOWHERE, Z64, b'', 1)], [('storea', Z64, Z64, 'text', 1)],
    [('deleteObject', NOWHERE, Z64, 1)], [('deleteObject', NOWHERE, MAX, 1)],
    [('undoa', b'nonsense', 1)], [('undoa', base64.b64encode(MAX), 1)], [('undoa', b'', 1)],
    [('undoa', '../../etc/passwd', 1)], [('undoa', b'=' * 10_000, 1)],
    [('undoa', None, 1)], [('undoa', [], 1)], [('storeBlobEnd', Z64, Z64, b'x', 1)],
    [('checkCurrentSerialInTransaction', NOWHERE, MAX, 1)])])


@kind(GONE)
def gone_with_a_conflict_that_it_should_resolve(s):
    """Where the server does not say ConflictError, it keeps the commit lock for the client."""
    s.begin()
    s.store(Z64, serial=bytes(7) + b'\1')
    s.call('vote', 1)
    s.reset()


@kind(FINE)
def conflict_that_it_does_not_resolve(s):
    s.begin()
    s.store(Z64, serial=bytes(7) + b'\1')
    s.call('vote', 1)
    return s.call('tpc_abort', 1)


@kind(GONE)
def gone_with_the_commit_lock(s):
    s.begin()
    s.store(s.new_oid())
    s.require('vote', 1)
    s.reset()


@kind(GONE)
def gone_while_it_waits_for_the_commit_lock(s):
    s.begin()
    s.store(s.new_oid())
    s.send('vote', 1)
    s.reset()


@kind(GONE)
def gone_in_the_midst_of_a_large_transaction(s):
    s.begin()
    oid = s.new_oid()
    for _ in range(40):
        s.store(oid, bytes(1 << 20))
    s.require('ping')
    s.reset()


@kind(ENDS)
def requests_beyond_what_may_wait(s):
    """Behind the vote of one that waits for the other's commit lock."""
    s.begin()
    s.store(s.new_oid())
    s.require('vote', 1)
    other = type(s)(s.socket.getpeername())
    other.begin()
    other.store(other.new_oid())
    other.send('vote', 1)
    for _ in range(1_200):
        other.send('sendBlob', Z64, Z64)
    assert other.is_closed()
    s.ended_beside = other.port
    other.close()
    s.frame(b'')


# Blobs.
kinds('blobs in a wrong order', ENDS, [lambda s, casts=casts: (s.begin(), [s.cast(*cast) for cast in casts]) for casts in (
    [('storeBlobChunk', b'x')], [('storeBlobStart',), ('storeBlobStart',)],
    [('storeBlobStart', 1)], [('storeBlobStart',), ('storeBlobChunk',)], [('storeBlobStart',), ('storeBlobChunk', 'text')],
    [('storeBlobStart',), ('storeBlobChunk', b'x'), ('storeBlobEnd', b'', Z64, b'x', 1)],
    [('storeBlobStart',), ('storeBlobChunk', b'x'), ('storeBlobEnd', Z64, Z64, b'x', 2)],
    [('storeBlobStart',), ('storeBlobChunk', b'x'), ('storeBlobEnd', Z64, Z64, None, 1)])])
kinds('names of shared blobs', ENDS, [
    lambda s, name=name: (s.begin(), s.cast('storeBlobShared', s.new_oid(), Z64, b'x', name, 1)) for name in (
        '../../x.tmp', '/etc/x.tmp', '..', '', 'x', 'a\0.tmp', '../.layout', 'sub/x.tmp', 5, None, b'x.tmp',
        'forged\nline', '.tmp/../../x.tmp')])


@kind(ERROR)
def shared_blob_that_is_not_there(s):
    s.begin()
    s.cast('storeBlobShared', s.new_oid(), Z64, b'x', 'not there.tmp', 1)
    return s.call('vote', 1)


@kind(ERROR)
def blob_of_an_object_without_one(s):
    oid = s.new_oid()
    return s.call('sendBlob', oid, s.commit(oid))


@kind(GONE)
def gone_in_the_midst_of_a_blob(s):
    s.begin()
    s.cast('storeBlobStart')
    for _ in range(20):
        s.cast('storeBlobChunk', bytes(1 << 20))
    s.require('ping')
    s.reset()


@kind(GONE)
def gone_with_many_blobs_in_a_transaction(s):
    s.begin()
    for _ in range(50):
        s.cast('storeBlobStart')
        s.cast('storeBlobChunk', b'x')
        s.cast('storeBlobEnd', s.new_oid(), Z64, b'x', 1)
    s.require('vote', 1)
    s.reset()


@kind(FINE)
def blob_without_content(s):
    oid = s.new_oid()
    s.begin()
    s.cast('storeBlobStart')
    s.cast('storeBlobEnd', oid, Z64, pickle.dumps(None, 3), 1)
    s.require('vote', 1)
    return s.call('tpc_abort', 1)


# Packs are allowed, again and again.
@kind(FINE)
def packs_without_end(s):
    for _ in range(200):
        s.send('pack', time.time() - 1e6, False)
    return s.call('ping')
