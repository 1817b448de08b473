"""Rules for messages that expire, by command; what they remove by the clock is in tests/integration/access."""

from __future__ import annotations

import time

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

DAY = 86_400_000_000


def test_rules_of_mailboxes_and_domains(server: MailfoldServer) -> None:
    server.command("domain", "add", "expiry.example", "--incoming")
    ann = server.people.person("ann", domain="expiry.example")
    with server.imap(ann) as imap:
        for _ in range(2):
            imap.append("Trash", compose(ann.address, ann.address).data)
        would = server.command.json("mailbox", "expire", ann.address, "Trash", "30", "--dry-run")
        assert (would["rule"], would["days"], would["messages"], would["at_once"]) == ("30", "30", 2, 0)
        assert 29 * DAY < would["first_at"] - time.time_ns() // 1000 <= 30 * DAY
        assert rules(server, ann.address) == {"Spam": ("default", "never"), "Trash": ("default", "never")}
        server.command("mailbox", "expire", ann.address, "Trash", "30")
        server.command("domain", "set", "expiry.example", "expire_spam", "14")
        assert rules(server, ann.address) == {"Spam": ("default", "14"), "Trash": ("30", "30")}
        server.command("mailbox", "expire", ann.address, "Trash", "default")
        server.command("domain", "set", "expiry.example", "expire_spam", "never")
        assert rules(server, ann.address) == {"Spam": ("default", "never"), "Trash": ("default", "never")}
        assert imap.count("Trash") == 2
    until(lambda: "mailbox.expiry_changed" in server.command("events", "--type", "mailbox.expiry_changed"), "the log")


def rules(server: MailfoldServer, address: str) -> dict[str, tuple[str, str]]:
    """The rule and the days in force of each mailbox that may have one."""
    listed = server.command.json("mailbox", "expiry", address)
    return {mailbox["mailbox"]: (mailbox["rule"], mailbox["days"]) for mailbox in listed}


def test_what_is_no_rule_is_refused(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap:
        imap.select()
    for words, text in (
        (("mailbox", "expire", ann.address, "Trash", "0"), "no number of days"),
        (("mailbox", "expire", ann.address, "Nowhere", "5"), "no mailbox Nowhere"),
        (("mailbox", "expire", "nobody@example.org", "Trash", "5"), "no account"),
        (("domain", "set", "example.org", "expire_trash", "soon"), "no number of days"),
    ):
        with pytest.raises(CommandFailed, match=text):
            server.command(*words)
