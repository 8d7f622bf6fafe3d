package dev.zrs.server.config;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.ConfigReader;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each mistake has one clear message. In the table ';' is a line end; Z, F and I stand for a good
 * zeo section (3 lines), a good file storage (3 lines) and the import of zc.zrs (1 line).
 */
@Timeout(60)
class BadConfigTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // What must be there.
        "F|zeo.conf: there is no <zeo> section",
        "Z|zeo.conf: there is no storage section such as <filestorage>",
        "Z F <zeo>; address 1;</zeo>|zeo.conf, line 7: <zeo> is one too many: <zeo> is already in zeo.conf, line 1",
        "<zeo>;</zeo> F|zeo.conf, line 1: <zeo> has no address, which it needs",
        "Z <filestorage 1>;</filestorage>|zeo.conf, line 4: <filestorage 1> has no path, which it needs",
        // Sections, keys and imports that are not known.
        "Z F <zoe/>|zeo.conf, line 7: <zoe> is not a known section at the top level",
        "Z F <zodb/>|zeo.conf, line 7: <zodb> is not a known section at the top level",
        "Z F <logfile>; path x;</logfile>|zeo.conf, line 7: <logfile> cannot stand at the top level",
        "Z F <logger/>|zeo.conf, line 7: <logger> cannot stand at the top level",
        "Z F address 1|zeo.conf, line 7: address is not a known key at the top level",
        "<zeo>; address 1; monitor-address 2;</zeo> F|zeo.conf, line 3: monitor-address is not a known key in <zeo>",
        "<zeo>; address 1; Address 1;</zeo> F|zeo.conf, line 3: address in <zeo> is already in zeo.conf, line 2",
        "%import zc.foo;Z F|zeo.conf, line 1: %import zc.foo is not known: it needs Python (%import zc.zrs and zc.zlibstorage work)",
        "Z <zrs>; replicate-to 1; F </zrs>|zeo.conf, line 4: <zrs> needs the line '%import zc.zrs' before it",
        "Z <zrs>; replicate-to 1; F </zrs>;I|zeo.conf, line 4: <zrs> needs the line '%import zc.zrs' before it",
        // Values.
        "<zeo>; address 1; read-only maybe;</zeo> F|zeo.conf, line 3: read-only in <zeo>: 'maybe' is not yes/no, true/false or on/off",
        "<zeo>; address 1; invalidation-queue-size x;</zeo> F|zeo.conf, line 3: invalidation-queue-size in <zeo>: 'x' is not an integer",
        "<zeo>; address 1; invalidation-queue-size -1;</zeo> F|zeo.conf, line 3: invalidation-queue-size in <zeo>: -1 is out of range",
        "<zeo>; address a b;</zeo> F|zeo.conf, line 2: address in <zeo>: 'a b' is not an address (host:port or path)",
        "<zeo>; address h:70000;</zeo> F|zeo.conf, line 2: address in <zeo>: '70000' is not a port from 0 to 65535",
        "<zeo>; address 70000;</zeo> F|zeo.conf, line 2: address in <zeo>: '70000' is not a port from 0 to 65535",
        "<zeo>; address $port;</zeo> F|zeo.conf, line 2: address: '$port' is not defined (use %define before it)",
        "Z <filestorage>; path /no/such/Data.fs;</filestorage>|zeo.conf, line 5: path in <filestorage>: the path '/no/such/Data.fs' is in a directory that does not exist",
        "Z <filestorage>; path;</filestorage>|zeo.conf, line 5: path in <filestorage>: it is empty",
        // Names of storages.
        "Z <filestorage>; path a;</filestorage> <filestorage>; path b;</filestorage>|zeo.conf, line 7: <filestorage>: no more than one storage may be unnamed; the other one is in zeo.conf, line 4",
        "Z <filestorage>; path a;</filestorage> F|zeo.conf, line 4: <filestorage>: there cannot be an unnamed storage and a storage named 1",
        "Z F F|zeo.conf, line 7: <filestorage 1>: another section at the top level has the name '1'",
        "Z <filestorage *>; path a;</filestorage>|zeo.conf, line 4: '*' cannot be the name of a section",
        // Storages that are no file or are around one.
        "Z <blobstorage>; blob-dir; F </blobstorage>|zeo.conf, line 5: blob-dir in <blobstorage>: it is empty",
        "Z <blobstorage>; blob-dir b; <blobstorage>; blob-dir c; F </blobstorage>;</blobstorage>|zeo.conf, line 6: <blobstorage>: a <blobstorage> must be round a <filestorage> here",
        "Z I <blobstorage>; blob-dir b; <zrs>; replicate-to 5; F </zrs>;</blobstorage>|zeo.conf, line 7: <zrs>: its blobs would not be replicated: put the <blobstorage> inside the <zrs>",
        "Z <blobstorage>; blob-dir b; <filestorage>; path a; create true; </filestorage>;</blobstorage>|zeo.conf, line 8: create in <filestorage>: it is not supported in a <blobstorage>, except 'false'",
        "Z I <zrs>; replicate-to 5; <blobstorage>; blob-dir b; <filestorage>; path a; blob-dir c; </filestorage>; </blobstorage>;</zrs>|zeo.conf, line 11: blob-dir in <filestorage>: the <blobstorage> round it has one already",
        "Z <mappingstorage>; name a//b;</mappingstorage>|zeo.conf, line 5: name in <mappingstorage>: 'a//b' cannot be a name",
        "Z <mappingstorage>; name /;</mappingstorage>|zeo.conf, line 5: name in <mappingstorage>: '/' cannot be a name",
        "Z <mappingstorage>; path a;</mappingstorage>|zeo.conf, line 5: path is not a known key in <mappingstorage>",
        "Z <filestorage>; path a; pack-rate -1;</filestorage>|zeo.conf, line 6: pack-rate in <filestorage>: -1 is not a number of bytes >= 0",
        // Replication.
        "Z I <zrs>; F </zrs>|zeo.conf, line 5: <zrs>: You must specify replicate-to and/or replicate-from.",
        "Z I <zrs>; replicate-to :5; replicate-from 5; F </zrs>|zeo.conf, line 7: replicate-from in <zrs>: Values for replicate-to and replicate-from must be different.",
        "Z I <zrs>; replicate-to 5;</zrs>|zeo.conf, line 5: <zrs> has no storage section such as <filestorage> in it",
        "Z I <zrs>; replicate-to 5; F <filestorage 2>; path b;</filestorage> </zrs>|zeo.conf, line 10: <filestorage 2> is one too many: <filestorage 1> is already in zeo.conf, line 7",
        "Z I <zrs>; replicate-to host; F </zrs>|zeo.conf, line 6: replicate-to in <zrs>: 'host' has no port (host:port is needed)",
        "Z I <zrs>; replicate-from 5; reconnect-delay 0; F </zrs>|zeo.conf, line 7: reconnect-delay in <zrs>: 0 is not a number of seconds >= 1",
        "Z I <zrs>; replicate-to 5; reconnect-delay 9; F </zrs>|zeo.conf, line 7: reconnect-delay in <zrs>: it is for secondaries, which have replicate-from",
        "Z I <zrs>; replicate-from 5; hold-writers -1; F </zrs>|zeo.conf, line 7: hold-writers in <zrs>: -1 is not a number of seconds >= 0",
        "Z I <zrs>; replicate-from 5; keep-alive-delay 1.5; F </zrs>|zeo.conf, line 7: keep-alive-delay in <zrs>: '1.5' is not an integer",
        "Z I <zrs>; replicate-from 5; blobs keep; F </zrs>|zeo.conf, line 7: blobs in <zrs>: 'keep' is neither copy nor skip",
        "Z I <zrs>; replicate-to 5; blobs copy; F </zrs>|zeo.conf, line 7: blobs in <zrs>: it is for secondaries, which have replicate-from: remove this line, a primary writes its blobs",
        "Z I <zrs>; replicate-from 5; blobs skip; F </zrs>|zeo.conf, line 7: blobs in <zrs>: skip is of no use without the blob-dir that the upstream has",
        "Z I <zrs>; replicate-from 5; blobs skip; <filestorage>; path a; blob-dir b; create true; </filestorage>;</zrs>|zeo.conf, line 7: blobs in <zrs>: skip and create true contradict each other",
        // ZooKeeper.
        "Z I <zrs>; zookeeper zk:1; replicate-to 5; F </zrs>|zeo.conf, line 7: replicate-to in <zrs>: ':5' is no path of ZooKeeper, such as /db/replication/providers (this <zrs> has a zookeeper)",
        "Z I <zrs>; zookeeper zk:1; replicate-from h:5; F </zrs>|zeo.conf, line 7: replicate-from in <zrs>: 'h:5' is no path of ZooKeeper, such as /db/replication/providers (this <zrs> has a zookeeper)",
        "Z I <zrs>; replicate-from-zookeeper zk:1; replicate-from h:5; F </zrs>|zeo.conf, line 7: replicate-from in <zrs>: 'h:5' is no path of ZooKeeper, such as /db/replication/providers (this <zrs> has a zookeeper)",
        "Z I <zrs>; zookeeper zk:1; replicate-to /a//b; F </zrs>|zeo.conf, line 7: replicate-to in <zrs>: the path '/a//b' has a name that is none (this <zrs> has a zookeeper)",
        "Z I <zrs>; zookeeper zk:1; replicate-to /a; replicate-from /a; F </zrs>|zeo.conf, line 8: replicate-from in <zrs>: Values for replicate-to and replicate-from must be different.",
        "Z I <zrs>; zookeeper zk:x; replicate-to /a; F </zrs>|zeo.conf, line 6: zookeeper in <zrs>: 'zk:x' names no servers of ZooKeeper, as HOST:PORT,HOST:PORT/PATH does: 'zk:x' is none",
        "Z I <zrs>; zookeeper a:1,,b:1; replicate-to /a; F </zrs>|zeo.conf, line 6: zookeeper in <zrs>: 'a:1,,b:1' names no servers of ZooKeeper, as HOST:PORT,HOST:PORT/PATH does: '' is none",
        "Z I <zrs>; zookeeper a:1:2; replicate-to /a; F </zrs>|zeo.conf, line 6: zookeeper in <zrs>: 'a:1:2' names no servers of ZooKeeper, as HOST:PORT,HOST:PORT/PATH does: 'a:1:2' is none",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; advertise a:b:c; F </zrs>|zeo.conf, line 8: advertise in <zrs>: 'a:b:c' is no host",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; zookeeper-auth me:secret; F </zrs>|zeo.conf, line 8: zookeeper-auth in <zrs>: it is not of the form digest:USER:PASSWORD",
        "Z I <zrs>; zookeeper a:1/; replicate-to /a; F </zrs>|zeo.conf, line 6: zookeeper in <zrs>: '/' is no path of ZooKeeper, such as /db/replication/providers",
        "Z I <zrs>; replicate-to 5; advertise h; F </zrs>|zeo.conf, line 7: advertise in <zrs>: it is for servers that are registered, which have zookeeper and replicate-to",
        "Z I <zrs>; zookeeper a:1; replicate-from /a; listen 5; F </zrs>|zeo.conf, line 8: listen in <zrs>: it is for servers that are registered, which have zookeeper and replicate-to",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; advertise 5; F </zrs>|zeo.conf, line 8: advertise in <zrs>: it has no host (HOST or HOST:PORT is needed)",
        "Z I <zrs>; replicate-to 5; zookeeper-acl open; F </zrs>|zeo.conf, line 7: zookeeper-acl in <zrs>: there is no zookeeper that it could be for",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; zookeeper-acl creator; F </zrs>|zeo.conf, line 8: zookeeper-acl in <zrs>: creator needs zookeeper-auth, or nobody is the creator",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; zookeeper-acl all; F </zrs>|zeo.conf, line 8: zookeeper-acl in <zrs>: 'all' is none of read, open, creator",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; zookeeper-timeout 0; F </zrs>|zeo.conf, line 8: zookeeper-timeout in <zrs>: 0 is not a number of seconds from 1 to 86400",
        "Z I <zrs>; zookeeper a:1; replicate-to /a; zookeeper-auth secret; F </zrs>|zeo.conf, line 8: zookeeper-auth in <zrs>: it is not of the form digest:USER:PASSWORD",
        "<zeo>; address 1; register /a;</zeo> F|zeo.conf, line 3: register in <zeo>: who is registered needs both zookeeper and register",
        "<zeo>; address 1; zookeeper a:1;</zeo> F|zeo.conf, line 3: zookeeper in <zeo>: who is registered needs both zookeeper and register",
        "<zeo>; address /run/zeo; zookeeper a:1; register /a;</zeo> F|zeo.conf, line 4: register in <zeo>: nobody on another machine could connect to a unix socket",
        // Logs.
        "Z F <eventlog>; level loud;</eventlog>|zeo.conf, line 8: level in <eventlog>: 'loud' is not a level: critical, error, warn, info, blather, debug, trace, all, or 0-50",
        "Z F <eventlog>; <logfile>; </logfile>;</eventlog>|zeo.conf, line 8: <logfile> has no path, which it needs",
        "Z F <eventlog>; <logfile>; path STDERR; max-size 1kb; </logfile>;</eventlog>|zeo.conf, line 9: path in <logfile>: cannot rotate STDERR",
        "Z F <eventlog>; <logfile>; path x; max-size 1kb; </logfile>;</eventlog>|zeo.conf, line 10: max-size in <logfile>: old-files must be set for log rotation",
        "Z F <eventlog>; <logfile>; path x; old-files 1; </logfile>;</eventlog>|zeo.conf, line 10: old-files in <logfile>: max-size or when must be set for log rotation",
        "Z F <eventlog>; <logfile>; path x; format %(what)s; </logfile>;</eventlog>|zeo.conf, line 10: format in <logfile>: the format '%(what)s' names the unknown field 'what'",
        "Z F <eventlog>; <logfile>; path x; format %(name)d; </logfile>;</eventlog>|zeo.conf, line 10: format in <logfile>: the format '%(name)d' cannot show name with 'd'",
        "Z F <runner>;</runner>|zeo.conf, line 7: <runner> has no program, which it needs",
        "Z F <runner>; program x; umask 9;</runner>|zeo.conf, line 9: umask in <runner>: '9' is not an octal number",
        "Z F <runner>; program x; exit-codes 0,;</runner>|zeo.conf, line 9: exit-codes in <runner>: '' is not an integer",
        // What the schema knows, but the server does not do yet.
        "Z <zlibstorage>; F </zlibstorage>|zeo.conf, line 4: <zlibstorage> needs the line '%import zc.zlibstorage' before it",
        "%import zc.zlibstorage;Z <zlibstorage>; compress perhaps; F </zlibstorage>|zeo.conf, line 6: compress in <zlibstorage>: 'perhaps' is not yes/no, true/false or on/off",
        "%import zc.zlibstorage;Z <zlibstorage>; </zlibstorage>|zeo.conf, line 5: <zlibstorage> has no storage section such as <filestorage> in it",
        "%import zc.zlibstorage;Z <serverzlibstorage>; <mappingstorage/>; F </serverzlibstorage>|zeo.conf, line 7: <filestorage 1> is one too many: <mappingstorage> is already in zeo.conf, line 6",
        "%import zc.zlibstorage;Z I <zrs>; replicate-to 5; <zlibstorage>; F </zlibstorage>; </zrs>|zeo.conf, line 8: <zlibstorage>: it can't be inside a <zrs> that has replicate-to: put it round the <zrs>",
        "%import zc.zlibstorage;Z I <zrs>; replicate-to 5; replicate-from localhost:6; <serverzlibstorage>; F </serverzlibstorage>; </zrs>|zeo.conf, line 9: <serverzlibstorage>: it can't be inside a <zrs> that has replicate-to: put it round the <zrs>",
        "%import zc.zlibstorage;Z I <zrs>; replicate-from localhost:6; <zlibstorage>; <mappingstorage/>; </zlibstorage>; </zrs>|zeo.conf, line 9: <mappingstorage>: a <mappingstorage> inside a <zrs> is known but not supported yet",
        "%import zc.zlibstorage;Z <blobstorage>; blob-dir b; <zlibstorage>; F </zlibstorage>; </blobstorage>|zeo.conf, line 7: <zlibstorage>: a <blobstorage> must be round a <filestorage> here",
        "%import zc.zlibstorage;Z <demostorage>; <zlibstorage changes>; F </zlibstorage>; </demostorage>|zeo.conf, line 6: <zlibstorage changes>: it can't be the changes of a <demostorage>: put it round the <demostorage>",
        "%import zc.zlibstorage;Z I <demostorage>; <zlibstorage>; <zrs>; replicate-to 5; F </zrs>; </zlibstorage>; </demostorage>|zeo.conf, line 7: <zlibstorage>: a <zrs> inside a <demostorage> is known but not supported yet",
        "Z <demostorage>; <filestorage a>; path a;</filestorage>; <filestorage b>; path b;</filestorage>; <mappingstorage changes/>; </demostorage>|zeo.conf, line 8: <filestorage b>: too many base storages: a <demostorage> has one, and one that is called changes",
        "Z <demostorage>; <mappingstorage changes/>; <mappingstorage Changes/>; </demostorage>|zeo.conf, line 6: <mappingstorage changes>: another section in <demostorage> has the name 'changes'",
        "Z I <demostorage>; <zrs base>; replicate-to 5; F </zrs>; </demostorage>|zeo.conf, line 6: <zrs base>: a <zrs> inside a <demostorage> is known but not supported yet",
        "Z <demostorage>; <demostorage changes/>; </demostorage>|zeo.conf, line 5: <demostorage changes>: the changes of a <demostorage> can't be in another one",
        "Z <demostorage>; <filestorage changes>; path a; create on; read-only on;</filestorage>; </demostorage>|zeo.conf, line 7: create in <filestorage changes>: can't create a read-only file",
        "Z <demostorage>; size 5; </demostorage>|zeo.conf, line 5: size is not a known key in <demostorage>",
        "Z <demostorage>; <zeoclient>; server 5;</zeoclient>; </demostorage>|zeo.conf, line 5: <zeoclient>: it needs Python, which zrs does not run",
        "Z I <zrs>; replicate-to 5; <demostorage/>; </zrs>|zeo.conf, line 7: <demostorage>: a <demostorage> inside a <zrs> is known but not supported yet",
        "Z I <zrs>; replicate-to 5; <mappingstorage/>; </zrs>|zeo.conf, line 7: <mappingstorage>: a <mappingstorage> inside a <zrs> is known but not supported yet",
        "Z <zeoclient>; server 5;</zeoclient>|zeo.conf, line 4: <zeoclient>: it needs Python, which zrs does not run",
        "Z <blobstorage>; blob-dir b; </blobstorage>|zeo.conf, line 4: <blobstorage>: there is no <filestorage> in it",
        "Z <blobstorage>; blob-dir b; <mappingstorage/>; </blobstorage>|zeo.conf, line 6: <mappingstorage>: a <blobstorage> must be round a <filestorage> here",
        "Z <blobstorage>; blob-dir b; <filestorage>; path a; blob-dir c;</filestorage>; </blobstorage>|zeo.conf, line 8: blob-dir in <filestorage>: the <blobstorage> round it has one already",
        "Z <blobstorage>; F </blobstorage>|zeo.conf, line 4: <blobstorage> has no blob-dir, which it needs",
        "<zeo>; address 1; <ssl>; certificate c; authenticate a; password-function m.f; </ssl>;</zeo> F|zeo.conf, line 6: password-function in <ssl>: Python code can't be run here; use password-file FILE (the password is its first line) or password-env NAME (the password is in that environment variable)",
        "<zeo>; address 1; <ssl>; certificate c; authenticate a; password-env E; password-file f; </ssl>;</zeo> F|zeo.conf, line 6: password-env in <ssl>: there is a password-file already",
        "<zeo>; address 1; <ssl>; certificate c; </ssl>;</zeo> F|zeo.conf, line 3: <ssl> has no authenticate, which it needs",
        "<zeo>; address 1; transaction-timeout 0;</zeo> F|zeo.conf, line 3: transaction-timeout in <zeo>: with a transaction timeout of 0.0 seconds nobody could commit; leave it out for none",
        "<zeo>; address 1; transaction-timeout x;</zeo> F|zeo.conf, line 3: transaction-timeout in <zeo>: 'x' is not an integer",
        "Z <filestorage>; path a; create true; read-only true;</filestorage>|zeo.conf, line 6: create in <filestorage>: can't create a read-only file",
        "Z I <zrs 1>; replicate-to 5; <zrs>; replicate-to 6; F </zrs>;</zrs>|zeo.conf, line 7: <zrs>: a <zrs> inside a <zrs> is known but not supported yet",
        // Only Python has it.
        "Z <filestorage>; path a; packer some.module;</filestorage>|zeo.conf, line 6: packer in <filestorage>: it names a function of Python; zrs has a pack of its own",
        "%import ZEO;Z F|zeo.conf, line 1: %import ZEO is not known: it needs Python (%import zc.zrs and zc.zlibstorage work)",
        "Z <fullstorage>; envdir e;</fullstorage>|zeo.conf, line 4: <fullstorage>: it needs Python, which zrs does not run",
        "Z F <eventlog>; <logfile>; path x; formatter zope.exceptions.log.Formatter; </logfile>;</eventlog>|zeo.conf, line 10: formatter in <logfile>: it names a class of Python; only logging.Formatter is known",
        "Z F <eventlog>; <syslog>; formatter my.Formatter; </syslog>;</eventlog>|zeo.conf, line 9: formatter in <syslog>: it names a class of Python; only logging.Formatter is known",
        "Z F <eventlog>; <http-logger/>;</eventlog>|zeo.conf, line 8: <http-logger>: it is not supported; <logfile> and <syslog> are",
        "Z F <eventlog>; <win32-eventlog/>;</eventlog>|zeo.conf, line 8: <win32-eventlog>: it is not supported; <logfile> and <syslog> are",
        "Z F <eventlog>; <email-notifier>; from a; to b; </email-notifier>;</eventlog>|zeo.conf, line 8: <email-notifier>: it is not supported; <logfile> and <syslog> are",
        // What does not go together in logs.
        "Z F <eventlog>; <logfile>; path x; when D; </logfile>;</eventlog>|zeo.conf, line 10: when in <logfile>: old-files must be set for log rotation",
        "Z F <eventlog>; <logfile>; path x; when X; old-files 1; </logfile>;</eventlog>|zeo.conf, line 10: when in <logfile>: 'X' is none of S, M, H, D, midnight, W0 (Monday) to W6",
        "Z F <eventlog>; <logfile>; path x; when D; max-size 1kb; old-files 1; </logfile>;</eventlog>|zeo.conf, line 10: when in <logfile>: a file can't have both max-size and when",
        "Z F <eventlog>; <logfile>; path x; interval 3; </logfile>;</eventlog>|zeo.conf, line 10: interval in <logfile>: old-files must be set for log rotation",
        "Z F <eventlog>; <logfile>; path x; interval 3; old-files 1; </logfile>;</eventlog>|zeo.conf, line 11: old-files in <logfile>: max-size or when must be set for log rotation",
        "Z F <eventlog>; <logfile>; path x; interval -1; when D; old-files 1; </logfile>;</eventlog>|zeo.conf, line 10: interval in <logfile>: -1 is out of range",
        "Z F <eventlog>; <logfile>; path STDOUT; when D; </logfile>;</eventlog>|zeo.conf, line 9: path in <logfile>: cannot rotate STDOUT",
        "Z F <eventlog>; <logfile>; path STDOUT; delay true; </logfile>;</eventlog>|zeo.conf, line 10: delay in <logfile>: cannot delay opening STDOUT",
        "Z F <eventlog>; <logfile>; path STDERR; encoding utf-8; </logfile>;</eventlog>|zeo.conf, line 10: encoding in <logfile>: cannot specify an encoding for STDERR",
        "Z F <eventlog>; <logfile>; path x; encoding klingon; </logfile>;</eventlog>|zeo.conf, line 10: encoding in <logfile>: the encoding 'klingon' is not known",
        "Z F <eventlog>; <logfile>; path x; encoding utf-16; </logfile>;</eventlog>|zeo.conf, line 10: encoding in <logfile>: the encoding 'utf-16' is not supported; take utf-8",
        "Z F <eventlog>; <logfile>; path x; style loud; </logfile>;</eventlog>|zeo.conf, line 10: style in <logfile>: 'loud' is not a style (one of classic, format, safe-template, template)",
        "Z F <eventlog>; <logfile>; path x; style format; format {what}; </logfile>;</eventlog>|zeo.conf, line 11: format in <logfile>: the format '{what}' names the unknown field 'what'",
        "Z F <eventlog>; <logfile>; path x; arbitrary-fields true; format %(what)s; </logfile>;</eventlog>|zeo.conf, line 11: format in <logfile>: the format '%(what)s' names the unknown field 'what'",
        "Z F <eventlog>; <syslog>; facility audit; </syslog>;</eventlog>|zeo.conf, line 9: facility in <syslog>: 'audit' is not a syslog facility (one of auth, authpriv, cron, daemon, kern, local0, local1, local2, local3, local4, local5, local6, local7, lpr, mail, news, security, syslog, user, uucp)",
        "Z F <eventlog>; <syslog>; address loghost; </syslog>;</eventlog>|zeo.conf, line 9: address in <syslog>: it has no port (HOST:PORT is needed)",
        "Z F <eventlog>; <syslog>; format %(name)d; </syslog>;</eventlog>|zeo.conf, line 9: format in <syslog>: the format '%(name)d' cannot show name with 'd'",
      })
  void aMistakeIsNamedWithItsPlace(String text, String message) {
    String expanded =
        text.replaceAll("\\bZ( |$)", "<zeo>;address 1;</zeo>;")
            .replaceAll("\\bF( |$)", "<filestorage 1>;path Data.fs;</filestorage>;")
            .replaceAll("\\bI( |$)", "%import zc.zrs;")
            .replace("> <", ">;<")
            .replace("; ;", ";")
            .replace(';', '\n');

    assertThatThrownBy(
            () ->
                new ConfigLoader(CommandLine.NONE, Map.of())
                    .build(Optional.of(new ConfigReader().read("zeo.conf", expanded))))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
  }
}
