"""A real OpenSearch on a free port of loopback: one that all tests of this machine share, or one of a test's own.

The distribution is the zip for integration tests from Maven Central. It has data streams, wildcard fields and painless,
and neither the security plugin nor index state management.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import pwd
import shutil
import signal
import zipfile
from pathlib import Path
from types import TracebackType

from tests.parts.child import Child, Folder
from tests.parts.ports import free_port

VERSION = "3.6.0"
_ARTIFACT = f"org/opensearch/distribution/integ-test-zip/opensearch/{VERSION}/opensearch-{VERSION}.zip"
_JAVA_RELEASE = 21
_ACCOUNTS = ("nobody", "daemon")
_HEAP = "-Xms256m\n-Xmx512m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n"
_JVM = "21-:-javaagent:agent/opensearch-agent.jar\n--add-opens=java.base/java.nio.file=ALL-UNNAMED\n"
_LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
_START_SECONDS = 180.0


def archive() -> Path:
    """The zip in the local Maven repository."""
    return Path.home() / ".m2" / "repository" / _ARTIFACT


def java_home() -> Path | None:
    """A JDK that is new enough: OPENSEARCH_JAVA_HOME, else the newest below /usr/lib/jvm."""
    if home := os.environ.get("OPENSEARCH_JAVA_HOME"):
        return Path(home)
    homes = [(release, path.parent) for path in Path("/usr/lib/jvm").glob("*/release") if (release := _release(path))]
    newest = max(homes, default=(0, Path()))
    return newest[1] if newest[0] >= _JAVA_RELEASE else None


def _release(file: Path) -> int:
    """The first number of JAVA_VERSION; 0 where it is not stated."""
    lines = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    first = lines.get("JAVA_VERSION", "").strip('"').split(".")[0]
    return int(first) if first.isdecimal() else 0


def reason_missing() -> str | None:
    """The reason why no server can be run; None when it can."""
    if not archive().exists():
        return f"no OpenSearch {VERSION} in the local Maven repository (make parts)"
    if java_home() is None:
        return f"no JDK {_JAVA_RELEASE} or newer (install one, or set OPENSEARCH_JAVA_HOME)"
    if os.geteuid() == 0 and _account() is None:
        return f"OpenSearch does not run as root, and there is no account {' or '.join(_ACCOUNTS)}"
    return None


def _account() -> pwd.struct_passwd | None:
    """The user that the server runs as when we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in _ACCOUNTS if name in known), None)


class OpenSearchServer:
    """`with OpenSearchServer() as server: … server.url`. The port stays the same over restarts."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Folder("opensearch")
        self._transport = free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    def start(self) -> None:
        """Start it, and unpack the distribution at the first start; returns when it answers. Raises PartFailed."""
        if not self._home.exists():
            self._unpack()
        env = {"OPENSEARCH_JAVA_HOME": str(java_home()), "OPENSEARCH_PATH_CONF": str(self._config), "HOME": "/"}
        argv = ["bash", str(self._home / "bin" / "opensearch")]
        if account := _account():
            argv = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--", *argv]
        self._child = Child(argv, self.folder.path / "opensearch.log", env=env, cwd=self._home)
        self._child.wait_until(self._answers, _START_SECONDS)

    def stop(self) -> None:
        """Stop it in order; its data stays."""
        if self._child:
            self._child.stop(signal.SIGTERM, 60.0)
        self._child = None

    def kill(self) -> None:
        """End it as a crash would; its data stays."""
        self._running().kill()
        self._child = None

    def wipe(self) -> None:
        """End it, remove all data, and start it on the same port."""
        if self._child:
            self.kill()
        shutil.rmtree(self._data, ignore_errors=True)
        self.start()

    def suspend(self) -> None:
        """Stop it from answering without closing a connection."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> OpenSearchServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child:
            self.kill()
        self.folder.close(keep=False)

    @property
    def _home(self) -> Path:
        return self.folder.path / f"opensearch-{VERSION}"

    @property
    def _config(self) -> Path:
        return self._home / "config"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("OpenSearch is not running")
        return self._child

    def _unpack(self) -> None:
        with zipfile.ZipFile(archive()) as packed:
            for entry in packed.infolist():
                path = packed.extract(entry, self.folder.path)
                if (mode := entry.external_attr >> 16 & 0o777) and not entry.is_dir():
                    Path(path).chmod(mode)
        self._configure()
        if account := _account():
            for path in (self.folder.path, *self.folder.path.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)

    def _configure(self) -> None:
        settings = {
            "cluster.name": "mailfold-tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self._transport,
            "path.data": self._data,
            # How full the disk of this machine is must not decide about a test.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        (self._config / "opensearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        (self._config / "jvm.options").write_text(_HEAP + _JVM)
        (self._config / "log4j2.properties").write_text(_LOGGING)

    def _answers(self) -> bool:
        """Whether the node has joined its cluster, so that indices can be made."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return connection.getresponse().status == 200
        return False
