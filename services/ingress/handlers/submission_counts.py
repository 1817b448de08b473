"""The limits of what applications submit in an hour, which a restart does not begin anew."""

from __future__ import annotations

from services.ingress.domain.client import SmtpClient
from services.ingress.domain.submission_rate import SubmissionRates
from services.ingress.projections.submission_counts import minute_of
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore

_MAILS = "SELECT minute, mails FROM application_submission WHERE account = ?"


class SubmissionCounts:
    """Counts in memory. What an account submitted before is read once, from the rows of its accepted mails."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rates = SubmissionRates()

    async def has_room(self, client: SmtpClient) -> bool:
        """Whether the client's account may submit one more mail now. Raises StoreUnavailable."""
        await self._recall(client)
        return self._rates.has_room(client.account, client.mails_an_hour, self._clock.monotonic())

    async def take(self, client: SmtpClient) -> bool:
        """Count one more mail if it is within the limit; returns whether it is. Raises StoreUnavailable."""
        await self._recall(client)
        return self._rates.take(client.account, client.mails_an_hour, self._clock.monotonic())

    async def _recall(self, client: SmtpClient) -> None:
        if not client.mails_an_hour or self._rates.knows(client.account):
            return
        rows = await self._store.read(lambda reader: _mails_of(reader, client.account))
        present = minute_of(self._clock.now())
        self._rates.recall(client.account, {present - minute: mails for minute, mails in rows}, self._clock.monotonic())


def _mails_of(reader: Reader, account: str) -> list[tuple[int, int]]:
    return [(minute, mails) for minute, mails in reader.all(_MAILS, (account,))]
