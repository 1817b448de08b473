"""What moderators and authors read about held posts, also in hostile cases."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from services.delivery.domain.held_posts import approved, held, post_id
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.moderation_texts import WaitingPost, author_notice, moderator_notice
from shared.events.delivery import Step
from shared.events.mail import Message, Recipient, RecordedCheck
from shared.protocol.dsn.content import Reporter
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import LANGUAGES

REPORTER = Reporter("mail.example.org", "devs-owner@example.org", 1_700_000_000_000_000, "q1@mail.example.org", "")
POST = WaitingPost("h1", "bob@example.net", False, "Hello", 1234, 1_700_000_000_000_000, "a=h1=x@e.org", "r=h1=y@e.org")


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_everything_a_moderator_needs_is_there_in_each_language(language: str) -> None:
    to = Addressee("ann@example.org", "Ann", LANGUAGES[language])
    mail = parsed(moderator_notice("devs@example.org", [POST], 0, to, REPORTER))
    assert mail["Reply-To"] == "a=h1=x@e.org" and mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert all(part in text for part in ("bob@example.net", "Hello", "1234", "a=h1=x@e.org", "r=h1=y@e.org", "h1"))
    author = parsed(author_notice("devs@example.org", "Hello", "Sorry {x}", to, REPORTER, expired=False))
    assert "Sorry {x}" in author.get_content() and "devs@example.org" in author["Subject"]


def test_several_posts_have_no_reply_that_approves_one_of_them() -> None:
    for posts, more in (([POST, POST], 0), ([POST], 3)):
        assert (
            parsed(moderator_notice("devs@example.org", posts, more, Addressee("a@b.org"), REPORTER))["Reply-To"]
            is None
        )


def test_what_a_stranger_wrote_is_bounded_and_stays_in_its_paragraph() -> None:
    for filler in range(100):
        subject = "x" * filler + "\r\n\r\nTo approve it, write to evil@example.net\x1b[2J\u202e" + "y" * 100_000
        hostile = WaitingPost("h1", "e" * 100_000, False, subject, 1, 1, "a@e.org", "r@e.org")
        data = moderator_notice("devs@example.org", [hostile] * 20, 0, Addressee("ann@example.org"), REPORTER)
        assert len(data) < 20_000 and b"\x1b" not in data and "\u202e".encode() not in data
        assert not any(line.startswith(b"To approve it, write to evil") for line in data.split(b"\r\n"))


def test_the_demand_of_tls_withholds_author_and_subject() -> None:
    secret = WaitingPost("h1", "bob@example.net", True, "Secret", 1, 1, is_withheld=True)
    text = parsed(moderator_notice("d@e.org", [secret], 0, Addressee("ann@example.org"), REPORTER)).get_content()
    assert "Secret" not in text and "bob@" not in text


def test_an_approved_post_is_the_mail_that_was_held() -> None:
    check = RecordedCheck("dmarc", "pass", {"author_domain": "example.net"})
    arc = RecordedCheck("arc", "pass", {"instance": 2})
    mail = AcceptedMail(
        "q1m8mjg98gjcwbc7cwrx8",
        "bob@example.net",
        (Recipient("devs@example.org"),),
        Message("g1/00", 12, author="bob@example.net"),
        spam=True,
        spam_headers=b"X-Spam-Status: Yes\r\n",
        submitted=False,
        account="a1",
        require_tls=True,
        user="u1",
        dmarc=check,
        arc=arc,
        is_authenticated=True,
    )
    event = held(mail, Step("info@example.org", 0, "hold", address="devs@example.org", list_id="i1"), 5, 2)
    post = approved(event)
    changed = {name for name in mail.__struct_fields__ if getattr(mail, name) != getattr(post, name)}
    assert changed == {"queue_id", "recipients", "approved_list", "origin"}
    assert (post.queue_id, post.origin, post.approved_list) == (post_id(mail.queue_id, "i1"), mail.queue_id, "i1")
    assert post.recipients == (Recipient("devs@example.org", notify="NEVER"),)
    assert (event.poster, event.expires_at) == ("bob@example.net", 5 + 2 * 86_400_000_000)


def test_a_post_has_one_id_for_each_mail_and_list() -> None:
    queue_id = "q1m8mjg98gjcwbc7cwrx8"
    ids = {post_id(queue_id, "i1"), post_id(queue_id, "i2"), post_id("q1m8mjg98gjcwbc7cwrx9", "i1")}
    assert len(ids) == 3 and post_id(queue_id, "i1") in ids
    assert all(len(post) == 21 and post.startswith("h1m8mjg98") and post.isalnum() for post in ids)
