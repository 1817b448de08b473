"""Checks that every accepted mail is in each of its accounts exactly once and unchanged."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.imap_client import Mailboxes, open_session
from tests.chaos.ledger import Ledger
from tests.chaos.mails import RenderedMail

StoredMails = dict[str, list[tuple[str, str]]]
"""Account address → token and digest of every message in all its mailboxes."""


@dataclass(slots=True)
class Findings:
    """The faults, by kind; all are empty when everything is right."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    """Mails whose 250 reply was lost, and which only some of their recipients have."""
    queue: list[str] = field(default_factory=list)
    """Missing, torn or duplicate mails at the other server."""
    cut_delivered: int = 0
    cut_refused: int = 0

    @property
    def faults(self) -> list[str]:
        """All faults, each as a line."""
        kinds = ("missing", "doubled", "torn", "strangers", "half", "queue")
        return [f"{kind}: {result}" for kind in kinds for result in getattr(self, kind)]


async def collect(port: int, addresses: list[str]) -> StoredMails:
    """Read every mailbox of every account over IMAP."""
    return dict(zip(addresses, await asyncio.gather(*(_contents(port, address) for address in addresses)), strict=True))


async def _contents(port: int, address: str) -> list[tuple[str, str]]:
    session = await open_session(port, address)
    try:
        boxes = Mailboxes(session)
        return [content for name in await boxes.names() for content in await boxes.contents(name)]
    finally:
        session.close()


def judge(ledger: Ledger, result: StoredMails) -> Findings:
    """Compare the ledger with the mailboxes."""
    findings = Findings()
    counts = {account: Counter(token for token, _ in messages) for account, messages in result.items()}
    for mail, _ in ledger.accepted.values():
        _count_accepted(findings, counts, mail)
    for mail in ledger.cut.values():
        _count_cut(findings, counts, mail)
    _look_for_strangers(findings, ledger, result)
    _count_appended(findings, ledger, counts)
    return findings


def _count_accepted(findings: Findings, counts: dict[str, Counter[str]], mail: RenderedMail) -> None:
    for account in mail.accounts:
        number = counts[account][mail.token]
        if number == 0:
            findings.missing.append(f"{mail.token} at {account}")
        elif number > 1:
            findings.doubled.append(f"{mail.token} at {account}: {number}")


def _count_cut(findings: Findings, counts: dict[str, Counter[str]], mail: RenderedMail) -> None:
    numbers = [counts[account][mail.token] for account in mail.accounts]
    if max(numbers) > 1:
        findings.doubled.append(f"{mail.token} (cut off): {numbers}")
    elif min(numbers) != max(numbers):
        findings.half.append(f"{mail.token}: {numbers}")
    elif numbers[0]:
        findings.cut_delivered += 1
    else:
        findings.cut_refused += 1


def _look_for_strangers(findings: Findings, ledger: Ledger, result: StoredMails) -> None:
    """Note messages that no sender has sent to the account, and texts that differ from what was sent."""
    mails = {mail.token: mail for mail in [*(value for value, _ in ledger.accepted.values()), *ledger.cut.values()]}
    appended = ledger.appended | ledger.append_cut
    for account, messages in result.items():
        for token, digest in messages:
            mail = mails.get(token)
            right = mail is not None and account in mail.accounts
            if not right and appended.get(token, ("", ""))[0] != account:
                findings.strangers.append(f"{token or 'no token'} at {account}")
            elif digest != (mail.digest if mail else appended[token][1]):
                findings.torn.append(f"{token} at {account}")


def _count_appended(findings: Findings, ledger: Ledger, counts: dict[str, Counter[str]]) -> None:
    for token, (account, _) in ledger.appended.items():
        if counts[account][token] != 1:
            findings.missing.append(f"appended {token} at {account}: {counts[account][token]}")
    findings.doubled += [
        f"appended {token} (cut off)" for token, (account, _) in ledger.append_cut.items() if counts[account][token] > 1
    ]
