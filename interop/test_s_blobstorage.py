"""S: <blobstorage> inside <zrs>, as zc.zrs tests it (primary-blobstorage.test, secondary-blobstorage.test)."""
import os
import random

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob

from support import compare, servers
from support.servers import RUNZEO, ZRS

DIRECTIONS = {'zrs to zc.zrs': (ZRS, RUNZEO), 'zc.zrs to zrs': (RUNZEO, ZRS), 'zrs to zrs': (ZRS, ZRS)}


def with_blobstorage(server):
    """Puts a <blobstorage> between the <zrs> and the <filestorage> of a server that was not started yet."""
    with open(server.conf) as f:
        text = f.read()
    text = text.replace('blob-dir ' + server.blobs, '')
    text = text.replace('<filestorage 1>', '<blobstorage 1>\n blob-dir %s\n <filestorage 1>' % server.blobs)
    text = text.replace('</filestorage>', '</filestorage>\n </blobstorage>')
    with open(server.conf, 'w') as f:
        f.write(text)
    return server


@pytest.mark.parametrize('direction', DIRECTIONS)
def test_blobs_are_replicated(cluster, tmp_path, direction):
    port = servers.free_port()
    commands = DIRECTIONS[direction]
    primary = with_blobstorage(cluster('primary', commands[0], replicate_to=port)).start()
    secondary = with_blobstorage(cluster('secondary', commands[1], replicate_from=port, keep_alive=1)).start()
    db = ZODB.DB(ZEO.client(primary.address, wait_timeout=30, blob_dir=str(tmp_path / 'cache')))
    connection = db.open()
    root = connection.root()
    rnd = random.Random(5)
    for i in range(5):
        root[i] = ZODB.blob.Blob(rnd.randbytes(rnd.randint(4_000, 400_000)))
        transaction.commit()
    root['small'] = ZODB.blob.Blob(b'test\n')
    transaction.commit()
    root['empty'] = ZODB.blob.Blob()
    transaction.commit()
    with root['empty'].open('w') as f:
        f.write(b'new data')
    transaction.commit()
    with root['small'].open('w') as f:
        f.write(b'changed\n')
    transaction.commit()
    wanted = {key: value.open().read() for key, value in root.items()}
    connection.close()
    db.close()
    servers.wait_for('replicated', lambda: primary.size() == secondary.size(), 60,
                     lambda: primary.read_logs() + secondary.read_logs())

    reading = ZODB.DB(ZEO.client(secondary.address, wait_timeout=30, read_only=True,
                                 blob_dir=str(tmp_path / 'second cache')))
    with reading.transaction() as connection:
        assert {key: value.open().read() for key, value in connection.root().items()} == wanted
    reading.close()
    secondary.stop()
    primary.stop()
    python = commands[1] is RUNZEO
    compare.same_files(primary.file, secondary.file, python_second=python)
    compare.same_blobs(primary.blobs, secondary.blobs, python_second=python)
    assert os.path.exists(os.path.join(secondary.blobs, '.layout'))
