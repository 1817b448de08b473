"""Lines about the outbound queue: how a mail was sent, what the next server replied, and what the sender was sent."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.texts import moment
from mailfold.trace.names import Names
from shared.events import outbound
from shared.events.outbound import HostAttempt, SendingAttempt

_CAUSES = {"destination": "the destination", "ours": "this server"}


def queued(event: outbound.OutboundQueued, names: Names) -> Iterator[str]:
    """A copy that was put into the outbound queue."""
    yield f"queued for <{event.forward_path}> as {event.entry}, MAIL FROM:<{event.reverse_path}>, {event.size} octets"
    account = f" of the account {names.of(event.account)}" if event.account else ""
    yield f"  sent by {event.sending_domain or '(no domain)'}{account}"
    asked = [f"{name}={value}" for name, value in _parameters(event) if value]
    if asked:
        yield f"  asked for {' '.join(asked)}"
    if event.release_at:
        yield f"  not before {moment(event.release_at)}"
    if event.signature is not None:
        yield f"  gets the mail signature {event.signature.id} when it is sent"


def delivered(event: outbound.OutboundDelivered, _names: Names) -> Iterator[str]:
    """The next server took the mail."""
    yield f"delivered for <{event.recipient}> {handed_over(event.attempt)}"
    yield from attempt_lines(event.attempt)
    if event.relayed:
        yield "  the next server does not report on delivery, so the sender is sent a report that says so"


def deferred(event: outbound.OutboundDeferred, _names: Names) -> Iterator[str]:
    """An attempt that will be repeated."""
    blame = f"; the fault is with {_CAUSES[event.cause]}" if event.cause in _CAUSES else ""
    yield f"deferred for <{event.recipient}>: {event.status} {event.reason}{blame}"
    yield f"  next attempt {moment(event.due)}"
    if event.destination_blocked_until:
        yield f"  the destination does not answer; all its mail waits until {moment(event.destination_blocked_until)}"
    if event.perhaps_delivered:
        yield "  the connection broke after the message and before the reply: the mail may arrive twice"
    yield from attempt_lines(event.attempt)


def delayed(event: outbound.OutboundDelayed, _names: Names) -> Iterator[str]:
    """The mail waits for so long that its sender may be notified."""
    yield f"delayed for <{event.recipient}>: {event.status} {event.reason}"


def bounced(event: outbound.OutboundBounced, _names: Names) -> Iterator[str]:
    """The mail goes back to its sender."""
    yield f"bounced for <{event.recipient}>: {event.status} {event.reason}"
    if event.attempt is not None:
        yield from attempt_lines(event.attempt)


def expired(event: outbound.OutboundExpired, _names: Names) -> Iterator[str]:
    """The time for attempts is over, and the mail goes back to its sender."""
    yield f"given up for <{event.recipient}>, the time is over: {event.status} {event.reason}"
    if event.attempt is not None:
        yield from attempt_lines(event.attempt)


def held(event: outbound.OutboundHeld, _names: Names) -> Iterator[str]:
    """The mail waits for a release."""
    until = f"until {moment(event.until)}" if event.until else "until an operator releases it"
    yield f"held {until}: {event.reason or 'no reason was given'}"


def released(event: outbound.OutboundReleased, _names: Names) -> Iterator[str]:
    """The mail may be sent; its age begins now."""
    yield f"released: {event.entry} is due now"


def rescheduled(event: outbound.OutboundRescheduled, _names: Names) -> Iterator[str]:
    """An operator asked for an attempt."""
    yield f"an attempt was asked for: {event.entry} is due {moment(event.due)}"


def cancelled(event: outbound.OutboundCancelled, _names: Names) -> Iterator[str]:
    """The mail was taken out of the queue."""
    yield f"cancelled without a report{f': {event.reason}' if event.reason else ''}"


def report_made(event: outbound.OutboundReportMade, _names: Names) -> Iterator[str]:
    """A notification for the sender was written."""
    yield f"report «{event.kind}» for <{event.to}> written as {event.report}, {event.size} octets"
    yield from (f"  about {entry}" for entry in event.entries)


def report_submitted(event: outbound.OutboundReportSubmitted, _names: Names) -> Iterator[str]:
    """The notification is on its way like any mail."""
    yield f"report {event.report} handed over for delivery"


def report_failed(event: outbound.OutboundReportFailed, _names: Names) -> Iterator[str]:
    """A notification could not be written."""
    yield f"report «{event.kind}» for <{event.to}> could not be written: {event.reason}"
    yield from (f"  about {entry}" for entry in event.entries)


def limit_exceeded(event: outbound.OutboundLimitExceeded, names: Names) -> Iterator[str]:
    """An account went above a limit."""
    yield f"the account {names.of(event.account)} is above a limit: {event.reason}; its mail is held"
    yield f"  <{event.address}> will be notified"


def owner_notified(event: outbound.OutboundOwnerNotified, names: Names) -> Iterator[str]:
    """The owner of an account knows that its mail waits."""
    if not event.report:
        yield f"the owner of {names.of(event.account)} is not notified: nothing waits any more"
        return
    until = f"until {moment(event.until)}" if event.until else "until an operator releases it"
    yield f"the owner of {names.of(event.account)} is notified as {event.report}: {event.mails} mail(s) held {until}"


def rows_forgotten(event: outbound.OutboundRowsForgotten, names: Names) -> Iterator[str]:
    """Old rows of a table of the queue were forgotten."""
    account = f" of the account {names.of(event.account)}" if event.account else ""
    yield f"rows of {event.table}{account} before {event.before} forgotten"


def paused(event: outbound.OutboundPaused, _names: Names) -> Iterator[str]:
    """All sending stopped."""
    yield f"sending paused{f': {event.reason}' if event.reason else ''}"


def resumed(_event: outbound.OutboundResumed, _names: Names) -> Iterator[str]:
    """Sending goes on."""
    yield "sending resumed"


def hold_rule_added(event: outbound.OutboundHoldRuleAdded, _names: Names) -> Iterator[str]:
    """New mail that fits is held."""
    reason = f" ({event.reason})" if event.reason else ""
    yield f"hold rule {event.rule}: mail from {event.sender or 'anybody'} to {event.recipient or 'anybody'}{reason}"


def hold_rule_removed(event: outbound.OutboundHoldRuleRemoved, _names: Names) -> Iterator[str]:
    """The rule ends."""
    yield f"hold rule {event.rule} removed; what it held stays held"


def sts_policy_fetched(event: outbound.OutboundStsPolicyFetched, _names: Names) -> Iterator[str]:
    """A domain's MTA-STS policy is known."""
    hosts = f" for {', '.join(event.mx)}" if event.mx else ""
    yield f"mta-sts policy of {event.domain} fetched: {event.mode}{hosts}, id {event.id}, valid for {event.max_age} s"


