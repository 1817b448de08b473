"""Counts: every accepted mail in each of its accounts exactly once, whole; the rest apart."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from shared.rpc.mailfold.outbound.v1.outbound_pb2 import QueueEntry
from tests.chaos.imap_client import Mailboxes, open_session
from tests.chaos.ledger import Ledger
from tests.chaos.letters import RenderedMail

Found = dict[str, list[tuple[str, str]]]
"""Account address → (token, digest of the text) of every message in all its mailboxes."""


@dataclass(slots=True)
class Findings:
    """What is not as it must be, by kind; all empty is good."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    """A mail whose 250 was cut off is there for some of its recipients only."""
    queue: list[str] = field(default_factory=list)
    """Outbound's copies: missing or doubled."""
    cut_delivered: int = 0
    cut_refused: int = 0

    @property
    def faults(self) -> list[str]:
        """Everything wrong, one line each."""
        kinds = ("missing", "doubled", "torn", "strangers", "half", "queue")
        return [f"{kind}: {one}" for kind in kinds for one in getattr(self, kind)]


async def collect(port: int, addresses: list[str]) -> Found:
    """Reads every mailbox of every account over IMAP."""
    return dict(zip(addresses, await asyncio.gather(*(_contents(port, address) for address in addresses)), strict=True))


async def _contents(port: int, address: str) -> list[tuple[str, str]]:
    session = await open_session(port, address)
    try:
        boxes = Mailboxes(session)
        return [one for name in await boxes.names() for one in await boxes.contents(name)]
    finally:
        session.close()


def judge(ledger: Ledger, found: Found) -> Findings:
    """Compare the book with the mailboxes."""
    findings = Findings()
    counts = {account: Counter(token for token, _ in messages) for account, messages in found.items()}
    for letter, _ in ledger.accepted.values():
        _count_accepted(findings, counts, letter)
    for letter in ledger.cut.values():
        _count_cut(findings, counts, letter)
    _look_for_strangers(findings, ledger, found)
    _count_appended(findings, ledger, counts)
    return findings


def judge_queue(findings: Findings, ledger: Ledger, queue: list[QueueEntry]) -> None:
    """Outbound has each remote recipient of each accepted mail once."""
    held = Counter((entry.queue_id, entry.recipient) for entry in queue)
    findings.queue += [
        f"{queue_id} to {recipient} {count} times" for (queue_id, recipient), count in held.items() if count > 1
    ]
    wanted = {(queue_id, recipient) for letter, queue_id in ledger.accepted.values() for recipient in letter.remote}
    findings.queue += [
        f"{queue_id} to {recipient} missing" for queue_id, recipient in wanted if not held[queue_id, recipient]
    ]


def _count_accepted(findings: Findings, counts: dict[str, Counter[str]], letter: RenderedMail) -> None:
    for account in letter.accounts:
        number = counts[account][letter.token]
        if number == 0:
            findings.missing.append(f"{letter.token} at {account}")
        elif number > 1:
            findings.doubled.append(f"{letter.token} at {account}: {number}")


def _count_cut(findings: Findings, counts: dict[str, Counter[str]], letter: RenderedMail) -> None:
    numbers = [counts[account][letter.token] for account in letter.accounts]
    if max(numbers) > 1:
        findings.doubled.append(f"{letter.token} (cut off): {numbers}")
    elif min(numbers) != max(numbers):
        findings.half.append(f"{letter.token}: {numbers}")
    elif numbers[0]:
        findings.cut_delivered += 1
    else:
        findings.cut_refused += 1


def _look_for_strangers(findings: Findings, ledger: Ledger, found: Found) -> None:
    """Messages that nobody can have sent there, and texts that are not what was sent."""
    letters = {letter.token: letter for letter in [*(one for one, _ in ledger.accepted.values()), *ledger.cut.values()]}
    appended = ledger.appended | ledger.append_cut
    for account, messages in found.items():
        for token, digest in messages:
            letter = letters.get(token)
            right = letter is not None and account in letter.accounts
            if not right and appended.get(token, ("", ""))[0] != account:
                findings.strangers.append(f"{token or 'no token'} at {account}")
            elif digest != (letter.digest if letter else appended[token][1]):
                findings.torn.append(f"{token} at {account}")


def _count_appended(findings: Findings, ledger: Ledger, counts: dict[str, Counter[str]]) -> None:
    for token, (account, _) in ledger.appended.items():
        if counts[account][token] != 1:
            findings.missing.append(f"appended {token} at {account}: {counts[account][token]}")
    findings.doubled += [
        f"appended {token} (cut off)" for token, (account, _) in ledger.append_cut.items() if counts[account][token] > 1
    ]
