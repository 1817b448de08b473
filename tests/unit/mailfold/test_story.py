"""The history of a mail as text."""

from __future__ import annotations

import msgspec

from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story
from shared.events import delivery, directory, mail, mailbox, sending, spam
from shared.eventstore.event import Actor, Event, encode, encode_actor

AT = 1_700_000_000_123_000
OPENED = mailbox.AccountOpened("a1", (mailbox.NewMailbox("m1", "INBOX", 1), mailbox.NewMailbox("m2", "Junk", 1)))
NAMES = Names([OPENED, directory.AccountAdded("a1", "ann@example.org", "u1")])


def logged(event: Event, actor: Actor | None = None) -> LoggedEvent:
    return LoggedEvent("service.1.2", event.stored_name, AT, encode_actor(actor or Actor("system")), "", encode(event))


def lines(*events: Event) -> list[str]:
    return [line.strip() for line in story([logged(event) for event in events], NAMES)]


def test_a_reception_shows_each_check_with_its_inputs_and_dns_answers() -> None:
    answer = mail.DnsAnswer("example.net", "TXT", "NOERROR", ("v=spf1 -all",))
    check = mail.RecordedCheck("spf", "fail", {"domain": "example.net", "client": "192.0.2.1"}, (answer,))
    message = mail.Message("g0001/ab", 700, message_id="<1@x>", subject="Hi", author="x@example.net")
    recipients, client = (mail.Recipient("ann@example.org", notify="NEVER"),), mail.Client("192.0.2.1", 99, "h")
    logged = mail.MailReceived("q1", "x@example.net", recipients, message, client, checks=(check,))
    result = lines(logged)
    assert "2023-11-14 22:13:20.123" in result[0]
    for expected in (
        "check spf: fail",
        "domain: example.net",
        "DNS example.net TXT → NOERROR: v=spf1 -all",
        "RCPT TO:<ann@example.org> NOTIFY=NEVER",
        "subject Hi",
    ):
        assert expected in result


def test_a_verdict_sums_up() -> None:
    tests = (spam.Test("BAYES_99", 3.5, "looks like spam"), spam.Test("SPF_FAIL", 1.25))
    verdict = spam.RecordedVerdict(
        False, 4.75, 5.0, tests, (spam.Word("viagra", 4.2), spam.Word("meeting", -1.0)), 0.98, spam_seen=60, ham_seen=70
    )
    result = lines(spam.MailClassified("q1", verdict, b""))
    assert result[1] == "not spam: 4.75 of 5.00 required"
    assert "+4.75  sum" in result
    assert result.index("+4.200  viagra") < result.index("-1.000  meeting")


def test_the_account_whose_lessons_counted_more_is_named() -> None:
    verdict = spam.RecordedVerdict(False, 4.75, 5.0, account="a1", own_spam=3, own_ham=4)
    assert any(
        "lessons of ann@example.org counted more: 3 spam and 4 ham" in line
        for line in lines(spam.MailClassified("q1", verdict, b""))
    )
    assert not any(
        "counted more" in line for line in lines(spam.MailClassified("q1", spam.RecordedVerdict(False, 4.75, 5.0), b""))
    )


def test_a_sum_that_does_not_fit_is_shown() -> None:
    result = lines(spam.MailClassified("q1", spam.RecordedVerdict(True, 9.0, 5.0, (spam.Test("A", 1.0),)), b""))
    assert any("(recorded +9.00)" in line for line in result)


def test_plan_mailbox_and_later_life_with_names() -> None:
    step = delivery.Step(
        "ann@example.org", 0, "store", account="a1", address="ann@example.org", mailbox="INBOX", rule="default"
    )
    entry = mailbox.NewEntry("e1", 7, "g0001/ab", 800, AT, "x1", "t1")
    result = lines(
        delivery.DeliveryPlanned("q1", (step,), ("info@example.org → ann@example.org (alias)",)),
        mailbox.MessageDelivered("a1", "m1", "q1", "ann@example.org", 0, entry),
        mailbox.FlagsChanged("a1", "m1", ((7, 7),), "add", ("\\Seen",)),
        mailbox.MessagesMoved("a1", "m1", "m2", ((5, 7),), 3),
    )
    for expected in (
        "route info@example.org → ann@example.org (alias)",
        "step 0 for ann@example.org: store into INBOX of ann@example.org (rule default)",
        "in INBOX of ann@example.org as UID 7 (entry e1, 800 octets)",
        "flags set \\Seen in INBOX, UID 7",
        "moved from INBOX UID 5:7 to Junk UID 3:5",
    ):
        assert expected in result


