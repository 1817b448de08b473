"""The settings file, and the key with which events hash the values of secrets."""

from __future__ import annotations

import hmac
import os
import tomllib
from pathlib import Path
from typing import Any

from services.directory.domain.settings_text import with_value
from shared.places import Places
from shared.tls.private_files import write_private


class SettingsFile:
    """`mailfold.toml` of the data folder."""

    def __init__(self, places: Places) -> None:
        self._file = places.settings_file
        self._key_file = places.secrets / "settings.key"

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._file

    def set(self, name: str, value: Any) -> None:
        """Write one value durably. Raises DirectoryRefused or OSError."""
        text = self._file.read_text("utf-8") if self._file.exists() else ""
        write_private(self._file, with_value(text, name, value).encode())

    def values(self) -> dict[str, Any]:
        """All values of the file by their full names; empty when there is no file."""
        if not self._file.exists():
            return {}
        tables = tomllib.loads(self._file.read_text("utf-8"))
        return {
            f"{section}.{name}": value
            for section, table in tables.items()
            if isinstance(table, dict)
            for name, value in table.items()
        }

    def hashed(self, value: str) -> str:
        """The keyed hash of a secret for an event: it shows that the secret changed, but not its value."""
        return "hash:" + hmac.digest(self._key(), value.encode(), "sha256").hex()[:32]

    def _key(self) -> bytes:
        if not self._key_file.exists():
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._key_file, os.urandom(32))
        return self._key_file.read_bytes()
