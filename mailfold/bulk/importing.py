"""Imports a file page by page: a page that gets no answer is sent again, which changes nothing twice.

A line that needs something which a later line adds is sent once more after the end of the file. So the order of the
lines does not matter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mailfold.bulk.lines import FileLine, ImportFile
from shared.grpc.errors import TimedOut, Unavailable
from shared.rpc.mailfold.directory.v1 import bulk_pb2 as pb

if TYPE_CHECKING:
    from mailfold.commands.progress import Progress

T = TypeVar("T")
PAGE_LINES, PAGE_OCTETS = 500, 1024 * 1024
MOST_MISTAKES = 1_000
MOST_WAITING = 100_000
"""Lines that wait for later ones; further ones are refused at once."""
_MOST_ROUNDS = 20
"""Rounds over the file; a chain of aliases that resolves is shorter."""
_PATIENCE, _PAUSE = 120.0, 0.5
"""Seconds for which a server that does not answer is asked again."""
_CALL_SECONDS = 600.0
_LATER = "missing"


class ImportReport(NamedTuple):
    """What became of a file."""

    id: str
    lines: int
    added: int
    present: int
    refused: int
    mistakes: list[tuple[int, str]]
    """The first mistakes, by line."""


class Importing:
    """One import, or its trial."""

    def __init__(self, stub: Any, file: ImportFile, progress: Progress, *, trial: bool) -> None:
        self._stub = stub
        self._file = file
        self._progress = progress
        self._trial = trial
        self._id = ""
        self._added = self._present = self._refused = self._lines = 0
        self._mistakes: list[tuple[int, str]] = []

    async def run(self) -> ImportReport:
        """Import the file. Raises ServiceError."""
        digest = "" if self._trial else self._file.digest()
        begun = await _patiently(
            lambda: self._stub.BeginImport(pb.BeginImportRequest(digest=digest, trial=self._trial))
        )
        self._id = begun.id
        waiting: set[int] | None = None
        for number in range(1, _MOST_ROUNDS + 1):
            added, missing = self._added, await self._round(number, waiting)
            if not missing or self._added == added or number == _MOST_ROUNDS:
                break
            waiting = set(missing)
        for line, text in sorted(missing.items()):
            self._refuse(line, text)
        end = pb.EndImportRequest(id=self._id, trial=self._trial, refused=self._refused)
        await _patiently(partial(self._stub.EndImport, end, timeout=_CALL_SECONDS))
        return ImportReport(
            self._id, self._lines, self._added, self._present, self._refused, sorted(self._mistakes)[:MOST_MISTAKES]
        )

    async def _round(self, number: int, waiting: set[int] | None) -> dict[int, str]:
        """Send the lines of the file, or the waiting ones; returns those that something is missing for."""
        missing: dict[int, str] = {}
        done, total = 0, self._file.octets if waiting is None else len(waiting)
        for page in self._pages(waiting):
            request = pb.ImportLinesRequest(id=self._id, trial=self._trial, lines=page)
            reply = await _patiently(partial(self._stub.ImportLines, request, timeout=_CALL_SECONDS))
            self._added += reply.added
            self._present += reply.present
            for mistake in reply.mistakes:
                if mistake.reason == _LATER and len(missing) < MOST_WAITING:
                    missing[mistake.number] = mistake.text
                else:
                    self._refuse(mistake.number, mistake.text)
            done += sum(len(line.json) + 1 for line in page) if waiting is None else len(page)
            self._progress("octets" if number == 1 else f"again {number}", min(done, total), total)
        return missing

    def _pages(self, waiting: set[int] | None) -> Iterator[list[pb.ImportLine]]:
        page: list[pb.ImportLine] = []
        octets = 0
        for line in self._file.lines():
            if waiting is None:
                self._lines += 1
            if not self._is_sent(line, waiting):
                continue
            if page and (len(page) == PAGE_LINES or octets + len(line.json) > PAGE_OCTETS):
                yield page
                page, octets = [], 0
            page.append(pb.ImportLine(number=line.number, json=line.json))
            octets += len(line.json)
        if page:
            yield page

    def _is_sent(self, line: FileLine, waiting: set[int] | None) -> bool:
        if waiting is not None:
            return line.number in waiting
        if line.mistake:
            self._refuse(line.number, line.mistake)
        return not line.mistake

    def _refuse(self, line: int, text: str) -> None:
        self._refused += 1
        if len(self._mistakes) < MOST_MISTAKES:
            self._mistakes.append((line, text))


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call a server that may be starting again. Raises Unavailable, TimedOut, and other ServiceErrors at once."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return await call()
        except (Unavailable, TimedOut):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(_PAUSE)
