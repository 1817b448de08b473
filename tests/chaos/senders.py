"""Several senders at once: each mail is tried until an attempt is accepted, each attempt with a token of its own."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass

from tests.chaos.conditions import pause, until
from tests.chaos.ledger import Ledger
from tests.chaos.mails import RenderedMail, body, digest_of, message
from tests.chaos.moments import Moments
from tests.chaos.people import NAMES, PASSWORD, address, destination
from tests.chaos.smtp_client import Failed, SmtpClient, Submission

_A_CONNECTION = 12
"""Mails after which a sender closes its connection."""
_AGAIN = 0.15
_KILLER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Amount:
    """How many mails are sent, and how many of them also to another server."""

    mails: int
    outside: int


class Senders:
    """Sends until so many mails are accepted. A listener with a log-in belongs to one account."""

    def __init__(self, ports: dict[str, int], ledger: Ledger, moments: Moments, seed: int, amount: Amount) -> None:
        self._ports = ports
        self._ledger = ledger
        self._moments = moments
        self._seed = seed
        self._tokens = itertools.count(1)
        self._inside = amount.mails - amount.outside
        self._outside = amount.outside
        self._authors_share = 1.0

    async def run(self, relays: int, users: int) -> None:
        """Run all connections until the end."""
        self._authors_share = users / (relays + users)
        async with asyncio.TaskGroup() as group:
            for number in range(relays):
                group.create_task(
                    self._sender(Submission(self._ports["smtp"]), "", random.Random(f"{self._seed} relay {number}"))
                )
            for number in range(users):
                name = NAMES[number % len(NAMES)]
                submission = Submission(self._ports["submissions"], address(name), PASSWORD)
                group.create_task(self._sender(submission, address(name), random.Random(f"{self._seed} user {number}")))

    async def _sender(self, submission: Submission, author: str, chance: random.Random) -> None:
        while self._has_more(author):
            try:
                async with SmtpClient(submission, self._moments) as client:
                    await self._session(client, author, chance)
            except Failed as failed:
                self._note(failed)
                await pause(_AGAIN)

    async def _session(self, client: SmtpClient, author: str, chance: random.Random) -> None:
        for _ in range(_A_CONNECTION):
            await until(
                lambda: len(self._ledger.accepted) < self._ledger.allowance,
                "the killer's word",
                _KILLER_SECONDS,
                look=0.02,
            )
            if not self._has_more(author):
                return
            mail = self._mail(author, chance, outside=self._goes_outside(author, chance))
            self._count(mail, -1)
            try:
                queue_id = await client.send(mail)
            except Failed as failed:
                self._count(mail, 1)
                if failed.cut:
                    self._ledger.cut[mail.token] = mail
                raise
            self._ledger.accepted[mail.token] = (mail, queue_id)

    def _has_more(self, author: str) -> bool:
        """Whether there is mail left for this sender; only users send to other servers."""
        return self._inside > 0 or bool(author and self._outside > 0)

    def _goes_outside(self, author: str, chance: random.Random) -> bool:
        """Whether the next mail goes to another server; such mail is spread over the whole time."""
        left = self._inside + self._outside
        return bool(author) and (not self._inside or chance.random() * self._authors_share * left < self._outside)

    def _count(self, mail: RenderedMail, by: int) -> None:
        if mail.remote:
            self._outside += by
        else:
            self._inside += by

    def _mail(self, author: str, chance: random.Random, *, outside: bool) -> RenderedMail:
        token = f"{self._seed}.{next(self._tokens):05d}"
        text, goal = body(chance), destination(chance, outside=outside)
        sender = author or f"someone{chance.randint(1, 500)}@remote.example"
        data = message(token, sender, text)
        return RenderedMail(token, sender, goal.recipients, goal.accounts, goal.remote, data, digest_of(text))

    def _note(self, failed: Failed) -> None:
        self._ledger.failures[f"{failed.where}: {failed.reply.code if failed.reply else 'connection lost'}"] += 1
        if failed.permanent or failed.where == "queue id":
            self._ledger.wrong.append(str(failed))
