"""Who may share with whom, by command, on a server whose switch is turned on and off."""

from __future__ import annotations

import itertools

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap, No
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

_numbers = itertools.count(1)


def names(server: MailfoldServer, account: str, prefix: str = "") -> list[str]:
    return [entry["name"] for entry in server.command.json("sharing", "list", account, prefix)]


def test_sharing_is_switched_on_and_domains_agree(server: MailfoldServer) -> None:
    ours, theirs = (f"{name}{next(_numbers)}.example" for name in ("ours", "theirs"))
    for domain in (ours, theirs):
        server.command("domain", "add", domain, "--incoming")
    ann, bob = (server.people.person(name, domain=ours).address for name in ("ann", "bob"))
    eve = server.people.person("eve", domain=theirs)
    server.command("group", "add", f"team {ours}", eve.user)
    server.command("account", "add", f"sales@{ours}", "--group", f"team {ours}")
    assert server.command.json("sharing", "show", ours)["enabled"] is False
    assert names(server, ann) == []
    with pytest.raises(CommandFailed, match=f"{ann} cannot share with {bob}"):
        server.command("sharing", "resolve", ann, bob)
    server.command("settings", "set", "sharing.enabled", "true")
    server.restart()
    try:
        assert names(server, ann) == sorted([ann, bob, f"sales@{ours}"])
        assert names(server, ann, "bob") == [bob]
        assert server.command.json("sharing", "resolve", ann, f"sales@{ours}")["kind"] == "group"
        shown = server.command.json("sharing", "set", ours, theirs, "--anyone")
        assert (shown["visible"], shown["domains"], shown["anyone"], shown["sees"]) == (
            "domains",
            [theirs],
            True,
            [ours],
        )
        for unseen in (eve.address, f"nobody@{theirs}"):
            with pytest.raises(CommandFailed, match=f"{ann} cannot share with {unseen}"):
                server.command("sharing", "resolve", ann, unseen)
        assert server.command.json("sharing", "set", theirs, "all")["sees"] == sorted([ours, theirs])
        assert server.command.json("sharing", "resolve", ann, eve.address)["id"] == eve.account
        assert server.command.json("sharing", "resolve", ann, "anyone")["id"] == "anyone"
        server.command("sharing", "set", theirs, "nobody")
        assert (names(server, eve.address), eve.address in names(server, ann)) == ([], False)
        server.command("domain", "set", ours, "all_mail", "on")
        chosen = server.command.json("account", "all-mail", ann)
        assert (chosen["own"], chosen["domain"], chosen["server"], chosen["chosen"]) == ("", "on", False, True)
        assert server.command.json("account", "all-mail", ann, "off")["chosen"] is False
        events = server.command("events", "--type", "sharing.rule_changed")
        assert len(events.strip().splitlines()) >= 3
    finally:
        server.command("settings", "set", "sharing.enabled", "false")
        server.restart()
    assert names(server, ann) == []


def test_mailboxes_are_shared_and_taken_back(server: MailfoldServer) -> None:
    """Over IMAP: a group and a user see mailboxes of ann's; rights end while one idles, and with the switch."""
    ann, bob, eve = server.people.people("ann", "bob", "eve")
    group = f"readers {next(_numbers)}"
    team = f"readers{next(_numbers)}@{ann.address.partition('@')[2]}"
    server.command("group", "add", group, eve.user)
    server.command("account", "add", team, "--group", group)
    server.command("settings", "set", "sharing.enabled", "true")
    server.restart()
    name = f'"Other Users/{ann.address}/Plans"'
    try:
        server.followed()
        with server.imap(ann) as imap:
            imap.command(b"CREATE Plans")
            imap.command(f"SETACL Plans {bob.address} lrswi".encode())
            imap.command(f"SETACL Plans {team} lr".encode())
            imap.append("Plans", b"Subject: plan\r\n\r\nplan\r\n")
        granted = server.command.json("sharing", "grants", ann.address)
        assert sorted((grant["identifier"], grant["rights"]) for grant in granted) == sorted(
            [(bob.address, "lrswi"), (team, "lr")]
        )
        assert server.command.json("sharing", "seen", ann.address, "Plans")["seen"] == "shared"
        assert server.command.json("sharing", "seen", ann.address, "Plans", "own")["seen"] == "own"
        bob_reads, eve_reads = server.imap(bob), server.imap(eve)
        for reader in (bob_reads, eve_reads):
            reader.command(f"SELECT {name}".encode())
        bob_reads.command(b"STORE 1 +FLAGS (\\Seen)")
        for person, mailbox, unseen in ((ann, "Plans", 1), (bob, name, 0), (eve, name, 1)):
            with server.imap(person) as imap:
                assert b"(UNSEEN %d)" % unseen in imap.connection.status(mailbox, "(UNSEEN)")[1][0]
        alone = f"seen for {bob.account} alone in"
        until(
            lambda: alone in server.command("events", "--type", "message.own_seen_changed"),
            "the event log has the event",
        )
        with pytest.raises(CommandFailed, match="the kind is own or shared"):
            server.command("sharing", "seen", ann.address, "Plans", "mine")
        assert server.command.json("sharing", "revoke", ann.address, bob.address) == {"grants": 1}
        assert _is_sent_away(bob_reads, b"NOOP")
        eve_reads.connection.send(b"i IDLE\r\n")
        server.command("group", "leave", group, eve.user)
        assert _is_sent_away(eve_reads, b"")
    finally:
        server.command("settings", "set", "sharing.enabled", "false")
        server.restart()
    with server.imap(bob) as imap, pytest.raises(No, match="NONEXISTENT"):
        imap.command(f"SELECT {name}".encode())
    with pytest.raises(CommandFailed, match="has given no such rights"):
        server.command("sharing", "revoke", ann.address, bob.address)
    server.command("verify")


def _is_sent_away(imap: Imap, command: bytes) -> bool:
    """Whether the server closes a connection with BYE, with the answer to a command or unasked."""
    if command:
        imap.connection.send(b"x " + command + b"\r\n")
    lines = list(iter(imap.connection.readline, b""))
    return any(line.startswith(b"* BYE The selected mailbox is gone") for line in lines)
