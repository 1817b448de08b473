"""Lines about acceptance, refusal and settlement, with each check, its inputs and the DNS answers it used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mailfold.texts import moment
from mailfold.trace.names import Names
from shared.events import mail
from shared.events.mail import Client, Message, RecordedCheck, Refusal


def received(event: mail.MailReceived, _names: Names) -> Iterator[str]:
    """A mail accepted from another server."""
    yield f"accepted from {_client(event.client)}"
    yield from _envelope(event)
    yield from _message(event.message)
    yield from _checks(event.checks)


def submitted(event: mail.MailSubmitted, names: Names) -> Iterator[str]:
    """A mail accepted from a user."""
    if event.user:
        yield f"accepted from the user {names.of(event.user)} ({names.of(event.account)}) at {_client(event.client)}"
    else:
        yield f"written by this server itself ({event.client.listener})"
    yield from _envelope(event)
    if event.release_at:
        because = "the sender asked for it" if event.hold_requested else "it can be taken back meanwhile"
        yield f"  held until {moment(event.release_at)}: {because} (`mailfold submissions`)"
    yield from _message(event.message)
    if event.signature is not None:
        yield f"  mail signature {event.signature.id} for copies to other servers{_values(event.signature.values)}"
    yield from _checks(event.checks)


def refused(event: mail.MailRefused, _names: Names) -> Iterator[str]:
    """The refusals of one session."""
    yield f"refused {_client(event.client)} (session {event.session})"
    for refusal in event.refusals:
        yield from _refusal(refusal)
    if event.more:
        yield f"  and {event.more} more, counted only"


def settled(event: mail.MailSettled, _names: Names) -> Iterator[str]:
    """The settlement of the reception."""
    yield "settled: every recipient is taken care of"
    for outcome in event.outcomes:
        yield f"  {outcome.recipient}: {outcome.result}{f' ({outcome.detail})' if outcome.detail else ''}"


def held(event: mail.MailHeld, _names: Names) -> Iterator[str]:
    """The reception is held because of a dead letter."""
    yield f"held: {event.reason}"
    yield "  it is tried again from time to time; `mailfold deadletters list` shows the step, `retry` repeats it now"


def resumed(_event: mail.MailResumed, _names: Names) -> Iterator[str]:
    """The reception is no longer held."""
    yield "moves again"


def released(_event: mail.MailReleased, _names: Names) -> Iterator[str]:
    """A submission that waited is on its way."""
    yield "released: it is delivered from now on, and its age counts from now"


def cancelled(event: mail.MailCancelled, _names: Names) -> Iterator[str]:
    """A submission that waited was taken back."""
    yield f"cancelled before its release, so nobody gets it: {event.reason or 'no reason was given'}"


def _client(client: Client) -> str:
    tls = f" with {client.tls_version} {client.tls_cipher}".rstrip() if client.tls_version else " without TLS"
    return f"[{client.address}]:{client.port} helo={client.helo or '-'} by {client.protocol or client.listener}{tls}"


def _envelope(event: mail.MailReceived | mail.MailSubmitted) -> Iterator[str]:
    yield f"  MAIL FROM:<{event.reverse_path}>{' REQUIRETLS' if event.require_tls else ''}"
    for recipient in event.recipients:
        parameters = "".join(
            f" {name}={value}" for name, value in (("NOTIFY", recipient.notify), ("ORCPT", recipient.orcpt)) if value
        )
        yield f"  RCPT TO:<{recipient.address}>{parameters}"


def _message(message: Message) -> Iterator[str]:
    identity = f"<{message.message_id}>" if message.message_id else "without Message-ID"
    yield f"  message {identity} of {message.author or '(no From)'}, {message.size} octets, blob {message.blob}"
    if message.subject:
        yield f"  subject {message.subject}"


def _checks(checks: Iterable[RecordedCheck]) -> Iterator[str]:
    for check in checks:
        yield f"  check {check.name}: {check.result}"
        yield from (f"    {name}: {_value(value)}" for name, value in check.detail.items())
        for answer in check.dns:
            records = " | ".join(answer.records) or "-"
            yield f"    DNS {answer.name} {answer.rdtype} → {answer.status}: {records}"


def _values(values: Mapping[str, str]) -> str:
    return f", with {', '.join(f'{name}={value}' for name, value in values.items())}" if values else ""


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_value(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_value, value))
    return str(value)


def _refusal(refusal: Refusal) -> Iterator[str]:
    yield f"  {refusal.code} {refusal.enhanced} {refusal.text} (at {refusal.stage}, reference {refusal.reference})"
    if refusal.sender or refusal.recipient:
        yield f"    MAIL FROM:<{refusal.sender}> RCPT TO:<{refusal.recipient}>"
    if refusal.cause:
        yield f"    cause: {refusal.cause}"
    for line in _checks(refusal.checks):
        yield f"  {line}"
