"""What a sender can do about a failure, in plain words, chosen by the enhanced status (RFC 3463 and its registry)."""

from __future__ import annotations

from typing import Final

from shared.protocol.dsn.action import DsnAction
from shared.protocol.languages.language import ENGLISH, Language

_BY_DETAIL: Final = {
    "1.0": "address",
    "1.1": "address",
    "1.2": "no_route",
    "1.3": "address",
    "1.4": "ambiguous",
    "1.6": "moved",
    "1.7": "own_address",
    "1.8": "own_domain",
    "1.10": "null_mx",
    "2.0": "mailbox",
    "2.1": "disabled",
    "2.2": "full",
    "2.3": "size",
    "2.4": "list",
    "3.0": "later",
    "3.1": "disk",
    "3.2": "later",
    "3.3": "feature",
    "3.4": "size",
    "4.1": "no_answer",
    "4.2": "no_answer",
    "4.3": "dns",
    "4.4": "no_route",
    "4.5": "later",
    "4.6": "loop",
    "4.7": "no_answer",
    "5.3": "recipients",
    "6.3": "form",
    "6.7": "ascii",
    "6.9": "ascii",
    "7.2": "no_poster",
    "7.4": "tls",
    "7.5": "tls",
    "7.10": "tls",
    "7.11": "tls",
    "7.30": "tls",
    "7.20": "authentication",
    "7.21": "authentication",
    "7.22": "authentication",
    "7.23": "authentication",
    "7.24": "authentication",
    "7.26": "authentication",
    "7.25": "reputation",
    "7.27": "own_null_mx",
    "7.28": "rate",
}
_BY_SUBJECT: Final = {
    "1": "address",
    "2": "refused",
    "3": "later",
    "4": "no_answer",
    "5": "protocol",
    "6": "content",
    "7": "policy",
}
_EXACT: Final = {
    "4.4.7": "expired",
    "5.4.1": "not_here",
    "5.4.7": "expired",
}


def remedy(status: str, action: DsnAction, language: Language = ENGLISH) -> str:
    """A sentence for the sender about a recipient with this status; "" when nothing went wrong.

    A delayed message needs no action, except where more is known.
    """
    if action not in (DsnAction.FAILED, DsnAction.DELAYED):
        return ""
    if action is DsnAction.DELAYED:
        return language.say("remedy.wait")
    detail = status.partition(".")[2]
    subject = detail.partition(".")[0]
    name = _EXACT.get(status) or _BY_DETAIL.get(detail) or _BY_SUBJECT.get(subject) or "operator"
    return language.say(f"remedy.{name}")
