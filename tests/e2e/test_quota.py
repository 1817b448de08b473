"""Quotas of octets and messages, by command and seen through SMTP and IMAP."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap, No
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_numbers = itertools.count(1)


@pytest.fixture
def full(server: MailfoldServer) -> Person:
    """An account that may have twenty messages, with fourteen in Archive."""
    domain = f"quota{next(_numbers)}.example"
    server.command("domain", "add", domain, "--incoming")
    person = server.people.person("full", domain=domain)
    server.command("alias", "add", f"postmaster@{domain}", person.address)
    shown = server.command.json("account", "quota", person.address, "0", "--messages", "20")
    assert (shown["quota_bytes"], shown["quota_messages"]) == (0, 20)
    with server.imap(person) as imap:
        fill(imap, person, 14)
    return person


def fill(imap: Imap, person: Person, number: int) -> None:
    for _ in range(number):
        imap.append("Archive", compose(SENDER, person.address).data)


def until_full(imap: Imap, person: Person) -> int:
    """Append until the account is full; returns the number of messages that were taken."""
    for number in range(1000):
        try:
            fill(imap, person, 1)
        except No as refused:
            assert "OVERQUOTA" in str(refused)
            return number
    raise AssertionError("the account takes more than its quota")


def notices(imap: Imap, percent: int) -> int:
    imap.select("INBOX")
    return len(imap.uids("SUBJECT", f'"Your mailbox is {percent} % full"'))


def replies(server: MailfoldServer, *recipients: str, size: int = 0) -> list[str]:
    """The replies to RCPT, each without its reference."""
    with server.smtp() as smtp:
        smtp.expect(250, f"MAIL FROM:<{SENDER}>{f' SIZE={size}' if size else ''}".encode())
        answers = [smtp.command(f"RCPT TO:<{recipient}>".encode()) for recipient in recipients]
        return [f"{answer.code} {answer.text[:5]}" for answer in answers]


def test_warnings_and_refusals_of_the_full_recipient_only(server: MailfoldServer, full: Person) -> None:
    ann, bob = server.people.people("ann", "bob")
    both = server.people.alias("both", full.address, ann.address)
    with server.imap(full) as imap:
        assert notices(imap, 80) == 0
        fill(imap, full, 2)
        until(lambda: notices(imap, 80) == 1, "the notification at 80 %")  # the 17th message
        fill(imap, full, 1)
        server.settled()
        assert (notices(imap, 95), imap.count("INBOX")) == (0, 1)
        fill(imap, full, 1)
        until(lambda: notices(imap, 95) == 1, "the notification at 95 %")  # the 20th message
        refused = until_refused(server, full)
        assert refused == ["250 2.1.5", "452 4.2.2", "250 2.1.5", "250 2.1.5"]
        to_all = compose(SENDER, both)
        with server.smtp() as smtp:
            smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
            assert smtp.command(f"RCPT TO:<{bob.address}>".encode()).code == 250
            assert smtp.command(f"RCPT TO:<{full.address}>".encode()).code == 452
            assert smtp.command(f"RCPT TO:<{both}>".encode()).code == 250
            smtp.expect(354, b"DATA")
            assert smtp.data(to_all.data).queue_id
        for person in (ann, bob):
            with server.imap(person) as other:
                other.wait_for(to_all.message_id)
        assert (notices(imap, 80), notices(imap, 95), imap.count("INBOX"), imap.count("Archive")) == (1, 1, 2, 18)


def until_refused(server: MailfoldServer, full: Person) -> list[str]:
    """The replies once the ingress knows that the account is full: to others, it, its postmaster and a list of it."""
    ann = server.people.person("ann")
    both = server.people.alias("both", full.address, ann.address)
    until(lambda: replies(server, full.address)[0].startswith("452"), "the refusal of the full mailbox")
    only = server.people.alias("only", full.address)
    assert replies(server, only.replace("@", "+tag@")) == ["452 4.2.2"]
    return replies(server, ann.address, full.address, both, f"postmaster@{full.address.partition('@')[2]}")


def test_sizes_are_known_at_rcpt_and_room_is_found_again(server: MailfoldServer) -> None:
    small = server.people.person("small", quota=200_000)
    with server.imap(small) as imap:
        imap.append("Archive", compose(SENDER, small.address, body=b"x" * 70 + b"\r\n" * 65_000).data)
        imap.append("Archive", compose(SENDER, small.address, body=b"y" * 40_000).data)
        until(lambda: notices(imap, 80) == 1, "the notification")
        until(lambda: replies(server, small.address, size=90_000) == ["452 4.2.2"], "the refusal at RCPT")
        assert replies(server, small.address, size=200_001) == ["552 5.2.2"]
        assert replies(server, small.address, size=2_000) == ["250 2.1.5"]
        (limits,) = quota(imap)
        assert re.fullmatch(rb'"" \(STORAGE 1[67]\d 195\)', limits), limits
        imap.select("Archive")
        imap.store(1, "+FLAGS (\\Deleted)")
        imap.command(b"EXPUNGE")
        until(lambda: replies(server, small.address, size=90_000) == ["250 2.1.5"], "the room at RCPT")


def quota(imap: Imap) -> list[bytes]:
    """The QUOTA responses to GETQUOTAROOT and GETQUOTA, which are the same."""
    _, answer = imap.connection.getquotaroot("INBOX")
    roots, limits = answer
    assert roots == [b'"INBOX" ""'], roots
    assert imap.connection.getquota('""') == ("OK", limits)
    return [line for line in limits if line is not None]


def test_imap_shows_both_limits_and_sets_none(server: MailfoldServer, full: Person) -> None:
    server.command("account", "quota", full.address, "1M")
    with server.imap(full) as imap:
        (limits,) = until(lambda: [line for line in quota(imap) if b"STORAGE" in line], "the limit of octets in IMAP")
        assert re.fullmatch(rb'"" \(STORAGE \d+ 1024 MESSAGE 14 20\)', limits), limits
        capabilities = set(imap.connection.capability()[1][0].split())
        assert {b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"} <= capabilities
        assert b"QUOTASET" not in capabilities
        status, answer = imap.connection.setquota('""', "(STORAGE 1000000)")
        assert status == "NO" and answer[0].startswith(b"[NOPERM]"), answer


def test_new_accounts_get_the_limits_of_their_domain(server: MailfoldServer) -> None:
    server.command("domain", "add", "limits.example", "--incoming")
    server.command("domain", "set", "limits.example", "default_quota_messages", "3")
    ann = server.people.person("ann", domain="limits.example")
    assert server.command.json("account", "show", ann.address)["quota_messages"] == 3
    with server.imap(ann) as imap:
        fill(imap, ann, 3)
        with pytest.raises(AssertionError, match="OVERQUOTA"):
            fill(imap, ann, 1)
    with pytest.raises(CommandFailed, match="not a number of messages"):
        server.command("account", "quota", ann.address, "--messages", "-1")
    with pytest.raises(CommandFailed, match="which quota"):
        server.command("account", "quota", ann.address)


def test_a_full_mailbox_is_emptied_by_copy_and_by_move(server: MailfoldServer) -> None:
    """Clients that delete by COPY to Trash find a margin there, which has an end; MOVE needs no room."""
    brim = server.people.person("brim")
    server.command("account", "quota", brim.address, "0", "--messages", "100")
    with server.imap(brim) as imap:
        put = until_full(imap, brim)  # the notifications of the server have a place too
        until(lambda: notices(imap, 95) == 1, "the notification at 95 %")
        imap.select("Archive")
        with pytest.raises(No, match="OVERQUOTA"):
            imap.command(b"UID COPY 1 Drafts")
        imap.command(b"UID COPY 1:5 Trash")
        with pytest.raises(No, match="OVERQUOTA"):
            imap.command(b"UID COPY 6:25 Trash")
        imap.connection.uid("STORE", "1:5", "+FLAGS", "(\\Deleted)")
        imap.command(b"EXPUNGE")
        imap.move(f"6:{put}", "Trash")
        assert (imap.count("Archive"), imap.count("Trash")) == (0, put)
        imap.select("Trash")
        imap.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        imap.command(b"EXPUNGE")
        fill(imap, brim, 1)
