"""Certificates for tests, made when needed with the program openssl."""
import os
import subprocess

CONFIGURATION = '''
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/{name}.pem
private_key = {folder}/{name}.key
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = subject
[subject]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[issued]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:{host}
'''


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True, text=True)


class Pair:
    """A certificate and its key, in two files."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority(Pair):
    """Signs certificates; its own is signed by itself."""

    def __init__(self, folder, name):
        self.folder, self.name = os.path.join(str(folder), name), name
        os.makedirs(self.folder)
        super().__init__(self.path(name + '.pem'), self.path(name + '.key'))
        open(self.path('index.txt'), 'w').close()
        with open(self.path('serial'), 'w') as f:
            f.write('1000\n')
        self.configure('zodb.org')
        openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.key, '-out', self.certificate,
                '-subj', '/CN=' + name, '-days', '30', '-config', self.path('conf'), '-extensions', 'root')

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, host):
        with open(self.path('conf'), 'w') as f:
            f.write(CONFIGURATION.format(folder=self.folder, name=self.name, host=host))

    def issue(self, name, begin=None, end=None, host='zodb.org', kind='rsa:2048'):
        """A new key and its certificate; begin and end are times like 20200101000000Z."""
        pair = Pair(self.path(name + '.pem'), self.path(name + '.key'))
        request = self.path(name + '.csr')
        self.configure(host)
        times = (['-startdate', begin, '-enddate', end] if end else ['-days', '30'])
        options = ['-newkey', kind] + (['-pkeyopt', 'ec_paramgen_curve:P-256'] if kind == 'ec' else [])
        openssl('req', *options, '-nodes', '-keyout', pair.key, '-out', request, '-subj', '/CN=' + name,
                '-config', self.path('conf'))
        openssl('ca', '-batch', '-notext', '-config', self.path('conf'), '-extensions', 'issued', *times,
                '-in', request, '-out', pair.certificate)
        return pair

    def revoke(self, pair):
        """A file with this authority and its list of revoked certificates."""
        openssl('ca', '-config', self.path('conf'), '-revoke', pair.certificate)
        openssl('ca', '-config', self.path('conf'), '-gencrl', '-out', self.path('crl.pem'))
        return joined(self.path('with-crl.pem'), self.certificate, self.path('crl.pem'))


def joined(path, *parts):
    with open(path, 'w') as out:
        for part in parts:
            with open(part) as f:
                out.write(f.read())
    return path
