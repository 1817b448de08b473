"""The server of elsewhere.example: takes what leaves, and is compared with what was submitted."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.chaos.ledger import Ledger
from tests.chaos.mails import TOKEN
from tests.parts.remote_server import RemoteServer, TakenMail

_COMMIT_SECONDS = 20.0
"""Seconds between a 250 of the other server and our commit of it, when the database is away for long."""
_CLOCK_SECONDS = 0.1


def sending_to(outside: RemoteServer) -> Mapping[str, str]:
    """Settings with which a server sends everything to this one, and tries again soon."""
    return {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(outside.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILFOLD_OUTBOUND_RETRY_FIRST": "1",
        "MAILFOLD_OUTBOUND_RETRY_LONGEST": "2",
        "MAILFOLD_OUTBOUND_DESTINATION_FIRST": "0.5",
        "MAILFOLD_OUTBOUND_DESTINATION_LONGEST": "1",
    }


def outside_faults(ledger: Ledger, outside: RemoteServer, kills: Sequence[float]) -> list[str]:
    """What is wrong with the mail that left.

    A mail may arrive twice where a kill came between the reply to the first and our commit of it; these are printed.
    """
    taken = _by_copy(outside.mails)
    expected = {(mail.token, far): mail for mail, _ in ledger.accepted.values() for far in mail.remote}
    cut = {(mail.token, far) for mail in ledger.cut.values() for far in mail.remote}
    faults = [f"never left: {token} to {far}" for token, far in expected if (token, far) not in taken]
    faults += [f"nobody sent: {copy}" for copy in taken if copy not in expected and copy not in cut]
    doubled = 0
    for copy, mails in taken.items():
        if copy in expected:
            faults += [f"torn outside: {copy}" for mail in mails if _digest(mail) != expected[copy].digest]
        if len(mails) > 1:
            doubled += 1
            excused = any(_is_excused(mail.at, kills) for mail in mails[:-1])
            print(f"twice outside: {copy}, {'a kill came before our commit' if excused else 'WITHOUT a kill'}")
            faults += [] if excused else [f"doubled outside: {copy}"]
    print(f"outside: {len(expected)} copies expected, {sum(map(len, taken.values()))} taken, {doubled} of them twice")
    return faults


def _by_copy(mails: Sequence[TakenMail]) -> dict[tuple[str, str], list[TakenMail]]:
    """The taken mails by token and recipient, each in the order of arrival."""
    copies: dict[tuple[str, str], list[TakenMail]] = defaultdict(list)
    for mail in mails:
        match = TOKEN.search(mail.data)
        for recipient in mail.recipients:
            copies[match[1].decode() if match else "", recipient].append(mail)
    return copies


def _digest(mail: TakenMail) -> str:
    return hashlib.blake2b(mail.data.partition(b"\r\n\r\n")[2], digest_size=16).hexdigest()


def _is_excused(at: float, kills: Sequence[float]) -> bool:
    return any(at - _CLOCK_SECONDS <= kill <= at + _COMMIT_SECONDS for kill in kills)
