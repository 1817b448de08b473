"""The checks of a mail with their inputs and answers, so that they can be understood and repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from shared.events.mail import DnsAnswer, RecordedCheck
from shared.protocol.arc.result import ChainResult
from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.result import DmarcResult
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.result import SpfResult

Used = Sequence[tuple[Question, Answer]]
_encoder = msgspec.json.Encoder()
_DNS_ROOM = 24 * 1024
"""Octets of DNS answers that are stored with one check, as JSON; strangers write them."""
_DNS_NAMES_ROOM = 8 * 1024
"""Octets of further answers, whose records are not stored."""
_ANSWERS = 100
"""Answers of one check that are stored."""
_TEXT = 500
"""Octets of a text, as JSON."""
_LONGEST_ESCAPE = 6
_SHORT = _TEXT // _LONGEST_ESCAPE
"""Characters of a text that always fits, so that it need not be encoded to know."""
_ANSWER_FRAME = 128
"""The least octets of an answer without its name and records."""


def spf_check(verdict: SpfResult, client: str, helo: str, reverse_path: str, used: Used) -> RecordedCheck:
    """The check of SPF for the reverse-path, or for HELO when it is null."""
    inputs = {"client": client, "helo": helo, "reverse_path": reverse_path}
    return RecordedCheck(
        "spf",
        verdict.result,
        inputs | _fields_of(verdict, ("domain", "scope", "mechanism", "path", "reason", "explanation")),
        _answers(used),
    )


def dkim_check(verdicts: Sequence[DkimResult], ignored: int, used: Used) -> RecordedCheck:
    """The check of DKIM for all examined signatures; `pass` when any of them passed."""
    fields = ("result", "domain", "selector", "algorithm", "identity", "reason", "key_bits", "signature_prefix")
    detail: dict[str, Any] = {"signatures": [_fields_of(verdict, fields) for verdict in verdicts]}
    if ignored:
        detail["ignored"] = ignored
    results = [verdict.result for verdict in verdicts]
    result = "pass" if "pass" in results else (results[0] if results else "none")
    return RecordedCheck("dkim", result, detail, _answers(used))


def dmarc_check(verdict: DmarcResult, disposition: str, from_values: Iterable[str], used: Used) -> RecordedCheck:
    """The check of DMARC for the author domain; `disposition` is the policy of its owner."""
    detail = _fields_of(
        verdict,
        ("author_domain", "policy", "policy_domain", "record", "percent", "aligned_spf", "aligned_dkim", "reason"),
    )
    authors = [_bounded(value) for value, _ in zip(from_values, range(5), strict=False)]
    return RecordedCheck(
        "dmarc", verdict.result, detail | {"disposition": disposition, "from": authors}, _answers(used)
    )


def arc_check(verdict: ChainResult, used: Used) -> RecordedCheck:
    """The check of the ARC sets with which a message came."""
    detail = _fields_of(verdict, ("instance", "is_ended", "reason"))
    sealers = _bounded(tuple(item.domain for item in verdict.sets))
    return RecordedCheck("arc", verdict.status, detail | ({"sealers": sealers} if sealers else {}), _answers(used))


def _fields_of(verdict: msgspec.Struct, fields: Iterable[str]) -> dict[str, Any]:
    """The non-empty fields of a verdict, each shortened to a limit."""
    values = ((field, getattr(verdict, field)) for field in fields)
    return {field: _bounded(value) for field, value in values if value}


def _bounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_bounded(item) for item in value[:20]]
    if not isinstance(value, str) or len(value) < _SHORT or len(_encoder.encode(value)) <= _TEXT:
        return value
    return value[:_TEXT] if value.isascii() and value.isprintable() else value[: _TEXT // _LONGEST_ESCAPE]


def _answers(used: Used) -> tuple[DnsAnswer, ...]:
    """The answers, as many as fit; from some point on without their records."""
    used = used[:_ANSWERS]
    if sum(map(most_octets, used)) <= _DNS_ROOM:  # nearly always
        return tuple([DnsAnswer(asked.name, asked.rdtype, answer.status, answer.records) for asked, answer in used])
    answers, room = [], _DNS_ROOM + _DNS_NAMES_ROOM
    for question, answer in used:
        kept = DnsAnswer(question.name, question.rdtype, answer.status, answer.records)
        if len(_encoder.encode(kept)) > room - _DNS_NAMES_ROOM:
            kept = msgspec.structs.replace(kept, records=())
        room -= len(_encoder.encode(kept))
        if room < 0:
            break
        answers.append(kept)
    return tuple(answers)


def most_octets(used: tuple[Question, Answer]) -> int:
    """An upper bound for the octets of an answer as JSON, without encoding it."""
    question, answer = used
    texts = len(question.name) + sum(map(len, answer.records))
    return _ANSWER_FRAME + texts * _LONGEST_ESCAPE + len(answer.records) * len('"",')
