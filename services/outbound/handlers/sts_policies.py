"""Keeps the MTA-STS policies of domains: looks, fetches, and records what changed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from services.outbound.domain.sts import KnownPolicy, PolicyInForce, StsFetchFailed
from shared.background import begin
from shared.clock import Clock
from shared.dns.resolver import Resolver
from shared.events.outbound import OutboundStsPolicyFailed, OutboundStsPolicyFetched
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.store import EventStore
from shared.protocol.dns.question import Question
from shared.protocol.mta_sts.policy import StsMode, StsPolicy
from shared.protocol.mta_sts.record import policy_id, record_name

log = structlog.get_logger("outbound")
_ACTOR = Actor("service", "outbound")
_REMEMBERED = 10_000
_REASON = 300
_POLICY = "SELECT mode, mx, max_age, id, fetched FROM sts_policy WHERE domain = ?"
_FAILURE = "SELECT id, result, reason FROM sts_failure WHERE domain = ?"
Fetch = Callable[[str], Awaitable[StsPolicy]]
"""Fetches the policy of a domain. Raises StsFetchFailed."""


class StsPolicies:
    """The policies that the process knows; all valid ones are in the store, so a restart forgets none."""

    def __init__(self, store: EventStore, resolver: Resolver, fetch: Fetch, clock: Clock) -> None:
        self._store = store
        self._resolver = resolver
        self._fetch = fetch
        self._clock = clock
        self._known: OrderedDict[str, KnownPolicy] = OrderedDict()
        self._looks: dict[str, asyncio.Task[KnownPolicy]] = {}

    async def of(self, domain: str) -> PolicyInForce:
        """The policy of a domain."""
        known = await self._from_memory(domain)
        if known.is_look_due(self._clock.now()):
            known = await self._look_once(domain)
        return known.view(self._clock.now())

    async def look_again(self, domain: str) -> PolicyInForce:
        """The policy after another look at its id in the DNS; to be used before a mail is deferred for a policy."""
        return (await self._look_once(domain)).view(self._clock.now())

    async def _from_memory(self, domain: str) -> KnownPolicy:
        known = self._known.get(domain)
        if known is None:
            known = await self._store.read(lambda reader: _stored(reader, domain))
            self._remember(domain, known)
        self._known.move_to_end(domain)
        return known

    def _remember(self, domain: str, known: KnownPolicy) -> None:
        self._known[domain] = known
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def _look_once(self, domain: str) -> KnownPolicy:
        """Look once, however many mails wait for it."""
        look = self._looks.get(domain)
        if look is None:
            look = self._looks[domain] = begin(self._look(domain), "outbound-sts")
            look.add_done_callback(lambda _: self._looks.pop(domain, None))
        return await asyncio.shield(look)

    async def _look(self, domain: str) -> KnownPolicy:
        known, now = await self._from_memory(domain), self._clock.now()
        answer = await self._resolver.ask(Question(record_name(domain), "TXT"))
        is_unanswered = answer.status == "temperror"
        known = msgspec.structs.replace(known, looked=now, is_unanswered=is_unanswered)
        published = policy_id(answer.records) if answer.status == "ok" else None
        if is_unanswered:
            known = msgspec.structs.replace(known, failed_reason=f"no answer about its record: {answer.source}")
        elif published is None:
            known = msgspec.structs.replace(known, failed_id="", failed_result="", failed_reason="")
        elif known.is_fetch_due(published, now):
            known = await self._fetch_policy(domain, published, known)
        self._remember(domain, known)
        return known

    async def _fetch_policy(self, domain: str, published: str, known: KnownPolicy) -> KnownPolicy:
        try:
            policy = await self._fetch(domain)
        except StsFetchFailed as error:
            return await self._note_failure(domain, published, known, error)
        now = self._clock.now()
        await self._append(
            domain, OutboundStsPolicyFetched(domain, published, policy.mode, policy.mx, policy.max_age, now)
        )
        return KnownPolicy(policy, published, now, looked=now)

    async def _note_failure(
        self, domain: str, published: str, known: KnownPolicy, error: StsFetchFailed
    ) -> KnownPolicy:
        reason = str(error)[:_REASON]
        if (known.failed_id, known.failed_result) != (published, error.result):
            await self._append(domain, OutboundStsPolicyFailed(domain, published, error.result, reason))
        return msgspec.structs.replace(
            known,
            failed_id=published,
            failed_result=error.result,
            failed_reason=reason,
            failed_at=self._clock.now(),
        )

    async def _append(self, domain: str, event: Event) -> None:
        """Record an event. Without the store the policy is used all the same, and fetched again after a restart."""
        stream, provenance = f"sts/{domain}", Provenance(_ACTOR)
        try:
            await self._store.write(lambda transaction: transaction.append(stream, [event], provenance))
        except StoreUnavailable as error:
            log.warning("outbound.sts_not_recorded", domain=domain, error=str(error))


def _stored(reader: Reader, domain: str) -> KnownPolicy:
    known = KnownPolicy()
    row = reader.first_row(_POLICY, (domain,))
    if row is not None:
        mode: StsMode = row[0]
        policy = StsPolicy(mode, tuple(row[1].split()), row[2])
        known = KnownPolicy(policy, row[3], row[4], looked=row[4])
    failure = reader.first_row(_FAILURE, (domain,))
    if failure is not None:
        known = msgspec.structs.replace(known, failed_id=failure[0], failed_result=failure[1], failed_reason=failure[2])
    return known
