"""The way of a mail through the outbound queue as text."""

from __future__ import annotations

from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story
from shared.events import directory, outbound
from shared.events.outbound import HostAttempt, SendingAttempt
from shared.eventstore.event import Actor, Event, encode, encode_actor

AT = 1_700_000_000_123_000
LATER = AT + 600_000_000
NAMES = Names([directory.AccountAdded("a1", "ann@example.org", "u1")])
ADDRESS = ("e1", "q1", "bob@far.example")
TAKEN = HostAttempt(
    "mx.far.example",
    "192.0.2.1",
    25,
    "body",
    250,
    "2.0.0 taken",
    "TLSv1.3 AES",
    "dane",
    "dane (2 records)",
    40,
    "tlsa",
    "success",
)
SILENT = HostAttempt("mx1.far.example", "2001:db8::1", 25, "connect", 0, "connection refused")
ATTEMPT = SendingAttempt(2, AT, "mx far.example", (SILENT, TAKEN), 90, {"connect": 30, "transaction": 60}, ("> QUIT",))


def lines(*events: Event) -> list[str]:
    """The lines about these events, without those that say when."""
    shown = []
    for event in events:
        logged = LoggedEvent("", event.stored_name, AT, encode_actor(Actor("system")), "", encode(event))
        shown += [line.removeprefix("  ") for line in list(story([logged], NAMES))[1:]]
    return shown


def test_every_event_of_the_queue_has_lines_of_its_own() -> None:
    from mailfold.trace.story import _LINES

    kinds = {kind for kind in vars(outbound).values() if isinstance(kind, type) and issubclass(kind, Event)}
    assert {kind.stored_name for kind in kinds - {Event}} == {
        kind.stored_name for kind in _LINES if kind.stored_name.startswith("outbound.")
    }


def test_queued_says_who_sends_what_and_which_reports_were_asked_for() -> None:
    queued = outbound.OutboundQueued(
        *ADDRESS,
        0,
        "g1/ab",
        b"",
        700,
        "ann@example.org",
        "bob@far.example",
        "SUCCESS",
        ret="HDRS",
        sending_domain="example.org",
        account="a1",
        release_at=LATER,
        require_tls=True,
    )
    assert lines(queued) == [
        "queued for <bob@far.example> as e1, MAIL FROM:<ann@example.org>, 700 octets",
        "  sent by example.org of the account ann@example.org",
        "  asked for NOTIFY=SUCCESS RET=HDRS REQUIRETLS=yes",
        "  not before 2023-11-14 22:23:20.123",
    ]


def test_delivered_says_to_whom_with_which_tls_and_shows_every_connection() -> None:
    assert lines(outbound.OutboundDelivered(*ADDRESS, ATTEMPT, relayed=True)) == [
        "delivered for <bob@far.example> to mx.far.example [192.0.2.1]:25, with TLSv1.3 AES verified by dane",
        "  attempt 2 by mx far.example, 90 ms (connect 30 ms, transaction 60 ms)",
        "    mx1.far.example [2001:db8::1]:25, without TLS, 0 ms",
        "      no reply at connect: connection refused",
        "    mx.far.example [192.0.2.1]:25, with TLSv1.3 AES verified by dane, 40 ms; policy dane (2 records); counted "
        "as tlsa success",
        "      replied at body: 250 2.0.0 taken",
        "  the next server does not report on delivery, so the sender is sent a report that says so",
    ]


def test_a_host_without_a_name_is_shown_by_its_address_alone() -> None:
    hosts = (HostAttempt("[192.0.2.1]", "192.0.2.1", 2525), HostAttempt("192.0.2.1", "192.0.2.1"), HostAttempt("mx"))
    shown = lines(outbound.OutboundDelivered(*ADDRESS, SendingAttempt(1, AT, "relay x", hosts)))
    assert [line.split(",")[0].strip() for line in shown[2::2]] == ["[192.0.2.1]:2525", "[192.0.2.1]:25", "mx port 25"]


