"""CATENATE of large and many parts: bounded in octets and parts, streamed, and nothing is left of what is refused."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.turn_witness import TurnWitness

Connect = Callable[..., ImapClient]
_CALLS = 200_000
"""The largest number of function calls in a turn: some 25 ms."""
_MEGABYTE = b"Subject: large\r\n\r\n" + b"y" * 76 * 13_000 + b"\r\n"


def _urls(count: int) -> str:
    return " ".join(["URL /INBOX/;UID=1"] * count)


def test_a_bomb_of_urls_is_refused_before_it_fills_the_disk(server: ImapServer, connect: Connect) -> None:
    client = connect()
    client.append(_MEGABYTE)
    assert client.ask(f"APPEND INBOX CATENATE ({_urls(400)})")[0].startswith(b"NO [TOOBIG]")
    client.ok("CREATE parts")
    many = "APPEND parts CATENATE (" + " ".join(["URL /INBOX/;UID=1/;PARTIAL=0.1"] * 501) + ")"
    assert client.ask(many)[0].startswith(b"NO [LIMIT]")
    several = "APPEND parts" + f" CATENATE ({' '.join(['URL /INBOX/;UID=1/;PARTIAL=0.1'] * 300)})" * 2
    assert client.ask(several)[0].startswith(b"NO [LIMIT]")
    # a message that names itself as its own part grows by doubling only
    client.ok("APPEND parts CATENATE (URL /INBOX/;UID=1/;PARTIAL=0.9)")
    for uid in range(1, 4):
        client.ok(f"APPEND parts CATENATE (URL /parts/;UID={uid} URL /parts/;UID={uid})")
    client.ok("SELECT parts")
    assert client.ok("FETCH 4 (RFC822.SIZE)") == [b"* 4 FETCH (RFC822.SIZE 72)"]


def test_others_are_served_while_much_is_copied(server: ImapServer, connect: Connect) -> None:
    client, other = connect(), connect("other")
    client.append(_MEGABYTE)
    with TurnWitness(server.loop) as witness:
        tag = client.begin(f"APPEND INBOX CATENATE ({_urls(20)})")
        for _ in range(5):
            other.ok("NOOP")
        assert client.finish(tag)[0].startswith(b"OK [APPENDUID")
    assert witness.most <= _CALLS
