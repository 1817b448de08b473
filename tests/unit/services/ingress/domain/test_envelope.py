"""Recipients as events store them, and who may receive mail."""

from __future__ import annotations

import pytest

from services.ingress.domain.admission import admission
from services.ingress.domain.envelope import octets, recipient
from services.ingress.domain.prefix import completion
from services.ingress.handlers.refusals import day_of
from shared.clock import doubled
from shared.events.mail import Client, MailReceived, MailSettled, Message, Outcome, Recipient
from shared.eventstore.event import encode
from shared.protocol.address.address import parse_address
from shared.protocol.smtp.commands import Notify, Orcpt, Rcpt
from shared.routing.resolution import ResolutionKind


def test_dsn_parameters_have_one_order() -> None:
    rcpt = Rcpt(
        parse_address("ann@example.org"),
        frozenset({Notify.DELAY, Notify.SUCCESS, Notify.FAILURE}),
        Orcpt("rfc822", "a b@example.net"),
    )
    assert recipient(rcpt) == Recipient("ann@example.org", "SUCCESS,FAILURE,DELAY", "rfc822;a b@example.net")


@pytest.mark.parametrize(
    "rcpt",
    [
        Rcpt(parse_address("ann@example.org")),
        Rcpt(parse_address('"a b"@example.org')),
        Rcpt(parse_address('"' + '\\"' * 30 + '"@example.org')),
        Rcpt(parse_address("ä@example.org")),
        Rcpt(parse_address("𝒶" * 16 + "@example.org"), frozenset(Notify) - {Notify.NEVER}),
        Rcpt(parse_address("ann@example.org"), None, Orcpt("rfc822", '"' * 490)),
        Rcpt(parse_address("ann@example.org"), None, Orcpt("utf-8", "𝒶" * 490)),
    ],
)
def test_a_recipient_is_not_larger_in_any_event_than_it_is_counted(rcpt: Rcpt) -> None:
    """In octets of JSON: quotation marks and backslashes take two, other characters up to four."""
    kept = [recipient(rcpt)] * 1000
    results = ("delivered", "discarded", "bounced", "queued")
    settled = [MailSettled("q", tuple(Outcome(entry.address, result) for entry in kept)) for result in results]
    events = [MailReceived("q", "", tuple(kept), Message("", 0), Client("")), *settled]
    assert max(map(len, map(encode, events))) - 200 <= 1000 * octets(rcpt)


@pytest.mark.parametrize(
    ("kind", "anybody", "user"),
    [
        (ResolutionKind.ACCOUNTS, 250, 250),
        (ResolutionKind.UNKNOWN, 550, 550),
        (ResolutionKind.DISABLED, 550, 550),
        (ResolutionKind.REMOTE, 550, 250),
        (ResolutionKind.OUTGOING_ONLY, 550, 250),
    ],
)
def test_only_users_write_elsewhere(kind: ResolutionKind, anybody: int, user: int) -> None:
    assert admission(kind, is_authenticated=False).code == anybody
    assert admission(kind, is_authenticated=True).code == user


def test_pauses_double_up_to_the_longest() -> None:
    assert [doubled(10, repeats, 300) for repeats in (0, 1, 2, 5, 10_000)] == [10, 20, 40, 300, 300]


def test_days() -> None:
    assert day_of(1_795_391_999_999_999) == "2026-11-22"
    assert day_of(1_795_392_000_000_000) == "2026-11-23"


def test_a_users_mail_is_completed_with_what_is_missing() -> None:
    at = 1_795_392_000_000_000
    author = parse_address("ann@example.org")
    whole = b"From: x@example.org\r\nDate: now\r\nMessage-Id: <1@x>\r\n\r\n"
    assert completion(whole, "q1", "mx.example.org", author, at) == b""
    assert completion(b"\r\n", "q1", "mx.example.org", author, at) == (
        b"Message-ID: <q1@mx.example.org>\r\nDate: Mon, 23 Nov 2026 00:00:00 +0000\r\nFrom: <ann@example.org>\r\n"
    )


def test_events_fit_the_bus() -> None:
    recipients = [
        Rcpt(parse_address(f"{'ä' * 100}{number}@example.org"), None, Orcpt("rfc822", "x" * 400))
        for number in range(2000)
    ]
    room, kept = 700_000, []
    for rcpt in recipients:
        room -= octets(rcpt)
        if room >= 0:
            kept.append(recipient(rcpt))
    assert len(encode(MailReceived("q", "", tuple(kept), Message("b", 1), Client("127.0.0.1")))) < 760_000
