"""The exp= modifier: a domain's explanation for refused clients (RFC 7208 §6.2)."""

from __future__ import annotations

from collections.abc import Generator

from shared.protocol.dns.evaluation import Answered, Asked, single_answer
from shared.protocol.dns.names import is_askable
from shared.protocol.dns.question import Question
from shared.protocol.spf.macro import MacroString, SpfSyntaxError, parse_explain_string
from shared.protocol.spf.session import SpfEvaluation

_MAX_EXPLANATION = 512
"""Characters of an explanation; more does not fit into a reply line, and §6.2 allows the receiver a limit."""


def explanation(session: SpfEvaluation, modifier: MacroString, domain: str) -> Generator[Asked, Answered, str | None]:
    """The expanded text; None on any error, as if there were no modifier.

    Its lookups do not count against limits.
    """
    name = yield from session.expand_domain(modifier, domain)
    if not is_askable(name):
        return None
    answer = single_answer((yield Question(name, "TXT")))
    if len(answer.records) != 1 or not answer.records[0].isascii():
        return None
    try:
        spec = parse_explain_string(answer.records[0])
    except SpfSyntaxError:
        return None
    text = yield from session.expand_text(spec, domain)
    return text[:_MAX_EXPLANATION] if text.isascii() and text.isprintable() else None
