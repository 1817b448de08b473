"""The process that announces the listeners: its failure is reported in a sentence and does not affect the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_ANNOUNCE = """
from mailfold.launcher.announcer import Announcer
from mailfold.operator.failure import CommandFailed
def announce():
    {body}
announcer = Announcer(announce)
announcer.ready()
announcer.close()
"""


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ("print('all is well')", ""),
        ("raise CommandFailed('nobody answers')", "nobody answers"),
        ("raise BrokenPipeError(32, 'Broken pipe')", "Broken pipe"),
        ("raise KeyError('unforeseen')", "a bug in Mailfold (KeyError: 'unforeseen')"),
    ],
)
def test_what_goes_wrong_is_a_sentence(tmp_path: Path, body: str, reported: str) -> None:
    words, environment = [sys.executable, "-c", _ANNOUNCE.format(body=body)], {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and reported in done.stderr
    assert bool(done.stderr) == bool(reported)
