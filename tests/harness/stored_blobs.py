"""The blobs of a server as they lie in its folder, in files and in packs: which there are, their age, and damage."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_DIGEST = 64
_BYTE_OF_BODY = 18
"""The place of an octet of the first frame of a body."""


class StoredBlobs:
    """The blobs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digests(self) -> set[str]:
        """The digests of all blobs, without those in quarantine."""
        return {path.name for path in self._files()} | {digest for _, digest in self._packed()}

    def make_older(self, digests: Iterable[str], seconds: float) -> None:
        """Let blobs be as if they had been written so long ago."""
        moment = time.time() - seconds
        chosen = set(digests)
        for path in self._files():
            if path.name in chosen:
                os.utime(path, (moment, moment))
        for pack, digest in list(self._packed()):
            if digest in chosen:
                with _connected(pack) as driver:
                    driver.execute(
                        "UPDATE blob SET at = ? WHERE digest = ?", (int(moment * 1e9), bytes.fromhex(digest))
                    )

    def damage(self, digest: str) -> None:
        """Flip a bit of the body of a blob."""
        for path in self._files():
            if path.name == digest:
                path.write_bytes(_flipped(path.read_bytes()))
        for pack, packed in list(self._packed()):
            if packed == digest:
                flip(pack, digest)

    def _files(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("g*/*") if len(path.name) == _DIGEST)

    def _packed(self) -> Iterator[tuple[Path, str]]:
        for pack in sorted(self._folder.glob("packs/*.pack")):
            with _connected(pack) as driver:
                for (digest,) in driver.execute("SELECT digest FROM blob").fetchall():
                    yield pack, digest.hex()


def flip(pack: Path, digest: str) -> None:
    """Flip a bit of the body of a blob in a pack."""
    with _connected(pack) as driver:
        (stored,) = driver.execute("SELECT stored FROM blob WHERE digest = ?", (bytes.fromhex(digest),)).fetchone()
        driver.execute("UPDATE blob SET stored = ? WHERE digest = ?", (_flipped(stored), bytes.fromhex(digest)))


def _flipped(stored: bytes) -> bytes:
    changed = bytearray(stored)
    changed[_BYTE_OF_BODY] ^= 0x20
    return bytes(changed)


@contextmanager
def _connected(pack: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(pack, timeout=30)) as driver, driver:
        yield driver
