"""Runs the server as another user.

Where Python is in a folder that only root may enter, server and command run in a mount namespace in which that folder
is accessible.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from tests.harness.ports import WELL_KNOWN, is_free

USER = "nobody"
_OPEN = (
    'mount -t tmpfs -o mode=755 none "$1" && mkdir "$1/$3" && mount --rbind "$2/$3" "$1/$3" && mount --rbind "$1" "$2"'
    ' && shift 3 && exec "$@"'
)


def reason_missing() -> str | None:
    """The reason why root cannot start a server that becomes this user; None when it can."""
    if os.geteuid() != 0:
        return "only root can start a server that becomes another user"
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return f"there is no user {USER}"
    if _closed() and subprocess.run([*prefix(), "true"], capture_output=True, check=False).returncode:
        return f"{USER} may not enter {_closed()}, and there are no mount namespaces to open it in"
    return None


@functools.cache
def prefix() -> tuple[str, ...]:
    """The command prefix with which the user can read Python; empty where no prefix is needed."""
    closed = _closed()
    if closed is None or shutil.which("unshare") is None:
        return ()
    entry = Path(sys.base_prefix).resolve().relative_to(closed).parts[0]
    return ("unshare", "--mount", "--propagation", "private", "sh", "-ec", _OPEN, "sh", "/mnt", str(closed), entry)


def with_binding() -> tuple[str, ...]:
    """The command prefix that runs a program as that user, with the right to bind ports below 1024 and no other."""
    entry = pwd.getpwnam(USER)
    who = (f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    capability = "+net_bind_service"
    return ("setpriv", *who, f"--inh-caps={capability}", f"--ambient-caps={capability}")


def low_offset() -> int:
    """A port offset with which the server's ports are below 1024 and free."""
    offsets = (offset for offset in range(1, 31) if all(is_free(port + offset) for port in WELL_KNOWN))
    return next(offsets)


def _closed() -> Path | None:
    """The folder above Python that other users may not enter."""
    folders = [*reversed(Path(sys.base_prefix).resolve().parents)]
    return next((folder for folder in folders if not folder.stat().st_mode & 0o001), None)
