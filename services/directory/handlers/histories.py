"""Reads the history of objects of the directory from the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from services.directory.domain.histories import HistoryStep, steps_of
from services.directory.domain.names import domain_name, key_of, user_key
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.commands import OWNER
from shared.events.credentials import ApplicationAdded
from shared.events.directory import SettingChanged
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Recorded
from shared.eventstore.scratch import octets_of
from shared.eventstore.transaction import COLUMNS, recorded_from
from shared.ids import shard_of

KINDS = (*("domain", "user", "account", "alias", "list", "group", "application", "relay", "key", "senders", "setting"),)
_MOST_STREAMS, _MOST_EVENTS, _MOST_OCTETS = 100, 10_000, 16 * 1024 * 1024
"""Objects that had one name, events of all of them, and octets of these; the newest are shown."""
_PAGE = 200
_MOST_NAMES = 20_000
"""Ids that are shown as names."""
_ID = re.compile(r"\b[adgou][0-9a-hjkmnp-tv-z]{20}\b")
_NAMED = "".join(
    (
        "SELECT name FROM person WHERE id = ? UNION ALL SELECT address FROM account WHERE id = ?",
        " UNION ALL SELECT name FROM user_group WHERE id = ? UNION ALL SELECT name FROM domain WHERE id = ?",
    )
)
_SHARD = shard_of(OWNER)
_OF_STREAM = f"SELECT {COLUMNS} FROM event WHERE stream = ? AND version < ? ORDER BY version DESC LIMIT ?"  # noqa: S608
_AT = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position = ?"  # noqa: S608
_OF_COMMAND = (
    f"SELECT {COLUMNS} FROM event WHERE command = ? AND command <> '' AND shard = ? AND position < ?"  # noqa: S608
    " ORDER BY position DESC LIMIT ?"
)


def history(reader: Reader, kind: str, name: str) -> list[HistoryStep]:
    """All changes of everything that ever had a name, the oldest first. Raises DirectoryRefused."""
    if kind not in KINDS:
        raise DirectoryRefused("invalid", f"there is no history of {kind[:40]!r}; there is one of {', '.join(KINDS)}")
    steps, events, octets = list[HistoryStep](), _MOST_EVENTS, _MOST_OCTETS
    for stream in _streams(reader, kind, name):
        rows = _newest(reader, stream, events, octets)
        events, octets = events - len(rows), octets - sum(map(octets_of, rows))
        of_object = steps_of(map(recorded_from, reversed(rows)))
        if kind != "application" or (of_object and isinstance(of_object[0].recorded.event, ApplicationAdded)):
            steps += of_object
    steps = [step for step in steps if _belongs(step, kind, name)]
    if not steps:
        raise DirectoryRefused("missing", f"there never was a change of the {kind} {name}")
    return sorted(steps, key=lambda step: step.recorded.position)


def of_stream(reader: Reader, stream: str) -> list[HistoryStep]:
    """The changes of an object; the newest, when there are too many."""
    return steps_of(map(recorded_from, reversed(_newest(reader, stream, _MOST_EVENTS, _MOST_OCTETS))))


def names_for(reader: Reader, steps: Iterable[HistoryStep]) -> dict[str, str]:
    """The names of those users, groups, accounts and domains that exist and whose ids are in changes, by id."""
    names: dict[str, str] = {}
    for step in steps:
        for text in (*step.shown(step.before).values(), *step.shown(step.after).values()):
            for identity in _ID.findall(text):
                if identity not in names and len(names) < _MOST_NAMES:
                    row = reader.first_row(_NAMED, (identity,) * 4)
                    names[identity] = str(row[0]) if row is not None else identity
    return names


def named(text: str, names: Mapping[str, str]) -> str:
    """A text with names in place of ids."""
    return _ID.sub(lambda match: names.get(match[0], match[0]), text)


def _newest(reader: Reader, stream: str, events: int, octets: int) -> list[Row]:
    """The newest events of a stream, the newest first, up to a number and a size."""
    rows, before = list[Row](), 1 << 62
    while events > 0 and octets > 0:
        page = reader.all(_OF_STREAM, (stream, before, min(_PAGE, events)))
        rows += page
        if len(page) < _PAGE:
            break
        before, events, octets = page[-1][3], events - len(page), octets - sum(map(octets_of, page))
    return rows


def _belongs(step: HistoryStep, kind: str, name: str) -> bool:
    """Whether a change of a stream is one of what was asked for."""
    event = step.recorded.event
    if kind == "setting":
        return getattr(event, "name", "") == name
    return kind != "key" or event.stored_name.startswith("dkim.")


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
    match kind:
        case "setting":
            return ("settings",)
        case "alias":
            return (f"alias:{key_of(name)}",)
        case "relay" if name == "default":
            return ("relay:",)
        case "relay" | "key":
            prefix = "relay" if kind == "relay" else "domain"
            return _renamed(_former(reader, "domain", name), prefix)
        case "senders":
            return ("blocking:",) if name == "server" else _renamed(_former(reader, "account", name), "blocking")
        case "application":
            return _former(reader, "account", name)
    return _former(reader, kind, name)


def _former(reader: Reader, kind: str, name: str) -> Sequence[str]:
    """The streams of everything of a kind that ever had a name, or has it as its id."""
    key = {"domain": domain_name, "user": user_key, "group": user_key}.get(kind, key_of)(name)
    sql = "SELECT stream FROM former_name WHERE kind = ? AND key = ? ORDER BY stream DESC LIMIT ?"
    known = [stream for (stream,) in reader.all(sql, (kind, key, _MOST_STREAMS))]
    return known or (f"{kind}:{name}",)


def _renamed(streams: Sequence[str], prefix: str) -> Sequence[str]:
    return [f"{prefix}:{stream.partition(':')[2]}" for stream in streams]
