"""The extractor: reading processes that live only while there is something to read.

Each attachment is a request of its own, so a death is the failure of that attachment only. A process is replaced after
a number of requests, when it has used much of its memory, and when a limit was reached.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from services.indexer.extraction.dialogue import OutOfTime, ProcessDied, TooMuchOutput
from services.indexer.extraction.kinds import CUT, HEAD, FileKind, kind_of
from services.indexer.extraction.pdf_library import unpacked_library
from services.indexer.extraction.port import Attachment, Budget, ExtractedText, ExtractionStatus, ExtractorUnavailable
from services.indexer.extraction.process import ENVIRONMENT, ReadingProcess, command_line
from services.indexer.extraction.verdict import ProcessEnd, verdict
from services.indexer.extraction.wire import BadFrame, Confinement, Request, Result, requested
from services.indexer.settings import ExtractionSettings

log = structlog.get_logger("extraction")

OWN_VERSION = 1
"""Raised whenever the same file would give another text or status."""
_MB = 1 << 20
_OCTETS_OF_A_CHARACTER = 4
_BESIDE_THE_TEXT = 1 << 20
_EXHAUSTING = frozenset((ExtractionStatus.LIMIT, ExtractionStatus.CRASHED, ExtractionStatus.TIMEOUT))
"""Results after which a process is replaced, if it lives."""


@cache
def extractor_version() -> str:
    """The version of everything that a text depends on."""
    try:
        return f"{OWN_VERSION}/kreuzberg-{version('kreuzberg')}"
    except PackageNotFoundError:
        return f"{OWN_VERSION}/no-kreuzberg"


class _Slot:
    """A place for a process, used by one request at a time."""

    def __init__(self) -> None:
        self.process: ReadingProcess | None = None
        self.retirement: asyncio.TimerHandle | None = None

    def keep_awake(self) -> None:
        """Do not end the process for idleness now."""
        if self.retirement is not None:
            self.retirement.cancel()
            self.retirement = None

    def end(self) -> ProcessEnd:
        """End the process, if there is one."""
        process, self.process = self.process, None
        return ProcessEnd(0, 0) if process is None else process.end()


class ProcessExtractor:
    """Implements `Extractor` with processes (`child.launcher`)."""

    def __init__(self, settings: ExtractionSettings, folder: Path, command: tuple[str, ...] = ()) -> None:
        """`folder` is the server's own; what the processes need of the library is unpacked into it."""
        self._folder = folder
        self._settings = settings
        self._command = command or command_line(settings.memory_mb, settings.cpu_seconds)
        self._idle = [_Slot() for _ in range(settings.processes)]
        self._slots = tuple(self._idle)
        self._free = asyncio.Semaphore(settings.processes)
        # A reading process dies with the thread that started it, so the threads stay.
        self._threads = ThreadPoolExecutor(settings.processes, "extraction")
        self._unpacking = Lock()
        self._closing = False
        self.confinement: Confinement | None = None
        """What keeps the processes from everything else, as the last one has reported."""

    @property
    def version(self) -> str:
        """The version of everything that the text depends on."""
        return extractor_version()

    @property
    def running(self) -> tuple[int, ...]:
        """The ids of the reading processes that are running now."""
        return tuple(slot.process.pid for slot in self._slots if slot.process is not None)

    async def extract(self, attachment: Attachment, budget: Budget) -> ExtractedText:
        """Read an attachment (see `Extractor`)."""
        async with self._free:
            if self._closing:
                raise ExtractorUnavailable("the extractor is closed")
            slot = self._idle.pop()
            slot.keep_awake()
            try:
                return await self._in_thread(slot, attachment, budget)
            finally:
                self._idle.append(slot)
                self._retire_later(slot)

    async def close(self) -> None:
        """End the processes. Requests that are not answered yet end with ExtractorUnavailable."""
        self._closing = True
        for slot in self._slots:
            slot.keep_awake()
            if slot.process is not None:
                slot.process.kill()
        await asyncio.to_thread(self._end_all)

    def _end_all(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for slot in self._slots:
            slot.end()

    async def _in_thread(self, slot: _Slot, attachment: Attachment, budget: Budget) -> ExtractedText:
        answer = asyncio.get_running_loop().run_in_executor(self._threads, self._read, slot, attachment, budget)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # The thread ends at once when its process dies; the slot must not be used before.
            if slot.process is not None:
                slot.process.kill()
            await asyncio.wait([answer])
            raise

    def _retire_later(self, slot: _Slot) -> None:
        if slot.process is not None:
            loop = asyncio.get_running_loop()
            slot.retirement = loop.call_later(self._settings.idle_seconds, self._retire, slot)

    def _retire(self, slot: _Slot) -> None:
        slot.retirement = None
        process, slot.process = slot.process, None
        if process is not None:
            # The kernel may take a while to give much memory back.
            self._threads.submit(process.end)

    def _read(self, slot: _Slot, attachment: Attachment, budget: Budget) -> ExtractedText:
        """Read an attachment, in a thread of this extractor."""
        began = time.monotonic()
        budget.parts -= 1
        octets = attachment.octets()
        head, octets = _peeked(octets)
        kind = kind_of(attachment.media_type, attachment.name, head)
        if not head:
            return self._result(ExtractionStatus.EMPTY, "", "")
        if kind is None:
            return self._result(ExtractionStatus.UNSUPPORTED, "", "not a format that is read")
        result = self._of_kind(slot, attachment, kind, octets, budget)
        if self._closing:
            raise ExtractorUnavailable("the extractor is being closed")
        budget.characters -= len(result.text)
        budget.seconds -= time.monotonic() - began
        return result

    def _of_kind(
        self, slot: _Slot, attachment: Attachment, kind: FileKind, octets: Iterator[bytes], budget: Budget
    ) -> ExtractedText:
        limited = _Limited(octets, self._settings.input_mb * _MB)
        result = self._asked(slot, attachment, kind, limited, budget)
        if limited.is_cut and result.status not in _EXHAUSTING:
            if kind not in CUT:
                return self._result(ExtractionStatus.LIMIT, "", f"it is larger than {self._settings.input_mb} MB")
            detail = f"only the first {self._settings.input_mb} MB were read"
            return self._result(ExtractionStatus.LIMIT, result.text, detail)
        return result

    def _asked(
        self, slot: _Slot, attachment: Attachment, kind: FileKind, limited: _Limited, budget: Budget
    ) -> ExtractedText:
        process = self._process_of(slot)
        request = Request(
            kind=kind,
            charset=attachment.charset[:100],
            characters=max(0, budget.characters),
            parts=max(0, budget.parts),
            depth=budget.depth,
            cpu_seconds=self._settings.cpu_seconds,
        )
        seconds = max(0.0, min(self._settings.seconds, budget.seconds))
        conversation = process.conversation(seconds, request.characters * _OCTETS_OF_A_CHARACTER + _BESIDE_THE_TEXT)
        # A document without its end cannot be read at all.
        steps = requested(request, limited, lambda: limited.is_cut and kind not in CUT)
        try:
            end = msgspec.msgpack.decode(process.ask(conversation, steps), type=Result)
            status = ExtractionStatus(end.status)
        except ProcessDied:
            status, detail = verdict(slot.end(), self._settings.memory_mb, conversation.complaint)
            return self._result(status, conversation.text, detail)
        except OutOfTime:
            slot.end()
            return self._result(ExtractionStatus.TIMEOUT, conversation.text, f"it took more than {seconds:.0f} seconds")
        except TooMuchOutput:
            slot.end()
            return self._result(ExtractionStatus.LIMIT, conversation.text, "more was written than is kept")
        except (BadFrame, msgspec.DecodeError, ValueError) as error:
            slot.end()
            return self._result(ExtractionStatus.CRASHED, conversation.text, f"an answer that is none: {error}")
        except BaseException:
            slot.end()
            raise
        budget.parts -= max(0, end.parts)
        if end.worn or status in _EXHAUSTING or process.asked >= self._settings.requests:
            slot.end()
        return self._result(status, conversation.text[: request.characters], end.detail)

    def _process_of(self, slot: _Slot) -> ReadingProcess:
        """The process of the slot, started when there is none. Raises ExtractorUnavailable."""
        if slot.process is None:
            with self._unpacking:
                library = unpacked_library(self._folder, ENVIRONMENT)
            slot.process = ReadingProcess(self._command, library)
            try:
                confinement = slot.process.ready()
            except BaseException:
                slot.end()
                raise
            if confinement != self.confinement:
                self.confinement = confinement
                log.info("extraction.confined", **msgspec.structs.asdict(confinement))
        return slot.process

    def _result(self, status: ExtractionStatus, text: str, detail: str) -> ExtractedText:
        return ExtractedText(status, "" if status is ExtractionStatus.EMPTY else text, detail, self.version)


def _peeked(octets: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first octets, and all octets."""
    pieces, length = [], 0
    for piece in octets:
        pieces.append(piece)
        length += len(piece)
        if length >= HEAD:
            break
    return b"".join(pieces)[:HEAD], chain(pieces, octets)


class _Limited:
    """Octets up to a limit; `is_cut` when there were more."""

    def __init__(self, octets: Iterator[bytes], limit: int) -> None:
        self._octets = octets
        self._left = limit
        self.is_cut = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.is_cut:
            raise StopIteration
        piece = next(self._octets)
        if len(piece) > self._left:
            self.is_cut = True
            piece = piece[: self._left]
            if not piece:
                raise StopIteration
        self._left -= len(piece)
        return piece
