"""Starts a reading process: the process limits and confines itself, and only then loads what reads documents.

It runs as a script of an isolated interpreter (`python -I -B launcher.py ROOT MEMORY_MB CPU_SECONDS`). Limits that
are set between fork and exec would run Python in a copy of the server, with its locks, sockets and threads; so the
limits are set here, after exec.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from pathlib import Path

_MB = 1 << 20
_MAPPED_MB = 768
"""Address space beside the memory limit: the interpreter, the libraries, and the stacks of their threads."""
_DESCRIPTORS = 48


def main(root: str, memory_mb: int, cpu_seconds: int) -> None:
    """Confine this process and serve requests."""
    os.nice(19)
    _enter_empty_folder()
    _limit(memory_mb, cpu_seconds)
    sys.path.insert(0, root)
    from services.indexer.extraction.child.confinement import confine
    from services.indexer.extraction.child.memory import Memory

    memory = Memory()
    confinement = confine(root)
    from services.indexer.extraction.child.worker import serve

    serve(confinement, memory, memory_mb)


def _limit(memory_mb: int, cpu_seconds: int) -> None:
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_DATA, memory_mb * _MB),
        (resource.RLIMIT_AS, (memory_mb + _MAPPED_MB) * _MB),
        (resource.RLIMIT_CPU, cpu_seconds),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # The worker raises the soft limit of CPU time again for the next request.
        resource.setrlimit(kind, (allowed, hard if kind == resource.RLIMIT_CPU else allowed))


def _enter_empty_folder() -> None:
    """Work in a folder that exists no more, so nothing can be in it and nothing is left of it."""
    folder = tempfile.mkdtemp(prefix="mailfold-extraction-")
    os.chdir(folder)
    Path(folder).rmdir()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
