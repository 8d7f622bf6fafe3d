"""mappingstorage and blobstorage, with real clients."""
import subprocess

import pytest
import transaction
import ZEO
import ZODB
import ZODB.blob

from support import servers


def configure(server, text):
    with open(server.conf) as f:
        conf = f.read()
    start, end = conf.index('<filestorage'), conf.index('</filestorage>') + len('</filestorage>')
    with open(server.conf, 'w') as f:
        f.write(conf[:start] + text + conf[end:])
    return server


@pytest.mark.ours
def test_a_mapping_storage_serves_commits_undo_and_pack(cluster):
    server = configure(cluster('server'), '<mappingstorage 1>\n name just for a try\n</mappingstorage>').start()
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    assert db.storage._call('get_info')['name'] == 'just for a try'
    connection = db.open()
    for i in range(10):
        connection.root()['i'] = i
        connection.root()['big%d' % i] = b'x' * 300_000
        transaction.commit()
    db.undo(db.undoInfo()[0]['id'])
    transaction.commit()
    db.pack()
    connection.sync()
    assert connection.root()['i'] == 8 and len(connection.root()) == 10
    db.close()
    assert server.stop() == 0
    server.start()
    db = ZODB.DB(ZEO.client(server.address, wait_timeout=30))
    with db.transaction() as connection:
        assert 'i' not in connection.root()
    db.close()


def test_a_blob_storage_is_a_file_storage_with_blobs(cluster, tmp_path):
    made = cluster('server', blobs=False)
    configure(made, '<blobstorage 1>\n blob-dir %s\n <filestorage>\n path %s\n </filestorage>\n</blobstorage>'
              % (tmp_path / 'the blobs', made.file)).start()
    for value in (b'one', b'two'):
        db = ZODB.DB(ZEO.client(made.address, wait_timeout=30, blob_dir=str(tmp_path / 'cache')))
        with db.transaction() as connection:
            connection.root()['blob'] = ZODB.blob.Blob(value)
        with db.transaction() as connection:
            with connection.root()['blob'].open() as f:
                assert f.read() == value
        db.close()
    assert made.stop() == 0
    found = subprocess.run(['find', str(tmp_path / 'the blobs'), '-name', '*.blob'], capture_output=True, text=True)
    assert len(found.stdout.split('\n')) == 3
