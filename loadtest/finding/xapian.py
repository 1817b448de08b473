"""Dovecot with a Xapian index (Debian's dovecot-fts-xapian) as a peer: it finds the beginnings of words."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

from loadtest.finding.figures import IndexCost
from loadtest.finding.filling import MAILBOX
from loadtest.reading import dovecot
from loadtest.sending.programs import find

NAME = "Dovecot + xapian"
_PLUGIN = Path("/usr/lib/dovecot/modules/lib21_fts_xapian_plugin.so")
_MORE = """\
mail_plugins = fts fts_xapian
plugin {
  fts = xapian
  fts_xapian = partial=3 full=20
  fts_autoindex = no
  fts_enforced = yes
}
service indexer-worker {
  vsz_limit = 0
}
"""


def reason_missing() -> str | None:
    """The reason why it cannot be started; None when it can."""
    if reason := dovecot.reason_missing():
        return reason
    return None if _PLUGIN.exists() and find("doveadm") else "no plugin (apt install dovecot-fts-xapian)"


@contextlib.asynccontextmanager
async def with_xapian() -> AsyncIterator[dovecot.RunningDovecot]:
    """A running Dovecot, which indexes by `index` only. Raises RuntimeError, OSError."""
    async with dovecot.dovecot(_MORE) as running:
        yield running


def index(running: dovecot.RunningDovecot, mails: int) -> IndexCost:
    """Index the mailbox in a process of its own. Raises RuntimeError."""
    configuration = str(running.folder / "dovecot.conf")
    argv = ["doveadm", "-c", configuration, "index", "-u", dovecot.USER, MAILBOX.decode()]
    argv[0] = find("doveadm") or argv[0]
    began = time.perf_counter()
    with (running.folder / "index-output").open("wb") as output:
        process = subprocess.Popen(dovecot.unprivileged(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"doveadm index: {(running.folder / 'index-output').read_text('utf-8', 'replace')[-500:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return IndexCost(
        server=NAME,
        seconds=round(seconds, 2),
        mails_per_second=round(mails / seconds, 1),
        cpu_ms_per_mail={"doveadm": round(1000 * cpu / mails, 3)},
    )


def index_octets(running: dovecot.RunningDovecot) -> int:
    """The size of its index."""
    files = running.folder.rglob("xapian-indexes/**/*")
    return sum(file.stat().st_size for file in files if file.is_file())
