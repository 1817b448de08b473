"""The loop of a reading process: a request, its octets, texts, an end."""

from __future__ import annotations

import os
import resource
import sys

import msgspec

from services.indexer.extraction.child.memory import Memory
from services.indexer.extraction.child.reading import FileReading
from services.indexer.extraction.child.refusal import Refused
from services.indexer.extraction.port import ExtractionStatus
from services.indexer.extraction.wire import (
    ABANDONED,
    END,
    LENGTH,
    LONGEST_REQUEST,
    PIECE,
    READY,
    TEXT,
    Confinement,
    Request,
    Result,
    frame,
)

_INPUT = 0
_OUTPUT = os.dup(1)
"""What a library prints goes to the standard error, so that it is not taken for an answer."""
_WORN = 4
"""A process is worn that has used this part of its memory limit: what it keeps would count against the next file."""
_MB = 1 << 20
_DETAIL = 500


def serve(confinement: Confinement, memory: Memory, memory_mb: int) -> None:
    """Answer requests until the input ends."""
    sys.setrecursionlimit(500)
    os.dup2(2, 1)
    _write(frame(READY, msgspec.msgpack.encode(confinement)))
    while length := _next_length():
        encoded = _read(_bounded(length, LONGEST_REQUEST))
        request = msgspec.msgpack.decode(encoded, type=Request)
        _allow_time(request.cpu_seconds)
        reading = FileReading(request, _give)
        status, detail = _outcome(reading, request)
        worn = memory.used() > memory_mb * _MB // _WORN
        result = Result(status=status, detail=detail[:_DETAIL], parts=reading.parts, worn=worn)
        _write(frame(END, msgspec.msgpack.encode(result)))


def _outcome(reading: FileReading, request: Request) -> tuple[ExtractionStatus, str]:
    octets = _octets()
    if octets is None:
        return ExtractionStatus.LIMIT, "it is too large"
    try:
        reading.read(request.kind, request.charset, octets)
    except Refused as refusal:
        return refusal.status, refusal.detail
    except (MemoryError, RecursionError) as error:
        return ExtractionStatus.LIMIT, type(error).__name__
    except Exception as error:  # A parser may raise anything; the end of this file is what its error says.
        return ExtractionStatus.FAILED, f"{type(error).__name__}: {error}"
    return (ExtractionStatus.OK if reading.given else ExtractionStatus.EMPTY), reading.detail


def _allow_time(cpu_seconds: int) -> None:
    """Let this request use some more CPU time than was used until now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = used + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _give(text: str) -> None:
    for start in range(0, len(text), PIECE):
        _write(frame(TEXT, text[start : start + PIECE].encode("utf-8", "replace")))


def _octets() -> bytes | None:
    """The octets of a file; None when they are abandoned."""
    pieces = []
    while length := _next_length():
        if length == ABANDONED:
            return None
        pieces.append(_read(_bounded(length, PIECE)))
    return b"".join(pieces)


def _next_length() -> int:
    """The next length; 0 at the end of the octets, and at the end of the input."""
    head = _read(LENGTH.size)
    return int(LENGTH.unpack(head)[0]) if head else 0


def _bounded(length: int, longest: int) -> int:
    if length > longest:
        raise SystemExit("too long a piece")
    return length


def _read(count: int) -> bytes:
    result = b""
    while len(result) < count:
        piece = os.read(_INPUT, count - len(result))
        if not piece:
            if result:
                raise SystemExit(0)
            return b""
        result += piece
    return result


def _write(octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(_OUTPUT, view) :]
