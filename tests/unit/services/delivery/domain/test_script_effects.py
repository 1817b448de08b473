"""Which mail goes round, what a redirected copy has on top, and who may hear of a refusal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import MessageForm, ScriptDecision
from services.delivery.domain.script_effects import (
    MOST_HOPS,
    goes_round,
    mark_of,
    may_be_answered,
    may_be_refused,
    prefix_of_redirect,
    replaces_keep,
)
from shared.events.mail import Message, Recipient, RecordedCheck
from shared.protocol.sieve.actions import (
    DiscardAction,
    FileIntoAction,
    NotifyAction,
    RedirectAction,
    SieveAction,
)
from shared.protocol.sieve.mail.header import parse_block

ANN = "ann@example.org"
ACCEPTED = b"Received: by mx\r\nAuthentication-Results: mx; spf=pass\r\n"
MAIL = AcceptedMail("q1", "eve@example.net", (Recipient(ANN),), Message("g/1", 1), spf=RecordedCheck("spf", "pass"))
FAILS = RecordedCheck("dmarc", "fail")
NO_SPF = RecordedCheck("spf", "none")


def author_proven(author: str) -> dict[str, object]:
    """DMARC proves the author; SPF does not prove the sender."""
    passed = RecordedCheck("dmarc", "pass", {"author_domain": author.rpartition("@")[2]})
    message = Message("g/1", 1, author=author)
    return {"spf": RecordedCheck("spf", "fail"), "is_authenticated": True, "dmarc": passed, "message": message}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"Subject: x\r\n", False),
        (mark_of(ANN), True),
        (b"x-sieve-redirected-from:\r\n  ANN@Example.ORG \r\n", True),
        (mark_of("bob@example.org"), False),
        (b"Received: a\r\n" * (MOST_HOPS - 1), False),
        (b"Received: a\r\n" * MOST_HOPS, True),
    ],
)
def test_what_goes_round(block: bytes, expected: bool) -> None:
    assert goes_round(parse_block(block), b"Received: by mx\r\n", ANN) is expected


@given(st.binary(max_size=500))
def test_any_header_goes_round_or_does_not(block: bytes) -> None:
    assert goes_round(parse_block(block), b"", ANN) in (True, False)


def test_a_redirected_copy_has_the_mark_and_the_lines_of_acceptance_on_top() -> None:
    assert prefix_of_redirect(MessageForm(), ACCEPTED, ANN) == mark_of(ANN) + ACCEPTED


def test_what_a_script_has_added_and_deleted_on_top_is_so_in_the_copy() -> None:
    left = b"Return-Path: <eve@example.net>\r\nDelivered-To: x\r\nReceived: by mx\r\n"
    form = MessageForm(b"X-Tag: 1\r\n", left)
    assert prefix_of_redirect(form, ACCEPTED, ANN) == mark_of(ANN) + b"X-Tag: 1\r\nReceived: by mx\r\n"


@pytest.mark.parametrize(
    ("changes", "refused", "answered"),
    [
        ({}, True, True),
        ({"spam": True}, False, False),
        ({"reverse_path": ""}, False, False),
        ({"spf": NO_SPF}, False, True),
        ({"spf": NO_SPF, "is_authenticated": True}, False, True),
        ({"spf": NO_SPF, "submitted": True}, True, True),
        ({"dmarc": FAILS}, False, False),
        ({"dmarc": RecordedCheck("dmarc", "pass")}, True, True),
        ({"spf": RecordedCheck("spf", "fail"), "is_authenticated": False}, False, False),
        ({"spf": RecordedCheck("spf", "fail"), "is_authenticated": True}, False, True),
        (author_proven("eve@mail.example.net"), True, True),
        (author_proven("mallory@elsewhere.example"), False, True),
        ({"spf": RecordedCheck("spf", "softfail"), "is_authenticated": False}, False, True),
        ({"list_address": "devs@example.org"}, False, True),
    ],
)
def test_who_hears_of_a_script(changes: dict[str, object], refused: bool, answered: bool) -> None:
    mail = msgspec.structs.replace(MAIL, **changes)
    assert (may_be_refused(mail, "a1"), may_be_answered(mail, "a1")) == (refused, answered)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (DiscardAction(), True),
        (FileIntoAction("x"), True),
        (FileIntoAction("x", copy=True), False),
        (RedirectAction("x@y"), True),
        (RedirectAction("x@y", copy=True), False),
        (NotifyAction("mailto:x@y", "m"), False),
    ],
)
def test_what_replaces_the_keep(action: SieveAction, expected: bool) -> None:
    assert replaces_keep(ScriptDecision(action)) is expected