def test_keys_and_relays_with_the_name_of_their_domain() -> None:
    added = sending.DkimKeyAdded("k1", "d1", "mailfold-k1", "rsa-sha256", "v=DKIM1; p=", "aesgcm1:x", True)
    names = Names([directory.DomainAdded("d1", "example.org"), added])
    events = [
        added,
        sending.DkimRecordChecked("k1", "d1", False, "ns1: no such record\r\nX: y"),
        sending.DkimKeyActivated("k2", "d1", ("k1",)),
        sending.DkimKeyResealed("k1", "d1", "aesgcm1:x"),
        sending.DkimKeyRetired("k1", "d1", "mailfold-k1"),
        sending.RelaySet("d1", "ses", "smtp.example", 587, "starttls", "me", "aesgcm1:x"),
        sending.RelaySet("", "direct", "", 0, "none"),
        sending.RelayPasswordResealed("d1", "aesgcm1:x"),
        sending.RelayRemoved(""),
    ]
    shown = [line.strip() for line in story([logged(event) for event in events], names)]
    assert shown[1::2] == [
        "new DKIM key mailfold-k1 (rsa-sha256) of example.org: signs at once",
        "DKIM record of mailfold-k1 not published any more: ns1: no such record��X: y",
        "DKIM key k2 signs mail of example.org instead of mailfold-k1",
        "private key of mailfold-k1 encrypted with another key",
        "DKIM key mailfold-k1 of example.org retired",
        "mail of example.org goes to smtp.example:587 (starttls), logged in as me; preset ses",
        "mail of all domains without a relay of their own goes to the MX hosts; preset direct",
        "password for the relay of example.org encrypted with another key",
        "relay of all domains without a relay of their own removed",
    ]
    assert not any("aesgcm1" in line for line in shown)


def test_a_submission_that_waits_is_released_or_cancelled() -> None:
    message = mail.Message("g0001/ab", 700, message_id="<1@x>")
    submission = mail.MailSubmitted("q1", "ann@example.org", (), message, mail.Client("192.0.2.1"), "u1", "a1")
    asked = msgspec.structs.replace(submission, release_at=AT, hold_requested=True, require_tls=True)
    assert "held until 2023-11-14 22:13:20.123: the sender asked for it (`mailfold submissions`)" in lines(asked)
    assert "MAIL FROM:<ann@example.org> REQUIRETLS" in lines(asked)
    undo = msgspec.structs.replace(submission, release_at=AT)
    assert any("it can be taken back meanwhile" in line for line in lines(undo))
    assert not any("held" in line or "REQUIRETLS" in line for line in lines(submission))
    released = list(story([logged(mail.MailReleased("q1"), Actor("service", "ingress"))], NAMES))
    assert not released[0].endswith("ingress") and "delivered from now on" in released[1]
    cancelled = list(story([logged(mail.MailCancelled("q1", "wrong list"), Actor("operator", "root"))], NAMES))
    assert cancelled[0].endswith("by operator root") and cancelled[1].endswith("nobody gets it: wrong list")


def test_who_did_it() -> None:
    event = mailbox.FlagsChanged("a1", "m1", ((7, 7),), "add", ("\\Seen",))
    (first, _) = list(story([logged(event, Actor("account", "a1", session="s1", address="192.0.2.1"))], NAMES))
    assert first.endswith("by account ann@example.org from 192.0.2.1 session s1")


def test_an_unknown_type_is_shown_as_it_is_stored() -> None:
    result = list(story([LoggedEvent("x.0.1", "later.fact", AT, "{}", "", b'{"a":1}')], Names()))
    assert result[1].strip() == '{"a":1}'


def test_data_of_a_known_type_that_cannot_be_read_is_shown_too() -> None:
    result = list(story([LoggedEvent("x.0.1", "mail.held", AT, "not json", "", b"[]")], Names()))
    assert result[1].strip() == "[]"


def test_strangers_do_not_steer_the_terminal() -> None:
    message = mail.Message("g0001/ab", 1, subject="\x1b[2J\r\nforged line")
    result = list(story([logged(mail.MailReceived("q1", "", (), message, mail.Client("192.0.2.1")))], NAMES))
    assert not any(character in "".join(result) for character in "\x1b\r\n")


def test_hashes_of_passwords_are_not_shown() -> None:
    entry = logged(directory.UserAdded("u1", "ann", "$argon2id$v=19$x"))
    assert "argon2" not in entry.shown + "".join(story([entry], Names())) and "ann" in entry.shown
