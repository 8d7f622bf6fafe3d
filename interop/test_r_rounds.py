"""B: rounds of replication in all directions, with restarts, kills and packs of both sides at random moments.

ZRS_SEED repeats what a seed decides: the kinds of the commits, the order and the rough moments of the
restarts and packs.
"""
import os
import random
import shutil

import pytest

from conftest import LONG
from support import rounds
from support.servers import RUNZEO, RUNZEO_STOCK, ZRS

# name: (commands, packs, whether the database was packed before)
PP, PJ, JP, JJ = [RUNZEO, RUNZEO], [RUNZEO, ZRS], [ZRS, RUNZEO], [ZRS, ZRS]
JPJ = [ZRS, RUNZEO, ZRS]
SHORT = {
    'zrs, zc.zrs, zrs': (JPJ, 0, False),
    'zrs, zrs, with packs': (JJ, 4, False),
}
ALL = SHORT | {
    'zc.zrs, zc.zrs': (PP, 0, True),
    'zc.zrs, zc.zrs, with packs': (PP, 4, False),
    'zc.zrs, zrs': (PJ, 0, False),
    'zc.zrs, zrs, packed before': (PJ, 0, True),
    'zc.zrs, zrs, with packs': (PJ, 4, False),
    'zc.zrs, zrs, with many packs': (PJ, 8, True),
    'zrs, zc.zrs': (JP, 0, False),
    'zrs, zc.zrs, packed before': (JP, 0, True),
    'zrs, zc.zrs with its own reconnect delay': ([ZRS, RUNZEO_STOCK], 0, True),
    'zrs, zc.zrs, with packs': (JP, 4, False),
    'zrs, zc.zrs, with many packs': (JP, 8, True),
    'zrs, zrs': (JJ, 0, False),
    'zrs, zrs, packed before': (JJ, 0, True),
    'zrs, zrs, with many packs': (JJ, 8, True),
    'zrs, zc.zrs, zrs, packed before': (JPJ, 0, True),
    'zrs, zc.zrs, zrs, with packs': (JPJ, 4, False),
    'zrs, zc.zrs, zrs, with many packs': (JPJ, 8, True),
    'zrs, zc.zrs, zrs, with packs again': (JPJ, 6, True),
}
# Megabytes to catch up with, commits, restarts besides those of every round; a pause after each commit in
# seconds, as few commits would be over before the servers have started again.
MEGABYTES, COMMITS, RESTARTS, PAUSE = (100, 5000, 8, 0) if LONG else (10, 300, 2, 0.08)


@pytest.fixture(scope='session')
def begun(tmp_path_factory):
    """Databases to begin with, made once."""
    made = {}

    def get(packed):
        if packed not in made:
            made[packed] = rounds.database(tmp_path_factory.mktemp('begun'), megabytes(), packed)
        return made[packed]

    return get


def megabytes():
    return int(os.environ.get('ZRS_ROUND_MEGABYTES', MEGABYTES))


def commits():
    return int(os.environ.get('ZRS_ROUND_COMMITS', COMMITS))


@pytest.mark.parametrize('name', ALL if LONG else SHORT)
def test_all_sides_are_equal_after(cluster, tmp_path, capsys, begun, name):
    commands, packs, packed = ALL[name]
    seed = os.environ.get('ZRS_SEED') or random.SystemRandom().randrange(1 << 32)
    with capsys.disabled():
        print('\nround "%s": ZRS_SEED=%s' % (name, seed))
    rnd = random.Random('%s %s' % (seed, name))
    events = rounds.schedule(rnd, len(commands), RESTARTS, packs,
                             primary_restarts=2 if RUNZEO_STOCK in commands else None)
    a_round = rounds.Round(cluster, tmp_path, commands, seed, commits(), PAUSE, events, packed)
    file, blobs = begun(packed)
    shutil.copy(file, a_round.nodes[0].file)
    shutil.copytree(blobs, a_round.nodes[0].blobs)
    try:
        a_round.run()
    finally:
        a_round.end()
    try:
        said = a_round.compare()
    except AssertionError as e:
        raise AssertionError('%s\n%s' % (e, a_round.shown())) from e
    with capsys.disabled():
        print('round "%s": %s' % (name, said))
    shutil.rmtree(tmp_path)  # a round leaves hundreds of megabytes
