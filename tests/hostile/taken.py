"""Searches a compromised process of the server for credentials; only root can run these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from mailfold.supervisor.report import Process
from shared.grpc.credentials import CallTokens, digest

_CHUNK = 16 * 1024 * 1024


def parts(supervisor: int) -> dict[str, CallTokens]:
    """Process → its part of the credentials, from the supervisor's open files."""
    result: dict[str, CallTokens] = {}
    for link in _descriptors(supervisor):
        name = str(link.readlink())
        if name.startswith("/memfd:mailfold-"):
            process = name.removeprefix("/memfd:mailfold-").removesuffix(" (deleted)")
            result[process] = msgspec.json.decode(link.read_bytes(), type=CallTokens)
    return result


def tokens(part: CallTokens) -> set[str]:
    """All tokens that its services show when they call others."""
    return {token for shown in part.tokens.values() for token in shown.values()}


def shown_to(part: CallTokens, texts: set[str]) -> set[str]:
    """The tokens that others show to it, which are useless anywhere else."""
    accepted = {kept for callers in part.accepted.values() for kept in callers.values()}
    return {text for text in texts if digest(text) in accepted}


def open_parts(process: Process) -> list[str]:
    """The files with credentials that a process has open."""
    return [str(link) for link in _descriptors(process.pid) if "memfd:mailfold" in str(link.readlink())]


def environment(process: Process) -> bytes:
    """The environment, as the kernel shows it."""
    return Path(f"/proc/{process.pid}/environ").read_bytes()


def in_memory(process: Process, texts: set[str]) -> set[str]:
    """The texts that occur in the writable memory of the process."""
    result: set[str] = set()
    for chunk in _memory(process.pid):
        result |= {text for text in texts - result if text.encode() in chunk}
    return result


def on_disk(folder: Path, texts: set[str]) -> set[str]:
    """The texts that occur in a file below the folder."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {text for text in texts if any(text.encode() in content for content in files)}


def _descriptors(pid: int) -> Iterator[Path]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.is_symlink():
            yield link


def _memory(pid: int) -> Iterator[bytes]:
    """Its private memory; memory mapped from files cannot contain what was made at run time."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode, _, _, inode, *_name = line.split()
            if "w" in mode and inode == "0":
                start, end = (int(word, 16) for word in span.split("-"))
                yield from _region(memory, start, end)


def _region(memory: object, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _CHUNK):
        try:
            memory.seek(at)  # type: ignore[attr-defined]
            yield memory.read(min(_CHUNK, end - at))  # type: ignore[attr-defined]
        except OSError:  # reserved but never used
            return
