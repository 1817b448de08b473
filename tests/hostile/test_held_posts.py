"""Strangers who flood a moderated list, and who guess and repeat the addresses with which its moderator decides."""

from __future__ import annotations

import re
from typing import Any

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

MOST = 100
"""The default of the posts that wait at once."""
EVE = f"eve@{SILENT}"
DORA = f"dora@{HONEST}"


def held(server: MailfoldServer, address: str) -> list[dict[str, Any]]:
    return [entry for entry in server.command.json("list", "held", address) if entry["state"] == "held"]


def test_a_flood_is_bounded_and_nobody_decides_but_the_moderator(server: MailfoldServer) -> None:
    domain = "held-posts.example"
    server.command("domain", "add", domain, "--incoming")
    ann, bob = server.people.people("ann", "bob", domain=domain)
    lists = [f"flooded@{domain}", f"quiet@{domain}"]
    for address in lists:
        server.command("list", "add", address, "--owner", ann.address)
        server.command("list", "join", address, bob.address)
        server.command("list", "moderators", address, ann.address)
        server.command("list", "moderation", address, "--moderate", "non-members")
    flooded, quiet = lists
    with server.smtp() as smtp:
        until(lambda: smtp.send(EVE, [flooded], compose(EVE, flooded).data).code == 250, "a post that waits")
        codes = [smtp.send(EVE, [flooded], compose(EVE, flooded, body=b"x\r\n").data).code for _ in range(MOST + 20)]
        assert codes[0] == 250 and codes[-10:] == [552] * 10
        assert smtp.send(EVE, [quiet], compose(EVE, quiet).data).code == 250, "another list has its own room"
    server.settled()
    waiting = held(server, flooded)
    assert MOST <= len(waiting) <= 2 * MOST and len(held(server, quiet)) == 1

    with server.imap(ann) as imap:

        def notices() -> list[int]:
            imap.select()
            return imap.uids("SUBJECT", '"to moderate"')

        until(lambda: len(notices()) == 2, "a notification of each list")
        text = b"".join(imap.fetch(uid) for uid in notices()).decode()
        addresses = sorted(set(re.findall(rf"(?:flooded|quiet)=h[0-9a-z]{{20}}=[a-z0-9]{{10}}@{domain}", text)))
    assert len(addresses) == 4, "two for each of the two posts that were notified at once"

    guesses = [address[: -len(domain) - 2] + "a" + f"@{domain}" for address in addresses]
    last = waiting[-1]["id"]
    guesses += [re.sub("=h[0-9a-z]{20}=", f"={last}=", address) for address in addresses if address.startswith("fl")]
    with server.smtp() as smtp:
        for address in (*addresses, *guesses):
            for author, signed_by in ((EVE, None), (ann.address, None), (DORA, HONEST)):
                data = compose(author, address, **({"signed_by": signed_by} if signed_by else {})).data
                assert smtp.send(author, [address], data).code == 550, (author, address)
    with server.submissions(bob) as smtp:
        assert {
            smtp.send(bob.address, [address], compose(bob.address, address).data).code for address in addresses
        } == {550}
    with server.submissions(ann) as smtp:
        forged = {smtp.send(ann.address, [guess], compose(ann.address, guess).data).code for guess in guesses}
        assert forged == {550}, "also the moderator cannot use the proof of one post for another"
    assert len(held(server, flooded)) == len(waiting) and len(held(server, quiet)) == 1

    sent = compose(bob.address, flooded)
    with server.submissions(bob) as smtp:
        assert smtp.send(bob.address, [flooded], sent.data).queue_id, "members are not kept out by a flood"
    with server.imap(bob) as imap:
        imap.wait_for(sent.message_id)
    for address in lists:
        server.command("list", "remove", address)
    server.command("verify")
