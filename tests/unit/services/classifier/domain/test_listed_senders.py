"""The senders of a mail, and when an allowed one does not count."""

from __future__ import annotations

import pytest

from services.classifier.domain.listed_senders import decisive, hit_of, senders_of
from services.classifier.handlers.sender_lists import MailListing, SenderLists
from shared.events.blocking import BlockingEntriesAdded
from shared.events.mail import Client, MailReceived, Message, Recipient, RecordedCheck
from shared.routing.block_lists import BlockLists, ListedSender


def mail(
    *, spf: str = "none", dmarc: str = "none", reverse_path: str = "Bounce@esp.example", author: str = "Boss@x.example"
) -> MailReceived:
    checks = (RecordedCheck("spf", spf), RecordedCheck("dmarc", dmarc, {"from": [f"Boss <{author}>"]}))
    message = Message("g0001/b", 10)
    recipients = (Recipient("ann@example.org"), Recipient("bob@example.org"))
    return MailReceived("q1", reverse_path, recipients, message, Client("192.0.2.7"), checks=checks)


class Rooms:
    """Two accounts with the lists of the test."""

    def __init__(self, *events: BlockingEntriesAdded) -> None:
        self.lists = BlockLists()
        for event in events:
            self.lists.apply(event)

    def accounts_of(self, addresses: list[str]) -> list[str]:
        return [address.partition("@")[0] for address in addresses]


def listing(received: MailReceived, *events: BlockingEntriesAdded) -> MailListing:
    return SenderLists(Rooms(*events)).of(received)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spf", "dmarc", "forged"),
    [
        ("pass", "pass", set()),
        ("none", "none", set()),
        ("neutral", "none", set()),
        ("fail", "none", {"bounce@esp.example"}),
        ("softfail", "fail", {"bounce@esp.example", "boss@x.example"}),
        ("pass", "fail", {"boss@x.example"}),
    ],
)
def test_the_senders_and_which_are_forged(spf: str, dmarc: str, forged: set[str]) -> None:
    senders = senders_of(mail(spf=spf, dmarc=dmarc))
    assert senders.keys == ("bounce@esp.example", "boss@x.example")
    assert senders.forged == forged


def test_the_null_reverse_path_and_unreadable_authors_are_nobody() -> None:
    assert senders_of(mail(reverse_path="", author="@@")).keys == ()


def test_a_forged_allowed_sender_does_not_count_but_a_blocked_one_does() -> None:
    allowed = ListedSender("allow", "boss@x.example", "boss@x.example")
    blocked = ListedSender("block", "*@esp.example", "bounce@esp.example", (0, 1))
    assert decisive([allowed, blocked], ()) == allowed
    assert decisive([allowed, blocked], {"boss@x.example", "bounce@esp.example"}) == blocked
    assert decisive([allowed], {"boss@x.example"}) is None


def test_the_names_of_the_tests() -> None:
    blocked = hit_of(ListedSender("block", "*@x.example", "boss@x.example"), "the server")
    assert (blocked.name, blocked.score) == ("USER_IN_BLACKLIST", 100.0)
    assert blocked.description == "The sender boss@x.example is blocked by the server: *@x.example"
    assert hit_of(ListedSender("block", "192.0.2.0/24", ""), "the account").description.startswith("The sender is ")
    allowed = hit_of(ListedSender("allow", "*@x.example", "boss@x.example"), "the account")
    assert (allowed.name, allowed.score) == ("USER_IN_WHITELIST", -100.0)


def test_the_server_and_each_account_have_their_own_entry() -> None:
    result = listing(
        mail(),
        BlockingEntriesAdded("", "block", ("*@esp.example",)),
        BlockingEntriesAdded("ann", "allow", ("boss@x.example",)),
        BlockingEntriesAdded("bob", "block", ("*@x.example",)),
    )
    assert result.server is not None and result.server.pattern == "*@esp.example"
    assert [(own.list, own.accounts, own.entries[0].pattern) for own in result.own] == [
        ("allow", ("ann",), "boss@x.example"),
        ("block", ("bob",), "*@x.example"),
    ]


def test_an_allowed_sender_never_overrides_a_blocked_network_of_the_account() -> None:
    (own,) = listing(
        mail(),
        BlockingEntriesAdded("ann", "block", ("192.0.2.0/24",)),
        BlockingEntriesAdded("ann", "allow", ("boss@x.example",)),
    ).own
    assert (own.list, own.accounts, own.entries[0].pattern) == ("block", ("ann",), "192.0.2.0/24")


def test_nothing_is_looked_for_without_lists() -> None:
    assert listing(mail()) == MailListing()
