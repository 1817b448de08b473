"""Reads the history of objects of the directory from the log."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain.histories import HistoryStep, steps_of
from services.directory.domain.names import domain_name, key_of, user_key
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.commands import OWNER
from shared.events.directory import SettingChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Recorded
from shared.eventstore.transaction import COLUMNS, recorded_from
from shared.ids import shard_of

KINDS = ("domain", "user", "account", "alias", "list", "setting")
_MOST_STREAMS, _MOST_EVENTS = 100, 10_000
"""Objects that had one name, and events of each of them; the newest are shown."""
_SHARD = shard_of(OWNER)
_OF_STREAM = f"SELECT {COLUMNS} FROM event WHERE stream = ? ORDER BY version DESC LIMIT ?"  # noqa: S608
_AT = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position = ?"  # noqa: S608
_OF_COMMAND = (
    f"SELECT {COLUMNS} FROM event WHERE command = ? AND command <> '' AND shard = ? AND position < ?"  # noqa: S608
    " ORDER BY position DESC LIMIT ?"
)


def history(reader: Reader, kind: str, name: str) -> list[HistoryStep]:
    """All changes of everything that ever had a name, the oldest first. Raises DirectoryRefused."""
    if kind not in KINDS:
        raise DirectoryRefused("invalid", f"there is no history of {kind[:40]!r}; there is one of {', '.join(KINDS)}")
    steps = [step for stream in _streams(reader, kind, name) for step in of_stream(reader, stream)]
    if kind == "setting":
        steps = [step for step in steps if getattr(step.recorded.event, "name", "") == name]
    if not steps:
        raise DirectoryRefused("missing", f"there never was a change of the {kind} {name}")
    return sorted(steps, key=lambda step: step.recorded.position)


def of_stream(reader: Reader, stream: str) -> list[HistoryStep]:
    """The changes of one object."""
    rows = reader.all(_OF_STREAM, (stream, _MOST_EVENTS))
    return steps_of(map(recorded_from, reversed(rows)))


def event_at(reader: Reader, number: int) -> Recorded:
    """The event with a number of the history. Raises DirectoryRefused."""
    row = reader.first_row(_AT, (_SHARD, number))
    if row is None:
        raise DirectoryRefused("missing", f"there is no change {number}: `mailfold history` shows the numbers")
    return recorded_from(row)


def events_of_command(reader: Reader, command: str, before: int, limit: int) -> list[Recorded]:
    """Events that a command wrote before a position, the newest first."""
    return [recorded_from(row) for row in reader.all(_OF_COMMAND, (command, _SHARD, before, limit))]


def is_setting(recorded: Recorded) -> bool:
    """Whether an event is the change of a setting."""
    return isinstance(recorded.event, SettingChanged)


def _streams(reader: Reader, kind: str, name: str) -> Sequence[str]:
    if kind == "setting":
        return ("settings",)
    if kind == "alias":
        return (f"alias:{key_of(name)}",)
    key = {"domain": domain_name, "user": user_key}.get(kind, key_of)(name)
    sql = "SELECT stream FROM former_name WHERE kind = ? AND key = ? ORDER BY stream DESC LIMIT ?"
    named = [stream for (stream,) in reader.all(sql, (kind, key, _MOST_STREAMS))]
    return named or (f"{kind}:{name}",)
