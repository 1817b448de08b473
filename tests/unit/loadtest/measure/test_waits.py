"""How long others waited: the samples that belong to a command, and the lines of the report."""

from __future__ import annotations

import asyncio
import io

from rich.console import Console

from loadtest.figures import Report, Spread, Waits
from loadtest.imap.bulk import BulkSession
from loadtest.measure.large_commands import large_commands
from loadtest.measure.waits import Watcher
from loadtest.report import show

_LONGEST_LINE = 65_536
"""The shortest lines that servers must accept."""


async def _nothing(_number: int) -> None: ...


def test_who_waits_while_a_command_runs_is_counted_for_it() -> None:
    watcher = Watcher("NOOP", _nothing, 0.01, samples=[(1.0, 0.5), (2.0, 1.5), (4.0, 0.1), (6.0, 0.2)])
    assert watcher.between(3.0, 4.05) == [1.5, 0.1]
    assert watcher.between(1.2, 1.3) == [0.5]
    assert watcher.between(5.0, 5.5) == []


async def test_an_answer_ends_with_its_tagged_line() -> None:
    """However large the answer is, and however it is cut between lines."""
    lines = [b"x OK CREATE completed\r\n", *([b"* 1 FETCH (FLAGS ())\r\n"] * 5000), b"B1 OK FETCH completed\r\n"]
    for size in (1, 7, len(lines)):
        session = BulkSession()
        session.connection_made(_Sink())
        asked = asyncio.ensure_future(session.command(b"CREATE a", b"FETCH 1:* FLAGS"))
        await asyncio.sleep(0)
        for start in range(0, len(lines), size):
            assert not asked.done()
            session.data_received(b"".join(lines[start : start + size]))
        assert await asked == b"OK FETCH completed"


class _Sink(asyncio.Transport):
    def write(self, data: object) -> None: ...

    def is_closing(self) -> bool:
        return False


def test_every_command_fits_a_line() -> None:
    commands = large_commands(100_000)
    assert len(commands) > 30
    assert max(len(line) for command in commands for line in command.lines) < _LONGEST_LINE


def test_the_report_has_a_line_for_each_command() -> None:
    waits = {"NOOP": Spread(3, 1.0, 2.0, 2.5), "mail": Spread(2, 20.0, 30.0, 31.0)}
    line = Waits(command="EXPUNGE", mailbox_size=1000, seconds=1.5, answer="OK EXPUNGE completed", waits=waits)
    output = io.StringIO()
    show(Report(began="now", machine="here", fsync_method=None, waits=[line]), Console(file=output, width=150))
    for text in ("1000 messages", "EXPUNGE", "1.00 / 2.00 / 2.50", "20.0 / 30.0 / 31.0"):
        assert text in output.getvalue()
