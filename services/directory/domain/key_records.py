"""Whether answers of the DNS contain the record of a DKIM key (RFC 6376 §3.6.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain.dkim import KeyRecordCheck
from shared.protocol.dkim.key import PublicKey, parse_key
from shared.protocol.dkim.signature import UnacceptableSignature
from shared.protocol.dkim.tags import DkimSyntaxError
from shared.protocol.dns.question import Answer

_MOST_RECORDS = 10
"""Records of a name that are looked at."""
_LONGEST_SOURCE = 100
"""Characters of a name server's name, or of why there is no answer."""


def check_record(record: str, answers: Sequence[tuple[str, Answer]]) -> KeyRecordCheck:
    """What name servers say about a record; all that answered must have it."""
    usable = [(server, answer) for server, answer in answers if answer.status != "temperror"]
    if not usable:
        sources = ", ".join(f"{_shown(server)}: {_shown(answer.source)}" for server, answer in answers)
        return KeyRecordCheck(None, f"no usable answer ({sources})")
    for server, answer in usable:
        problem = _problem(record, answer)
        if problem:
            return KeyRecordCheck(False, f"{_shown(server)}: {problem}")
    return KeyRecordCheck(True, f"seen at {', '.join(_shown(server) for server, _ in usable)}")


def _problem(record: str, answer: Answer) -> str:
    """What is wrong with the answer of one server; empty when it has the record and no other key."""
    if not answer.records:
        return "no such record"
    keys = [key for key in map(_key, answer.records[:_MOST_RECORDS]) if key is not None]
    if not keys:
        return "a record, but no usable key in it"
    if len(keys) > 1:
        return f"{len(keys)} keys at the same name, of which only this one may stay"
    published, ours = keys[0], parse_key(record)
    if published.public != ours.public:
        return "another key"
    if not {"*", "email"} & set(published.services) or (published.hash_names and "sha256" not in published.hash_names):
        return "the key, but not for mail with SHA-256 (s=, h=)"
    return ""


def _shown(text: str) -> str:
    """Text of the DNS in a form that is safe on a terminal."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text[:_LONGEST_SOURCE])


def _key(record: str) -> PublicKey | None:
    try:
        return parse_key(record)
    except (DkimSyntaxError, UnacceptableSignature):
        return None
