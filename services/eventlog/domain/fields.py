"""What is searched in an event: fields read from its names and its data, the same for every engine.

All values are folded with `casefold`, cut and counted, so that no event makes an index large or is refused by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any, NamedTuple

import msgspec
import orjson

from services.eventlog.domain.names import names_of
from shared.eventstore.event import decode_actor

_LONGEST = 256
"""Characters of a value; longer ones are cut, in questions as well."""
_MOST = 2_000
"""Values of a field of one event; a post to a large list has more recipients, the others of which are elsewhere."""
_DOMAIN_AREAS = ("domain.", "dkim.", "relay.")
_OURSELVES = ("service", "system")
_OUTCOMES = ("mail.settled", "delivery.settled")


class SearchFields(NamedTuple):
    """The values by which an event is found."""

    mail: frozenset[str]
    """Queue ids, Message-IDs without brackets, references, entries; also the correlation and the stream."""
    who: frozenset[str]
    """Addresses, accounts, users, sessions and hosts, also of the actor."""
    domains: frozenset[str]
    remotes: frozenset[str]
    """Addresses and names of hosts."""
    results: frozenset[str]
    rules: frozenset[str]

    @property
    def addresses(self) -> list[str]:
        """The mail addresses among `who`."""
        return sorted(name for name in self.who if "@" in name)


def folded(text: str) -> str:
    """A value in the form in which it is compared."""
    return text.strip().casefold()[:_LONGEST]


def decoded(data: bytes) -> dict[str, Any]:
    """The data of an event; empty when it is no JSON object."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def fields_of(event_type: str, data: bytes, actor: str, stream: str, correlation: str) -> SearchFields:
    """The fields of an event. Never raises."""
    names, values = names_of(event_type, data), decoded(data)
    mail = (names.queue_id, names.message_id.strip("<> "), *names.mail, correlation, stream)
    who = _folded((*names.who, *_acting(actor)))
    return SearchFields(
        _folded(mail),
        who,
        _folded(_domains(event_type, who)),
        _folded((*filter(is_host_address, who), *_hosts(values))),
        _folded(_results(event_type, values)),
        _folded(_rules(values)),
    )


def is_host_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _folded(texts: Iterable[str]) -> frozenset[str]:
    values = dict.fromkeys(value for text in texts if (value := folded(text)))
    return frozenset(value for value, _ in zip(values, range(_MOST), strict=False))


def _acting(actor: str) -> tuple[str, ...]:
    try:
        who = decode_actor(actor)
    except msgspec.MsgspecError:
        return ()
    return () if who.kind in _OURSELVES else (who.id, who.session, who.address)


def _domains(event_type: str, who: Iterable[str]) -> Iterator[str]:
    for name in who:
        if "@" in name:
            yield name.rpartition("@")[2]
        elif event_type.startswith(_DOMAIN_AREAS) and "." in name and not is_host_address(name):
            yield name


def _hosts(values: dict[str, Any]) -> Iterator[str]:
    """The hosts of a reception or refusal, and those that an attempt has reached."""
    client, attempt = values.get("client"), values.get("attempt")
    if isinstance(client, dict):
        yield from (text for text in (client.get("address"), client.get("helo")) if isinstance(text, str))
    hosts = attempt.get("hosts") if isinstance(attempt, dict) else None
    for host in objects(hosts):
        yield from (text for text in (host.get("host"), host.get("address")) if isinstance(text, str))


def _results(event_type: str, values: dict[str, Any]) -> Iterator[str]:
    yield event_type.rpartition(".")[2]
    verdict = values.get("verdict")
    if isinstance(verdict, dict):
        yield "spam" if verdict.get("spam") else "ham"
    if event_type in _OUTCOMES:
        yield from (str(outcome.get("result") or "") for outcome in objects(values.get("outcomes")))
    checks = [*objects(values.get("checks"))]
    for refusal in objects(values.get("refusals")):
        yield reason_of(refusal)
        checks += objects(refusal.get("checks"))
    yield from (f"{check.get('name')} {check.get('result')}" for check in checks)
    if isinstance(values.get("status"), str):
        yield values["status"]


def _rules(values: dict[str, Any]) -> Iterator[str]:
    verdict = values.get("verdict")
    tests = verdict.get("tests") if isinstance(verdict, dict) else None
    named = [values.get("rule"), *(step.get("rule") for step in objects(values.get("steps")))]
    named += [test.get("name") for test in objects(tests)]
    yield from (text for text in named if isinstance(text, str))


def reason_of(refusal: dict[str, Any]) -> str:
    """A refusal in short: its stage, code and enhanced status code."""
    parts = (refusal.get("stage"), refusal.get("code"), refusal.get("enhanced"))
    return folded(" ".join(str(part) for part in parts if part))


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none when it is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
