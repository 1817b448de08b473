"""One OpenSearch for all tests of this machine: a keeper process runs it while any test process uses it.

Every user holds a shared lock of the same file, which the kernel releases also when a user is killed. The keeper waits
for the exclusive lock, so it gets it when nobody uses the server any more; then it ends the server and itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.parts.child import PartFailed
from tests.parts.opensearch import VERSION, OpenSearchServer

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 240.0
_POLL = 0.1


def _place() -> Path:
    folder = Path(tempfile.gettempdir()) / f"mailfold-opensearch-{VERSION}-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def shared_opensearch() -> Iterator[str]:
    """The URL of the shared server. Use index names with a prefix of your own, and change no setting of the cluster."""
    place = _place()
    with (place / "users").open("ab") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield _url(place)


def _url(place: Path) -> str:
    """The URL of the running server; starts it when this is the first user. Raises PartFailed."""
    with (place / "starting").open("ab") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (place / "url").exists():
            _start_keeper(place)
        return (place / "url").read_text()


def _start_keeper(place: Path) -> None:
    with (place / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", __name__, str(place)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=_ROOT,
            start_new_session=True,
        )
    end = time.monotonic() + _PATIENCE
    while not (place / "url").exists():
        if keeper.poll() is not None or time.monotonic() > end:
            raise PartFailed(f"the shared OpenSearch did not start: {(place / 'keeper.log').read_text()[-2000:]}")
        time.sleep(_POLL)


def keep(place: Path) -> None:
    """Run the server until nobody uses it."""
    with OpenSearchServer() as server, (place / "users").open("ab") as users:
        written = place / "url.new"
        written.write_text(server.url)
        written.rename(place / "url")
        try:
            fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            (place / "url").unlink()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