def test_deferred_says_until_when_and_whose_fault_it_is() -> None:
    attempt = SendingAttempt(1, AT, "mx far.example", (SILENT,), 5)
    deferred = outbound.OutboundDeferred(
        *ADDRESS, attempt, LATER, "4.4.1", "connection refused", "destination", True, LATER
    )
    assert lines(deferred) == [
        "deferred for <bob@far.example>: 4.4.1 connection refused; the fault is with the destination",
        "  next attempt 2023-11-14 22:23:20.123",
        "  the destination does not answer; all its mail waits until 2023-11-14 22:23:20.123",
        "  the connection broke after the message and before the reply: the mail may arrive twice",
        "  attempt 1 by mx far.example, 5 ms",
        "    mx1.far.example [2001:db8::1]:25, without TLS, 0 ms",
        "      no reply at connect: connection refused",
    ]


def test_what_the_operator_and_the_clock_did() -> None:
    events = [
        outbound.OutboundDelayed(*ADDRESS, "4.2.0", "busy"),
        outbound.OutboundBounced(*ADDRESS, "5.1.1", "550 no such user"),
        outbound.OutboundExpired(*ADDRESS, "4.4.7", "too late"),
        outbound.OutboundHeld("e1", "q1", "a rule"),
        outbound.OutboundHeld("e1", "q1", "the sender holds it back", LATER),
        outbound.OutboundReleased("e1", "q1"),
        outbound.OutboundRescheduled("e1", "q1", LATER),
        outbound.OutboundCancelled("e1", "q1", "sent by mistake"),
        outbound.OutboundReportMade("q2", "q1", "failed", ("e1",), "ann@example.org", "", "", "", "g1/cd", 900),
        outbound.OutboundReportSubmitted("q2", "q1"),
        outbound.OutboundPaused("a storm"),
        outbound.OutboundResumed(),
        outbound.OutboundHoldRuleAdded("c1", "*@example.org", "", "new domain"),
        outbound.OutboundHoldRuleRemoved("c1"),
        outbound.OutboundStsPolicyFetched("far.example", "1a", "enforce", ("mx.far.example",), 86_400, AT),
        outbound.OutboundStsPolicyFailed("far.example", "1b", "sts-policy-invalid", "no valid mode"),
    ]
    assert lines(*events) == [
        "delayed for <bob@far.example>: 4.2.0 busy",
        "bounced for <bob@far.example>: 5.1.1 550 no such user",
        "given up for <bob@far.example>, the time is over: 4.4.7 too late",
        "held until an operator releases it: a rule",
        "held until 2023-11-14 22:23:20.123: the sender holds it back",
        "released: e1 is due now",
        "an attempt was asked for: e1 is due 2023-11-14 22:23:20.123",
        "cancelled without a report: sent by mistake",
        "report «failed» for <ann@example.org> written as q2, 900 octets",
        "  about e1",
        "report q2 handed over for delivery",
        "sending paused: a storm",
        "sending resumed",
        "hold rule c1: mail from *@example.org to anybody (new domain)",
        "hold rule c1 removed; what it held stays held",
        "mta-sts policy of far.example fetched: enforce for mx.far.example, id 1a, valid for 86400 s",
        "mta-sts policy of far.example, id 1b, cannot be had: no valid mode",
    ]


def test_the_words_of_a_remote_do_not_control_the_terminal() -> None:
    words = "4.2.0 \x1b]0;owned\x07\r\n\x9b2J‮abc"
    attempt = SendingAttempt(1, AT, "mx far.example", (HostAttempt("mx", code=450, reply=words),))
    shown = lines(outbound.OutboundDeferred(*ADDRESS, attempt, LATER, "4.2.0", words))
    assert not any(character in "".join(shown) for character in "\x1b\x07\r\n\x9b‮")
    assert sum("]0;owned" in line for line in shown) == 2
