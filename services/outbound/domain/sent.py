"""The outcome of an attempt for all recipients of a mail."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from services.outbound.domain.handled_signature import HandledSignature
from services.outbound.domain.outcome import RecipientOutcome
from shared.events.outbound import HostAttempt


class HopSignal(StrEnum):
    """What an attempt says about its next hop."""

    TAKES_MAIL = "takes_mail"
    BUSY = "busy"
    """It asks for less mail at once."""
    TURNED_AWAY = "turned_away"
    """It answers, and takes no connection now."""
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    """The attempt says nothing about the hop."""


class SentMail(msgspec.Struct, frozen=True):
    """The outcomes of an attempt by entry id, and how it went."""

    outcomes: Mapping[str, RecipientOutcome]
    signal: HopSignal = HopSignal.SILENT
    hosts: Mapping[str, tuple[HostAttempt, ...]] = {}
    """The connections of each entry, in order; the last decided. Each is counted for TLS reports in one entry."""
    transcript: tuple[str, ...] = ()
    steps: Mapping[str, int] = {}
    """Milliseconds of each step."""
    refused_family: HostAttempt | None = None
    """A connection that was refused for a reason about our address, while the other family of addresses works."""
    signature: HandledSignature | None = None
    """What became of the mail signature; None when none was chosen."""
    seal: str = ""
    """The ARC set that the message got, or why it got none; empty for a message that needs none."""


def for_all(entries: tuple[str, ...], outcome: RecipientOutcome, signal: HopSignal = HopSignal.SILENT) -> SentMail:
    """The same outcome for every entry."""
    return SentMail(dict.fromkeys(entries, outcome), signal)
