"""The ids and addresses that events name, for every stored type, and for unexpected data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eventlog.domain.keys import LIFE, MAIL, WHO, bare, key_of, key_of_event
from services.eventlog.domain.names import names_of
from shared.events import delivery, directory, mail, mailbox, outbound, sending, spam
from shared.eventstore.event import Event, declared, encode

RECEPTION = mail.MailReceived(
    "q1",
    "bob@example.net",
    (mail.Recipient("ann@example.org"), mail.Recipient("cat@example.org")),
    mail.Message("b", 1, message_id="m@example.net", author="bob@example.com"),
    mail.Client("192.0.2.7"),
)
REFUSED = mail.MailRefused(
    "s1",
    mail.Client("192.0.2.7"),
    (mail.Refusal("REF1", 1, "rcpt", 550, "5.1.1", "no", sender="b@x", recipient="a@y"),),
)
ENTRY = mailbox.NewEntry("e1", 7, "b", 1, 1, "x1", "t1", message_id="m@example.net")
QUEUED = outbound.OutboundQueued(
    "o1", "q1", "ann@example.org", 0, "b", b"", 1, "bob@example.net", "ann@elsewhere.example"
)
KEY = sending.DkimKeyAdded("k1", "d1", "mailfold-k1", "rsa-sha256", "v=DKIM1; p=", "aesgcm1:x")


def is_named(event: Event, kind: str, text: str) -> bool:
    return key_of(kind, text) in names_of(event.stored_name, encode(event)).index_keys()


@pytest.mark.parametrize(
    ("event", "kind", "texts"),
    [
        (KEY, WHO, ["k1", "d1", "mailfold-k1"]),
        (sending.RelaySet("d1", "smarthost", "smtp.example", 25, "none"), WHO, ["d1", "smtp.example"]),
        (RECEPTION, MAIL, ["q1", "m@example.net", "M@Example.NET"]),
        (RECEPTION, WHO, ["bob@example.net", "ann@example.org", "cat@example.org", "bob@example.com", "192.0.2.7"]),
        (REFUSED, MAIL, ["REF1", "ref1"]),
        (REFUSED, WHO, ["s1", "192.0.2.7", "b@x", "a@y"]),
        (spam.MailClassified("q1", spam.RecordedVerdict(False, 0, 5), b""), MAIL, ["q1"]),
        (
            delivery.DeliveryPlanned("q1", (delivery.Step("i@x", 0, "store", account="a1", address="ann@x"),)),
            WHO,
            ["i@x", "a1", "ann@x"],
        ),
        (mailbox.MessageDelivered("a1", "m1", "q1", "ann@x", 0, ENTRY), MAIL, ["q1", "e1", "x1"]),
        (mailbox.MessageDelivered("a1", "m1", "q1", "ann@x", 0, ENTRY), WHO, ["a1", "ann@x"]),
        (mailbox.MessageAppended("a1", "m1", (ENTRY,)), MAIL, ["e1", "x1", "m@example.net"]),
        (mailbox.FlagsChanged("a1", "m1", ((1, 1),), "add", ()), LIFE, ["m1"]),
        (mailbox.MessagesMoved("a1", "m1", "m2", ((1, 1),), 1), LIFE, ["m1"]),
        (mailbox.MessagesExpunged("a1", "m1", ((1, 1),)), LIFE, ["m1"]),
        (QUEUED, MAIL, ["q1", "o1"]),
        (QUEUED, WHO, ["ann@elsewhere.example"]),
        (spam.LessonLearned("a1", "x1", "spam", "none", queue_id="q1", entry="e1"), MAIL, ["x1", "q1", "e1"]),
        (directory.AliasAdded("info@x", ("ann@x",)), WHO, ["info@x"]),
        (directory.LoginRefused("ann@x", "imap", "192.0.2.9", "password"), WHO, ["ann@x", "192.0.2.9"]),
    ],
)
def test_an_event_is_found_by_what_it_names(event: Event, kind: str, texts: list[str]) -> None:
    assert [text for text in texts if not is_named(event, kind, text)] == []


def test_kinds_do_not_mix() -> None:
    assert not is_named(RECEPTION, WHO, "q1")
    assert not is_named(RECEPTION, MAIL, "ann@example.org")


@given(
    st.sampled_from([*declared(), "mail.of_tomorrow"]),
    st.binary(max_size=200) | st.sampled_from([b"{}", b"[]", b"null", b'{"queue_id":[1]}']),
)
def test_no_data_stops_the_log(stored_name: str, data: bytes) -> None:
    names_of(stored_name, data).index_keys()


def test_a_message_id_is_the_same_with_and_without_brackets() -> None:
    assert bare(" <a@b> ") == bare("a@b") == "a@b"


@given(st.text())
def test_keys_fit_into_the_index(text: str) -> None:
    assert -(2**63) <= key_of(MAIL, text) < 2**63
    assert 0 <= key_of_event(95, 2**40) < 2**63
