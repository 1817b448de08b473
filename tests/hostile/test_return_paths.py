"""Strangers who have seen a return path of this server (SRS, VERP), or make one up. All counts are replies and mails.

The server sends nothing, so the outbound queue shows what each attack would have brought to other people.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator

import pytest

from tests.harness.mails import compose
from tests.harness.people import DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats
from tests.parts.required import needs

SENDER = f"Bob@{ELSEWHERE}"
MOST_BOUNCES = 60
_DRIFT = 10
"""Bounces that the level of a network sinks by while the tests run, with much room: one in fifteen seconds."""
_IN_A_SESSION = 10


@pytest.fixture(scope="module")
def server() -> Iterator[MailfoldServer]:
    """A server of its own, because its limit of bounces is used up."""
    needs(nats)
    settings = {
        "MAILFOLD_INGRESS_FORWARDED_BOUNCES": str(MOST_BOUNCES),
        "MAILFOLD_INGRESS_UNKNOWN_RECIPIENTS": "10000",
    }
    with MailfoldServer(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


def reply(server: MailfoldServer, sender: str, recipient: str, data: bytes = b"") -> str:
    """The reply to a mail from a stranger."""
    with server.smtp() as smtp:
        return str(smtp.send(sender, [recipient], data or compose(sender or SENDER, recipient).data))


def senders(server: MailfoldServer, recipient: str) -> list[str]:
    """The reverse-paths of the queued mails for a recipient."""
    return [entry.sender for entry in server.contracts.queue() if entry.recipient.lower() == recipient.lower()]


def forwarded(server: MailfoldServer, name: str, sender: str = SENDER) -> str:
    """The return path with which a new alias sends mail of a stranger on."""
    alias, target = server.people.alias(name, f"{name}@{ELSEWHERE}"), f"{name}@{ELSEWHERE}"
    assert reply(server, sender, alias).startswith("250 ")
    until(lambda: bool(senders(server, target)), f"the forwarded mail for {target}")
    return senders(server, target)[0]


def codes(server: MailfoldServer, recipients: Iterable[str], sender: str = "") -> list[int]:
    """The replies to RCPT with each of these, in sessions of a few."""
    given, answers = list(recipients), list[int]()
    for start in range(0, len(given), _IN_A_SESSION):
        with server.smtp() as smtp:
            smtp.expect(250, f"MAIL FROM:<{sender}>".encode())
            some = given[start : start + _IN_A_SESSION]
            answers += [smtp.command(f"RCPT TO:<{recipient}>".encode()).code for recipient in some]
    return answers


def altered(text: str, start: int, end: int) -> Iterator[str]:
    """The text with another letter in each of these places."""
    for place in range(start, end):
        changed = next(other for other in string.ascii_uppercase if other != text[place].upper())
        yield f"{text[:place]}{changed}{text[place + 1 :]}"


def forgeries(path: str) -> list[str]:
    """What a stranger makes of a return path."""
    localpart = path.partition("@")[0]
    form, proof, stamp, domain, name = localpart.split("=", 4)
    rest = f"{stamp}={domain}={name}"
    longest = f"{form}={proof}={stamp}={domain}="
    made = [
        *(localpart[:length] for length in range(4, len(localpart))),
        *altered(localpart, len(form) + 1, len(form) + 1 + len(proof) + 1 + len(stamp)),
        f"{form}={proof}={stamp}={domain}=boss",
        f"{form}={proof}={stamp}=bank.example={name}",
        f"{form}={proof[::-1]}={rest}",
        f"{form}=={rest}",
        f"{form}={proof}={proof}={rest}",
        f"{localpart}=",
        f"{localpart}+tag",
        f"SRS1={stamp}{proof}={domain}={localpart[4:]}",
        f"SRS1={proof}={domain}=={proof}={rest}",
        f"SRSX={proof}={stamp}={name}",
        *(f"{form}{separator}{proof}={rest}" for separator in "+-"),
        *(f"{longest}{'x' * octets}" for octets in (64, 255, 2_000)),
        "SRS0=" + "=" * 200,
        f'"{form}={proof}={stamp}={domain}=a b"',
    ]
    return [f"{text}@{DOMAIN}" for text in made]


def test_what_is_forged_truncated_or_too_long_reaches_nobody(server: MailfoldServer, ann: Person) -> None:
    path = forwarded(server, "seen")
    before, made = len(server.contracts.queue()), forgeries(path)
    assert len(made) > 50
    given = dict(zip(made, codes(server, made), strict=True))
    assert {text: code for text, code in given.items() if code < 500} == {}
    assert len(server.contracts.queue()) == before
    assert codes(server, [path], f"eve@{ELSEWHERE}") == [550]
    assert reply(server, SENDER, ann.address).startswith("250 ")


def test_a_path_that_comes_back_in_other_letters_finds_the_sender_once(server: MailfoldServer) -> None:
    path = forwarded(server, "cased", f"Carl@{ELSEWHERE}")
    localpart = path.partition("@")[0]
    forms = (localpart.lower(), localpart.upper(), localpart.swapcase())
    for count, form in enumerate(forms, 1):
        assert reply(server, "", f"{form}@{DOMAIN}").startswith("250 ")
        until(lambda count=count: len(senders(server, f"carl@{ELSEWHERE}")) == count, "the bounce")  # type: ignore[misc]
    assert set(senders(server, f"carl@{ELSEWHERE}")) == {""}


def test_foreign_return_paths_in_transit_stay_short_and_are_no_relay(server: MailfoldServer) -> None:
    """Our path names the first forwarder and not the whole chain, and nobody else's is decoded here."""
    foreign = f"SRS0=aB3d=KX=first.example=bob@{ELSEWHERE}"
    path = forwarded(server, "transit", foreign)
    assert path.startswith("SRS1=") and f"={ELSEWHERE}==aB3d=KX=first.example=bob@" in path
    again = forwarded(server, "again", f"SRS1=ZZ=far.example=={'aB3d=KX=first.example=bob'}@{ELSEWHERE}")
    assert again.startswith("SRS1=") and "=far.example=" in again and ELSEWHERE not in again
    assert codes(server, [foreign, path.replace(DOMAIN, ELSEWHERE)]) == [550, 550]
    assert set(codes(server, [f"{foreign.partition('@')[0]}@{DOMAIN}"])) == {550}
    alias = server.people.alias("long", f"long@{ELSEWHERE}")
    for number in range(20):
        sender = f"SRS0={'x' * 30}{number:02}=KX=first.example=bobby@{ELSEWHERE}"
        assert reply(server, sender, alias).startswith("250 ")
    until(lambda: len(senders(server, f"long@{ELSEWHERE}")) == 20, "all forwarded mails")
    paths = senders(server, f"long@{ELSEWHERE}")
    assert len(set(paths)) == 20
    assert max(len(path.partition("@")[0]) for path in paths) <= 64


