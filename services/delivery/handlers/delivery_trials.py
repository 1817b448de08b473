"""What a script would do for an account: over one message, or over the mail that came to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.destinations import PresentMailboxes
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import label
from services.delivery.domain.script_effects import DUPLICATE_SECONDS
from services.delivery.domain.script_steps import JUNK
from services.delivery.domain.trial_totals import TrialTotals
from services.delivery.domain.trial_words import trial_lines
from services.delivery.handlers.past_mails import PastMail, PastMails
from services.delivery.handlers.script_trials import ChainLink, TrialResult
from services.delivery.handlers.trial_sources import TrialAccount, TrialSources
from services.delivery.handlers.what_if import WhatIf, WhatIfBatch
from shared.clock import Clock
from shared.events.mail import Message, Recipient, RecordedCheck
from shared.events.scripts import ACTIVE
from shared.eventstore.store import EventStore
from shared.grpc.errors import LimitReached, NotFound
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.program import CompiledScript
from shared.routing.resolution import Target
from shared.scripts.running import ScriptInput

MOST_AT_ONCE = 2
"""Trials over windows that run at one time; an account has one."""


_SENDERS = (b"return-path", b"sender", b"from")


class TestOrder(NamedTuple):
    """Which message a script is tried over, and with what."""

    account: str
    program: CompiledScript
    name: str
    message: bytes = b""
    queue_id: str = ""
    sender: str | None = None
    recipient: str = ""
    now: int = 0
    spam_percent: int | None = None


class WindowOrder(NamedTuple):
    """Which mail a script is tried over."""

    account: str
    program: CompiledScript
    name: str
    since: int
    until: int
    compare_active: bool = False


class TestedScript(NamedTuple):
    """What the scripts of an account would do with one message."""

    result: TrialResult
    lines: tuple[str, ...]


class DeliveryTrials:
    """Tries scripts. Nothing is done, written or remembered."""

    def __init__(self, sources: TrialSources, past: PastMails, store: EventStore, clock: Clock) -> None:
        self._sources = sources
        self._past = past
        self._store = store
        self._clock = clock
        self._running: set[str] = set()

    async def compiled(self, source: bytes) -> CompiledScript:
        """The program of a tried script. Raises InvalidScript."""
        return await self._sources.compiled(source)

    async def test(self, order: TestOrder) -> TestedScript:
        """Try a script over one message, step by step. Raises NotFound for a mail that is not there any more."""
        account = await self._sources.account(order.account)
        mail, given, now = await (
            self._of_queue(account, order) if order.queue_id else self._of_message(account, order)
        )
        trials = await self._sources.trials(account, ChainLink(ACTIVE, order.name, order.program))
        result = await trials.over(given, None, now, with_steps=True)
        junk = account.mailboxes.name_with_use(JUNK)
        lines = trial_lines(mail, account.id, result.state, label(ACTIVE, order.name), junk)
        return TestedScript(result, tuple(lines))

    async def what_if(self, order: WindowOrder) -> AsyncGenerator[tuple[WhatIfBatch, TrialTotals]]:
        """Try a script over the mail of a window. Raises LimitReached while others do."""
        if order.account in self._running or len(self._running) >= MOST_AT_ONCE:
            raise LimitReached(
                "a script is being tried over the mail of this or another account; try again later", "busy"
            )
        self._running.add(order.account)
        try:
            account = await self._sources.account(order.account)
            tried = await self._sources.trials(account, ChainLink(ACTIVE, order.name, order.program))
            present = await self._sources.trials(account, None) if order.compare_active else None
            input_of = partial(self._sources.input_of, account)
            trial = WhatIf(input_of, tried, present, account.mailboxes, DUPLICATE_SECONDS)
            async with aclosing(self._past.of(order.account, order.since, order.until)) as batches:
                async for batch in trial.over(batches):
                    yield batch, trial.totals
        finally:
            self._running.discard(order.account)

    async def is_moved(self, account: str, past: PastMail) -> bool:
        """Whether a mail is no longer where delivery has put it."""
        return await self._sources.is_moved(account, past)

    async def mailboxes(self, account: str) -> PresentMailboxes:
        """The mailboxes of an account, for people."""
        return (await self._sources.account(account)).mailboxes

    async def _of_queue(self, account: TrialAccount, order: TestOrder) -> tuple[AcceptedMail, ScriptInput, int]:
        """A mail that came to the account."""
        past = await self._past_mail(account.id, order.queue_id)
        if past is None or past.mail is None:
            raise NotFound(f"the account has got no mail {order.queue_id}, as far as the event log goes back", "mail")
        given = await self._sources.input_of(account, past)
        return past.mail, _changed(given, order), past.at

    async def _past_mail(self, account: str, queue_id: str) -> PastMail | None:
        for recorded in await self._store.read_stream(queue_id):
            steps = getattr(recorded.event, "steps", ())
            if any(step.account == account for step in steps):
                async for batch in self._past.of(account, recorded.at, recorded.at + 1):
                    for past in batch.mails:
                        if past.queue_id == queue_id:
                            return past
        return None

    async def _of_message(self, account: TrialAccount, order: TestOrder) -> tuple[AcceptedMail, ScriptInput, int]:
        """A message that nobody has got yet."""
        message = await asyncio.to_thread(message_in_memory, order.message)
        recipient = Recipient(order.recipient or account.owner.address)
        sender = order.sender if order.sender is not None else _sender_of(message)
        is_spam = order.spam_percent is not None and order.spam_percent >= 100
        stored = Message("", message.scan.size)
        mail = AcceptedMail("", sender, (recipient,), stored, spam=is_spam, spf=RecordedCheck("spf", "pass"))
        target = Target(account.owner.address, account=account.id)
        now = order.now or self._clock.now()
        given = self._sources.given(account, mail, AccountTarget(recipient, target, recipient.address), message, now)
        return mail, _changed(given, order), now


def _changed(given: ScriptInput, order: TestOrder) -> ScriptInput:
    """What the order says in the place of what is known."""
    envelope, environment = given.envelope, given.environment
    if order.sender is not None:
        envelope = msgspec.structs.replace(envelope, sender=order.sender)
    if order.recipient:
        envelope = msgspec.structs.replace(envelope, recipient=order.recipient)
    if order.spam_percent is not None:
        environment = msgspec.structs.replace(environment, spam_percent=order.spam_percent)
    if order.now:
        now = datetime.fromtimestamp(order.now / 1_000_000, UTC)
        environment = msgspec.structs.replace(environment, now=now)
    return ScriptInput(given.message, envelope, environment)


def _sender_of(message: SieveMessage) -> str:
    """The envelope sender of a message, as far as its header says it."""
    header = PresentMessage(message).header
    addresses = (address for name in _SENDERS for address in header.address_parts(name, "full"))
    return next(addresses, b"").decode("utf-8", "replace")
