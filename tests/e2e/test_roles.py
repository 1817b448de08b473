"""Roles by command: what a domain admin and a user may do, and the event of what they may not."""

from __future__ import annotations

import pytest

from tests.harness.command import CommandFailed
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


def refused(server: MailfoldServer, *words: str) -> None:
    with pytest.raises(CommandFailed, match="exit 1"):
        server.command(*words)


def test_a_domain_admin_and_a_user_by_command(server: MailfoldServer) -> None:
    for domain in ("roles-a.example", "roles-b.example"):
        server.command("domain", "add", domain, "--incoming")
    bob, eve = (server.people.person(name, domain=f"roles-{end}.example") for name, end in (("bob", "a"), ("eve", "b")))
    server.command("user", "add", "carla-roles", "--password-stdin", text="correct horse\n")
    server.command("role", "give", "carla-roles", "domain-admin", "roles-a.example")
    assert {
        "user": "carla-roles",
        "role": "domain-admin",
        "domains": ["roles-a.example"],
    } in server.command.json("role", "list")

    carla = ("--as", "carla-roles")
    assert [domain["name"] for domain in server.command.json(*carla, "domain", "list")] == ["roles-a.example"]
    server.command(*carla, "account", "quota", bob.address, "5G")
    server.command(*carla, "alias", "add", "info@roles-a.example", bob.address)
    refused(server, *carla, "account", "quota", eve.address, "5G")
    refused(server, *carla, "alias", "add", "postmaster@roles-b.example", bob.address)
    refused(server, *carla, "role", "give", "carla-roles", "admin")
    refused(server, *carla, "settings", "set", "server.hostname", "other.example")
    refused(server, *carla, "queue", "list")
    refused(server, *carla, "trace", bob.address)
    assert [account["address"] for account in server.command.json("--as", eve.user, "account", "list")] == [eve.address]
    refused(server, "--as", eve.user, "account", "disable", eve.address)
    refused(server, "--as", "nobody-here", "domain", "list")

    def recorded() -> set[str]:
        shown = server.command("events", "--type", "right.refused")
        return {method for method in ("ChangeAccount", "AddAlias", "GiveRole", "ChangeSetting") if method in shown}

    until(lambda: len(recorded()) == 4, "every refusal of the directory is an event")
