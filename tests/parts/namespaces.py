"""Mount namespaces, in which a process sees a file system of its own, as in a container."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

_PROGRAMS = ("unshare", "chroot", "mount")


@functools.cache
def reason_missing() -> str | None:
    """The reason why no process can have a file system of its own; None when one can."""
    if os.geteuid() != 0:
        return "mount namespaces for processes of another user need root"
    absent = [program for program in _PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)} (apt install util-linux coreutils mount)"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return None if tried.returncode == 0 else "this machine allows no mount namespaces"
