"""The instructions that the demo prints: every address, port and password, and commands to copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mailfold.demo.outgoing import OutgoingMail
from mailfold.demo.people import Person
from mailfold.operator.report import Listener

ELSEWHERE = "somebody@elsewhere.example"
"""An address at another server."""


def guide(
    people: Sequence[Person], listeners: Sequence[Listener], authority: Path, data: Path, outgoing: OutgoingMail
) -> Iterator[str]:
    """The lines of the instructions."""
    ann, bob = people[0], people[-1]
    by_protocol = {listener.protocol: listener for listener in reversed(listeners)}
    yield from _people(people, data / "demo.json")
    yield ""
    yield from _listeners(listeners)
    yield ""
    yield f"The server's certificate is signed by {authority}; clients must trust that file (it also names localhost)."
    yield ""
    yield from _lines(by_protocol, ann, bob, authority)
    yield ""
    yield from _outgoing(outgoing, by_protocol.get("submission"), ann, authority, data)


def _people(people: Sequence[Person], passwords: Path) -> Iterator[str]:
    yield f"Users (kept in {passwords}):"
    width = max(len(person.address) for person in people)
    yield from (f"  {person.address:<{width}}  password {person.password}" for person in people)


def _listeners(listeners: Sequence[Listener]) -> Iterator[str]:
    words = {"none": "no TLS", "starttls": "STARTTLS", "implicit": "TLS"}
    yield "Servers:"
    yield from (
        f"  {listener.protocol:<12} {listener.address} port {listener.port:<6} {words.get(listener.tls, listener.tls)}"
        for listener in listeners
    )


def _lines(by_protocol: Mapping[str, Listener], ann: Person, bob: Person, authority: Path) -> Iterator[str]:
    smtp, submission, imap = (
        by_protocol.get("smtp"),
        by_protocol.get("submission"),
        by_protocol.get("imaps") or by_protocol.get("imap"),
    )
    if smtp is not None:
        yield "To send a mail in the way another server would:"
        yield f"  swaks --server {smtp.address} --port {smtp.port} --from somebody@example.net --to {ann.address}"
    if submission is not None:
        yield f"Mail from {ann.user} to {bob.user}:"
        yield from _submitted(submission, ann, bob.address, authority)
    if imap is not None:
        yield f"Read {ann.user}'s mail:"
        yield (
            f"  curl --cacert '{authority}' --user '{ann.address}:{ann.password}' "
            f"'imaps://localhost:{imap.port}/INBOX?ALL'"
        )
        yield f"  openssl s_client -quiet -CAfile '{authority}' -connect localhost:{imap.port}"
        yield f"A mail client: user name {ann.address}, IMAP localhost port {imap.port} TLS" + (
            f", SMTP localhost port {submission.port} STARTTLS." if submission is not None else "."
        )


def _submitted(submission: Listener, ann: Person, to: str, authority: Path) -> Iterator[str]:
    yield f"  swaks --server localhost --port {submission.port} --tls --tls-ca-path '{authority}' --auth PLAIN \\"
    yield f"    --auth-user {ann.address} --auth-password '{ann.password}' --from {ann.address} --to {to}"


def _outgoing(
    outgoing: OutgoingMail, submission: Listener | None, ann: Person, authority: Path, data: Path
) -> Iterator[str]:
    yield outgoing.note
    if submission is not None:
        yield f"Mail from {ann.user} to another server:"
        yield from _submitted(submission, ann, ELSEWHERE, authority)
    if outgoing.goes_to_sink:
        yield "Read it in the sink:"
        yield f"  mailfold sink list --data '{data}'"
        yield f"  mailfold sink show NAME --data '{data}'"
