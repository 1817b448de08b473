"""Says whether the scripts of a mail's only recipient refuse it, while its client still waits for the reply.

Nothing is planned, stored or remembered: a refused mail leaves no trace here, and an accepted one is decided on anew
when it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.mail import AcceptedMail, from_received
from services.delivery.domain.plan import Route
from services.delivery.domain.sole_refusal import SoleRefusal, sole_refusal
from services.delivery.handlers.mail_contents import MailContents
from services.delivery.handlers.recipient_routes import RecipientRoutes
from services.delivery.handlers.script_runs import ScriptRuns
from shared.blobs.port import Blobs
from shared.events.mail import MailReceived
from shared.protocol.sieve.environment import NotKnownYet
from shared.routing.resolution import ResolutionKind

MOST_AT_ONCE = 16
"""Mails about which it is decided at one time; more at once are accepted, and their scripts run later."""


class Undecided(Exception):
    """Raised for a mail whose scripts have to run at its delivery, with the reason."""


class RefusalForecast:
    """Runs the scripts of one account for the ingress."""

    def __init__(self, routes: RecipientRoutes, runs: ScriptRuns, blobs: Blobs) -> None:
        self._routes = routes
        self._runs = runs
        self._blobs = blobs
        self._running = 0

    async def refusal(self, received: MailReceived) -> SoleRefusal | None:
        """The refusal of a mail that is not accepted yet.

        Raises Undecided, and BlobError, ServiceError or StoreUnavailable for what is unavailable.
        """
        if self._running >= MOST_AT_ONCE:
            raise Undecided(f"{MOST_AT_ONCE} mails are being decided on")
        self._running += 1
        try:
            return await self._decide(from_received(received))
        except NotKnownYet as missing:
            raise Undecided(f"{missing} is not known yet") from missing
        finally:
            self._running -= 1

    async def _decide(self, mail: AcceptedMail) -> SoleRefusal | None:
        got = _only_account(await self._routes.of(mail))
        if not self._runs.has_scripts(got.target.account):
            return None
        decided = await self._runs.decide(mail, got, _UnchangedContents(self._blobs), is_judged=False)
        return sole_refusal(decided.chain)


class _UnchangedContents(MailContents):
    """Messages of which no script makes another one: it would be stored for nothing."""

    async def _store(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        raise NotKnownYet("the message that a script has changed")


def _only_account(routes: list[Route]) -> AccountTarget:
    """The account that alone gets a mail. Raises Undecided where the address book has changed since RCPT."""
    recipient, resolution = routes[0]
    targets = resolution.targets if resolution.kind is ResolutionKind.ACCOUNTS else ()
    if len(routes) != 1 or len(targets) != 1 or not targets[0].account:
        raise Undecided("the mail has another recipient than one account")
    if recipient.account and not resolution.via and recipient.account != targets[0].account:
        raise Undecided("the address belongs to another account now")
    return AccountTarget(recipient, targets[0], recipient.address)
