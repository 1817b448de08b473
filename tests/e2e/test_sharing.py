"""Who may share with whom, by command, on a server whose switch is turned on and off."""

from __future__ import annotations

import itertools

import pytest

from tests.harness.command import CommandFailed
from tests.harness.server import MailfoldServer

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
