"""Settings: they are written to `mailfold.toml` and take effect at the next start.

Every change becomes an event, also a change that was made by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from services.directory.adapters.settings_file import SettingsFile
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import OWNER
from shared.events.directory import SettingChanged
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.settings import Described, Sections, Settings, as_text, check
from shared.settings import load as load_settings

_STREAM = "settings"
_BY_HAND = Provenance(Actor("system", id="mailfold.toml"))


class SettingCommands:
    """Commands on settings. `sections` has every section of the installation."""

    def __init__(self, store: EventStore, in_force: Settings, sections: Sections, file: SettingsFile) -> None:
        self._store = store
        self._in_force = in_force
        self._sections = sections
        self._file = file
        self._secret = {setting.name for setting in load_settings(sections).described() if setting.secret}
        self._lock = asyncio.Lock()

    def described(self) -> list[Described]:
        """Every setting in force, with secrets masked."""
        known = self._in_force.described()
        names = {setting.name for setting in known}
        return known + [
            setting
            for setting in load_settings(self._sections, self._file.path).described()
            if setting.name not in names
        ]

    async def change(self, name: str, value: str, provenance: Provenance) -> Described:
        """Set a value for the next start. Raises SettingsError, DirectoryRefused, OSError."""
        typed = check(self._sections, name, value)
        async with self._lock:
            await asyncio.to_thread(self._file.set, name, typed)
            text = self._text(name, typed)
            await self._store.write(lambda tx: _note(tx, {name: text}.items(), provenance))
        now = next(setting for setting in self.described() if setting.name == name)
        shown = "********" if now.secret and typed else as_text(typed)
        return msgspec.structs.replace(now, value=shown, source=f"{self._file.path}, {self._when(now.source)}")

    async def revert(self, recorded: Recorded, provenance: Provenance) -> None:
        """Set the value before a change again, or the default. Raises DirectoryRefused, SettingsError, OSError."""
        event = recorded.event
        if not isinstance(event, SettingChanged) or event.name in self._secret:
            raise DirectoryRefused("invalid", "the value before is a secret, which no event has: set it anew")
        known = await self._store.read(load.settings)
        if known.get(event.name, "") != event.value:
            raise DirectoryRefused("not-empty", f"{event.name} was changed again since")
        defaults = {setting.name: setting.default for setting in load_settings(self._sections).described()}
        await self.change(event.name, event.previous or defaults.get(event.name, ""), provenance)

    def _when(self, source: str) -> str:
        """When the value takes effect: a value from another source than the file overrides it."""
        beaten = source not in ("default", str(self._file.path))
        return f"but the {source} wins until it is unset" if beaten else "in force after `mailfold settings apply`"

    async def note_edits(self) -> None:
        """Record changes of the file that were made by hand, at a start."""
        values = await asyncio.to_thread(self._file.values)
        changed = {
            name: self._text(name, tuple(value) if isinstance(value, list) else value) for name, value in values.items()
        }
        known = await self._store.read(load.settings)
        edits = {
            name: changed.get(name, "")
            for name in sorted(known.keys() | changed.keys())
            if known.get(name, "") != changed.get(name, "")
        }
        if edits:
            await self._store.write(lambda tx: _note(tx, edits.items(), _BY_HAND))

    def _text(self, name: str, value: Any) -> str:
        text = as_text(value)
        return self._file.hashed(text) if text and name in self._secret else text


def _note(tx: Transaction, changes: Iterable[tuple[str, str]], provenance: Provenance) -> None:
    known = load.settings(tx)
    events = [
        SettingChanged(name, value, known.get(name, "")) for name, value in changes if known.get(name, "") != value
    ]
    tx.append(_STREAM, events, provenance, owner=OWNER)
