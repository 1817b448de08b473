"""What a script decided, in one form for both interpreters."""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.protocol.sieve.actions import (
    DiscardAction,
    FileIntoAction,
    KeepAction,
    NotifyAction,
    RedirectAction,
    SieveAction,
    VacationAction,
)
from shared.protocol.sieve.outcome import ScriptOutcome
from tests.parts.pigeonhole import Printed

_RECORDED = re.compile(r"(\d+)=(\S*)")
_STORE = re.compile(r"store message in folder: (.*)")
_REDIRECT = re.compile(r"redirect message to: <(.*)>")
_FLAGS = "+ add IMAP flags: "


class Decision(NamedTuple):
    """The actions as lines of text, and what the probes recorded: their numbers with the matched text."""

    actions: tuple[str, ...]
    recorded: tuple[tuple[int, str], ...]
    error: str = ""

    @property
    def by_probe(self) -> dict[int, list[str]]:
        """The records of each probe; a loop makes several."""
        records: dict[int, list[str]] = {}
        for number, text in self.recorded:
            records.setdefault(number, []).append(text)
        return records


def _decision(actions: list[str], notes: list[str], error: str) -> Decision:
    recorded = [(int(number), text) for note in notes for number, text in _RECORDED.findall(note)]
    return Decision(tuple(actions), tuple(recorded), error)


def ours(outcome: ScriptOutcome) -> Decision:
    """The decision of Mailfold."""
    notes = [action.message for action in outcome.actions if isinstance(action, NotifyAction)]
    actions = [line for action in outcome.actions if (line := _line(action))]
    return _decision(actions, notes, outcome.failure.text if outcome.failure else "")


def _line(action: SieveAction) -> str:
    match action:
        case KeepAction(flags=flags):
            return _stored("INBOX", flags)
        case FileIntoAction(mailbox=mailbox, flags=flags):
            return _stored(mailbox, flags)
        case RedirectAction(address=address):
            return f"redirect {address}"
        case VacationAction(seconds=seconds, reason=reason):
            return f"vacation {seconds} {reason}"
        case DiscardAction():
            return "discard"
        case _:
            return ""


def _stored(mailbox: str, flags: tuple[str, ...] | list[str]) -> str:
    name = "INBOX" if mailbox.upper() == "INBOX" else mailbox
    return " ".join((f"store {name}", *sorted(flag.lower() for flag in flags)))


def theirs(printed: Printed) -> Decision:
    """The decision of Pigeonhole."""
    notes = [line.partition(": ")[2] for action in printed.actions for line in action if line.startswith("=> subject")]
    actions = [line for action in (*printed.actions, *printed.kept) if (line := _printed_line(action))]
    return _decision(actions, notes, printed.error)


def _printed_line(action: list[str]) -> str:
    if store := _STORE.fullmatch(action[0]):
        flags = [line.removeprefix(_FLAGS).split() for line in action if line.startswith(_FLAGS)]
        return _stored(store[1], flags[0] if flags else [])
    if redirect := _REDIRECT.fullmatch(action[0]):
        return f"redirect {redirect[1]}"
    if action[0].startswith("send vacation"):
        seconds = next(line.rpartition(": ")[2] for line in action if "=> seconds" in line)
        return f"vacation {seconds} {' '.join(action[action.index('START MESSAGE') + 1 : action.index('END MESSAGE')])}"
    return "discard" if action[0] == "discard" else "" if action[0].startswith("send notification") else action[0]
