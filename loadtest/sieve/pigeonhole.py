"""Times Pigeonhole's `sieve-test`, a process for each run, with a script that `sievec` has compiled."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import subprocess
from pathlib import Path

_CONFIGURATION = """\
protocols =
ssl = no
log_path = /dev/null
base_dir = {folder}/run
mail_home = {folder}/home
mail_location = maildir:{folder}/home/mail
mail_uid = {user}
mail_gid = {group}
namespace inbox {{
  inbox = yes
}}
"""
_SECONDS = 60.0


def is_installed() -> bool:
    """Whether sieve-test and sievec are there."""
    return shutil.which("sieve-test") is not None and shutil.which("sievec") is not None


class Pigeonhole:
    """Compiled scripts and a message in a folder that the user of the mail may read."""

    def __init__(self, folder: Path, message: bytes) -> None:
        folder.chmod(0o755)
        self._folder = folder
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._configuration = folder / "dovecot.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(folder=folder, user=entry.pw_uid, group=entry.pw_gid), "utf-8"
        )
        self._message = folder / "message.eml"
        self._message.write_bytes(message)

    def compiled(self, name: str, source: bytes) -> Path:
        """A script with its binary. Raises CalledProcessError."""
        path = self._folder / f"{name}.sieve"
        path.write_bytes(source)
        self._run("sievec", str(path))
        return path

    def seconds(self, script: Path, times: int = 1) -> float:
        """The CPU time of a process that runs the script `times` over the message. Raises CalledProcessError."""
        before = [word for _ in range(times - 1) for word in ("-s", str(script))]
        began = _seconds_of_children()
        self._run(
            "sieve-test", "-f", "a@example.com", "-r", "bob@example.org", *before, str(script), str(self._message)
        )
        return _seconds_of_children() - began

    def _run(self, program: str, *words: str) -> None:
        argv = [program, "-c", str(self._configuration), *words]
        subprocess.run(argv, capture_output=True, timeout=_SECONDS, check=True)


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