def sts_policy_failed(event: outbound.OutboundStsPolicyFailed, _names: Names) -> Iterator[str]:
    """A domain's MTA-STS policy cannot be had."""
    yield f"mta-sts policy of {event.domain}, id {event.id}, cannot be had: {event.reason}"


def handed_over(attempt: SendingAttempt) -> str:
    """To whom a mail was handed, and with which TLS."""
    if not attempt.hosts:
        return f"to {attempt.route}"
    last = attempt.hosts[-1]
    return f"to {_server(last)}, {tls_of(last)}"


def tls_of(host: HostAttempt) -> str:
    """The TLS of a connection in words."""
    if not host.tls:
        return "without TLS"
    return f"with {host.tls}" + (f" verified by {host.authenticated_by}" if host.authenticated_by else ", not verified")


def attempt_lines(attempt: SendingAttempt) -> Iterator[str]:
    """An attempt with each of its connections."""
    steps = ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in attempt.steps.items())
    took = f", {attempt.milliseconds} ms" + (f" ({steps})" if steps else "")
    yield f"  attempt {attempt.number} by {attempt.route or 'no route'}{took}"
    if attempt.seal:
        yield f"    ARC {attempt.seal}"
    for host in attempt.hosts:
        yield f"    {_server(host)}, {tls_of(host)}, {host.milliseconds} ms{_policy(host)}"
        yield f"      {_end(host)}"
        if host.is_family_refused:
            yield "      the refusal is about our address, so the other family of addresses is tried once"


def _end(host: HostAttempt) -> str:
    """What the server replied, and at which step the connection ended."""
    if not host.code:
        return f"no reply at {host.stage or 'the connection'}: {host.reply or 'nothing was said'}"
    reply = host.reply if host.reply.startswith(str(host.code)) else f"{host.code} {host.reply}"
    return f"replied at {host.stage}: {reply}" if host.stage else f"replied: {reply}"


def _server(host: HostAttempt) -> str:
    """Name, address and port; of a host without a name the address alone."""
    address = f"[{host.address}]"
    if not host.address:
        return f"{host.host} port {host.port}"
    return f"{address}:{host.port}" if host.host in (address, host.address) else f"{host.host} {address}:{host.port}"


def _policy(host: HostAttempt) -> str:
    """The policy that was asked for, and how the connection is counted for reports on TLS (RFC 8460)."""
    policy = f"; policy {host.policy}" if host.policy else ""
    return policy + (f"; counted as {host.policy_type} {host.tls_result}" if host.tls_result else "")


def _parameters(event: outbound.OutboundQueued) -> tuple[tuple[str, str], ...]:
    return (
        ("NOTIFY", event.notify),
        ("ORCPT", event.orcpt),
        ("RET", event.ret),
        ("ENVID", event.envid),
        ("REQUIRETLS", "yes" if event.require_tls else ""),
    )
