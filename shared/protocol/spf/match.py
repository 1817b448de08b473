"""Whether one mechanism matches the client (RFC 7208 §5)."""

from __future__ import annotations

from collections.abc import Generator
from typing import assert_never

from shared.protocol.dns.evaluation import Answered, Asked, several, single_answer
from shared.protocol.dns.names import is_askable
from shared.protocol.dns.question import Answer, Question, RecordType
from shared.protocol.spf.record import SpfMechanism
from shared.protocol.spf.session import PermError, SpfEvaluation, TempError

Matching = Generator[Asked, Answered, bool]


def matches(session: SpfEvaluation, mechanism: SpfMechanism, domain: str) -> Matching:
    """Whether the mechanism matches; it must not be an include. Raises PermError, TempError."""
    match mechanism.kind:
        case "all":
            return True
        case "ip4":
            return session.address.version == 4 and (session.number ^ mechanism.network) & mechanism.mask4 == 0
        case "ip6":
            return session.address.version == 6 and (session.number ^ mechanism.network) & mechanism.mask6 == 0
        case "a" | "mx" | "ptr" | "exists":
            return (yield from _ask(session, mechanism, domain))
        case "include":
            raise PermError("an include is evaluated by check_host()")
        case _:
            assert_never(mechanism.kind)


def _ask(session: SpfEvaluation, mechanism: SpfMechanism, domain: str) -> Matching:
    term = session.count(domain, mechanism.text)
    if mechanism.target is None:
        target = domain
    elif session.is_unmatchable(mechanism.target):
        return False
    else:
        target = yield from session.expand_domain(mechanism.target, domain)
    if not is_askable(target):
        return False  # §4.8: a name that cannot be queried matches nothing
    return (yield from _MATCHERS[mechanism.kind](session, mechanism, target, term))


def _a(session: SpfEvaluation, mechanism: SpfMechanism, target: str, term: str) -> Matching:
    """Match `a` (§5.3)."""
    answer = yield from _lookup(session, target, session.address_type, term)
    return session.contains(answer.records, _mask(session, mechanism))


def _exists(session: SpfEvaluation, mechanism: SpfMechanism, target: str, term: str) -> Matching:
    """Match `exists` (§5.7): always with type A, also for a client with an IPv6 address."""
    answer = yield from _lookup(session, target, "A", term)
    return answer.status == "ok"


def _ptr(session: SpfEvaluation, mechanism: SpfMechanism, target: str, term: str) -> Matching:
    """Match `ptr` (§5.5).

    A client without a PTR record is not counted as a void lookup of the sender's domain.
    """
    names = yield from session.validated_names(target.lower(), within=True)
    return bool(names)


def _mx(session: SpfEvaluation, mechanism: SpfMechanism, target: str, term: str) -> Matching:
    """Match `mx` (§5.4), never the implicit MX. The addresses of all hosts are asked for at once."""
    answer = yield from _lookup(session, target, "MX", term)
    hosts = [record.partition(" ")[2] for record in answer.records]
    if len(hosts) > session.limits.mx_names:
        raise PermError(f"more than {session.limits.mx_names} MX records, at {term}")  # §4.6.4
    questions = tuple(Question(host.lower(), session.address_type) for host in hosts if is_askable(host))
    answers = several((yield questions)) if questions else ()
    mask = _mask(session, mechanism)
    if any(session.contains(host_answer.records, mask) for host_answer in answers):
        return True
    for question, host_answer in zip(questions, answers, strict=True):
        _raise_if_unanswered(question, host_answer)
    return False


def _lookup(session: SpfEvaluation, name: str, rdtype: RecordType, term: str) -> Generator[Asked, Answered, Answer]:
    question = Question(name, rdtype)
    answer = single_answer((yield question))
    _raise_if_unanswered(question, answer)
    session.count_void(answer, term)
    return answer


def _raise_if_unanswered(question: Question, answer: Answer) -> None:
    if answer.status == "temperror":
        raise TempError(f"no answer about {question.rdtype} {question.name}: {answer.source}")


def _mask(session: SpfEvaluation, mechanism: SpfMechanism) -> int:
    return mechanism.mask4 if session.address.version == 4 else mechanism.mask6


_MATCHERS = {"a": _a, "mx": _mx, "ptr": _ptr, "exists": _exists}