def test_the_null_sender_stays_null_and_is_no_post(server: MailfoldServer, ann: Person) -> None:
    alias = server.people.alias("null", f"null@{ELSEWHERE}")
    assert reply(server, "", alias).startswith("250 ")
    until(lambda: senders(server, f"null@{ELSEWHERE}") == [""], "the forwarded notification")
    server.command("list", "add", f"news@{DOMAIN}", "--owner", ann.address)
    server.command("list", "join", f"news@{DOMAIN}", f"reader@{ELSEWHERE}", ann.address)
    until(lambda: codes(server, [f"news@{DOMAIN}"], SENDER) != [550], "the list at the ingress")
    assert not reply(server, "", f"news@{DOMAIN}").startswith("250 ")
    server.settled()
    assert senders(server, f"reader@{ELSEWHERE}") == []


def test_a_member_is_not_counted_out_by_replays_or_forgeries(server: MailfoldServer, ann: Person) -> None:
    devs, dora = f"devs@{DOMAIN}", f"dora@{ELSEWHERE}"
    server.command("list", "add", devs, "--owner", ann.address)
    server.command("list", "join", devs, ann.address, dora, f"zoe@{ELSEWHERE}")
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [devs], compose(ann.address, devs).data).queue_id
    until(lambda: bool(senders(server, dora) and senders(server, f"zoe@{ELSEWHERE}")), "the copies")
    (path,), (other,) = senders(server, dora), senders(server, f"zoe@{ELSEWHERE}")
    name, member, proof = path.partition("@")[0].split("=")
    stranger = other.partition("@")[0].split("=")[1]
    made = [
        f"{name}={stranger}={proof}",
        f"news={member}={proof}",
        f"nobody={member}={proof}",
        f"{name}={member}={proof[:-1]}",
        f"{name}={member}={proof}=x",
        f"{name}={member}={'a' * 10}",
        *altered(f"{name}={member}={proof}", len(name) + len(member) + 2, len(name) + len(member) + 12),
    ]
    assert [code for code in codes(server, (f"{text}@{DOMAIN}" for text in made)) if code < 500] == []
    for _ in range(10):
        assert reply(server, "", path, report(dora)).startswith("250 ")
    server.settled()
    members = {row["address"]: row for row in server.command.json("list", "members", devs)}
    assert (members[dora]["bounces"], members[f"zoe@{ELSEWHERE}"]["bounces"]) == (1, 0)
    assert not members[dora]["paused"]


def test_a_flood_of_replays_brings_its_victim_a_bounded_number_of_mails(server: MailfoldServer, ann: Person) -> None:
    """More bounces of the network wait; other mail of it does not."""
    path, victim = forwarded(server, "flood", f"victim@{ELSEWHERE}"), f"victim@{ELSEWHERE}"
    given = [reply(server, "", path)[:3] for _ in range(MOST_BOUNCES + 2 * _DRIFT)]
    assert set(given) == {"250", "450"}
    assert given.count("250") <= MOST_BOUNCES + _DRIFT
    assert reply(server, SENDER, ann.address).startswith("250 ")
    server.settled()
    assert len(senders(server, victim)) == given.count("250")


def report(recipient: str) -> bytes:
    """A report of another server (RFC 3464) that an address does not exist."""
    head = compose(f"MAILER-DAEMON@{ELSEWHERE}", recipient, subject="Undelivered").data.partition(b"\r\n\r\n")[0]
    return head + (
        b"\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.elsewhere.example\r\n\r\nFinal-Recipient: rfc822; " + recipient.encode() + b"\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
