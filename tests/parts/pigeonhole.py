"""Pigeonhole, Dovecot's interpreter of Sieve: its `sieve-test` runs a script over a message and prints the actions."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_SECONDS = 60.0
_CONFIGURATION = """\
protocols =
ssl = no
log_path = /dev/stderr
base_dir = {folder}/run
mail_home = {folder}/home
mail_location = maildir:{folder}/home/mail
mail_uid = {user}
mail_gid = {group}
namespace inbox {{
  inbox = yes
  separator = /
}}
plugin {{
  sieve_extensions = +editheader +vacation-seconds
  sieve_max_actions = 0
  sieve_variables_max_value_size = 8000
  sieve_max_redirects = 8
}}
"""
_ERROR = re.compile(r"^(?:[^\n:]+: )?(?:line \d+: )?error: (.*)$", re.MULTILINE)
_FAILED = "final result: failed"


def reason_missing() -> str | None:
    """None when sieve-test is installed."""
    return None if shutil.which("sieve-test") else "no sieve-test (make parts, or apt install dovecot-sieve)"


class Printed(NamedTuple):
    """What sieve-test printed: the performed actions, those of the implicit keep, and an error of the script.

    Each action is its first line and the indented lines behind it.
    """

    actions: list[list[str]]
    kept: list[list[str]]
    error: str
    is_compiled: bool


class Pigeonhole:
    """A configuration of Pigeonhole in a folder that the user of the mail may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._configuration = folder / "dovecot.conf"
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._configuration.write_text(
            _CONFIGURATION.format(folder=folder, user=entry.pw_uid, group=entry.pw_gid), "utf-8"
        )

    def store(self, name: str, octets: bytes) -> Path:
        """A file that sieve-test can read."""
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def compiled(self, script: Path) -> None:
        """Write the script's binary beside it, so that no run compiles it again."""
        _ended(["sievec", "-c", str(self._configuration), str(script)])

    def command(self, script: Path, message: Path, *options: str) -> list[str]:
        """The command line that runs the script over the message."""
        return ["sieve-test", "-c", str(self._configuration), *options, str(script), str(message)]

    def run(self, script: Path, message: Path, sender: str, recipient: str) -> Printed:
        """Run the script over the message."""
        ended = _ended(self.command(script, message, "-f", sender, "-r", recipient))
        return read(ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace"), ended.returncode)


def _ended(argv: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, timeout=_SECONDS, check=False)


@contextmanager
def pigeonhole() -> Iterator[Pigeonhole]:
    """Pigeonhole in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pigeonhole-") as folder:
        Path(folder).chmod(0o755)
        yield Pigeonhole(Path(folder))


def read(output: str, errors: str, status: int) -> Printed:
    """Read what sieve-test printed."""
    error = _ERROR.search(errors)
    failed = status != 0 or _FAILED in errors
    performed, _, kept = output.partition("Implicit keep:")
    return Printed(
        _actions(performed),
        _actions(kept),
        (error[1] if error else errors.strip()) if failed else "",
        "Performed actions:" in output or "Implicit keep:" in output or _FAILED in errors,
    )


def _actions(text: str) -> list[list[str]]:
    actions: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith(" * "):
            actions.append([line[3:]])
        elif actions and line.strip():
            actions[-1].append(line.strip())
    return actions
