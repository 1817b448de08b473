"""A certificate chain and its key on disk, and a cheap way to notice changes."""

import os
from dataclasses import dataclass
from pathlib import Path

Signature = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files: the certificate followed by its intermediates, and the private key."""

    certificate: Path
    key: Path

    def signature(self) -> Signature:
        """A value that changes whenever one of the files is replaced or written; it costs two `stat` calls.

        Raises OSError.
        """
        return _signature(self.certificate) + _signature(self.key)


def _signature(path: Path) -> Signature:
    status = os.stat(path)  # noqa: PTH116 - once per handshake
    return status.st_mtime_ns, status.st_size, status.st_ino
