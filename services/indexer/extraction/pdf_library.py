"""The folder into which kreuzberg unpacks its PDF library.

The library is part of the package and is unpacked into the temporary folder of the process, under a name that anyone on
the machine can guess, and is loaded from there if it exists. So it is unpacked once, by a process that reads nothing of
strangers, into a folder of the server's own; the reading processes may only read it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from services.indexer.extraction.port import ExtractorUnavailable

_UNPACK = Path(__file__).parent / "child" / "unpack.py"
_SECONDS = 120
_LIBRARY = "kreuzberg-pdfium"


def unpacked_library(folder: Path, environment: dict[str, str]) -> Path:
    """The folder that contains the unpacked library, as TMPDIR of a reading process. Raises ExtractorUnavailable."""
    target = folder / f"kreuzberg-{version('kreuzberg')}"
    if not (target / _LIBRARY).is_dir():
        try:
            _unpack(folder, target, environment)
        except (OSError, subprocess.SubprocessError) as error:
            raise ExtractorUnavailable(f"the PDF library cannot be unpacked into {folder}: {error}") from error
    return target


def _unpack(folder: Path, target: Path, environment: dict[str, str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for older in folder.glob("kreuzberg-*"):
        shutil.rmtree(older)
    with tempfile.TemporaryDirectory(dir=folder, prefix="kreuzberg-new-") as new:
        subprocess.run(  # noqa: S603 - the command is this program itself
            (sys.executable, "-I", "-B", str(_UNPACK)),
            env={**environment, "TMPDIR": new},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
        # A version that needs no library must not be asked again each time.
        (Path(new) / _LIBRARY).mkdir(exist_ok=True)
        target.mkdir(mode=0o700)
        (Path(new) / _LIBRARY).rename(target / _LIBRARY)
