"""Plans the redirects of scripts (RFC 5228 §4.2): which are done, where they go, and with which return path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import LocalRedirect
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import ScriptDecision
from services.delivery.domain.script_effects import (
    REDIRECT,
    RefusedRedirect,
    goes_round,
    prefix_of_redirect,
)
from services.delivery.handlers.external_lists import mailing_list_address
from services.delivery.handlers.recipient_routes import RecipientRoutes
from services.delivery.handlers.script_mails import ScriptMails
from services.delivery.handlers.script_memories import MemoryKind, ScriptMemories
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.sieve.actions import RedirectAction
from shared.routing.resolution import Resolution, ResolutionKind, Target


class NotRedirected(NamedTuple):
    """A redirect that is not done."""

    decision: ScriptDecision
    address: str
    reason: RefusedRedirect


class PlannedRedirects(NamedTuple):
    """The redirects of one account for one mail."""

    steps: tuple[Step, ...] = ()
    local: tuple[LocalRedirect, ...] = ()
    refused: tuple[NotRedirected, ...] = ()
    own: tuple[ScriptDecision, ...] = ()
    """Those to the account itself, which keep the mail."""


class _Way(NamedTuple):
    """A redirect with what its address stands for."""

    decision: ScriptDecision
    action: RedirectAction
    address: str
    target: Target


class ScriptRedirects:
    """The plans. Every method raises ServiceError, BlobError or StoreUnavailable when it must be tried again later."""

    def __init__(
        self, book: FollowedBook, routes: RecipientRoutes, memories: ScriptMemories, mails: ScriptMails, most: int
    ) -> None:
        """`most` is the redirects of an account in a day."""
        self._book = book
        self._routes = routes
        self._memories = memories
        self._mails = mails
        self._most = most

    async def plan(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, decisions: Sequence[ScriptDecision]
    ) -> PlannedRedirects:
        """What becomes of the redirects among the decisions of an account."""
        chosen = [decision for decision in decisions if isinstance(decision.action, RedirectAction)]
        if not chosen:
            return PlannedRedirects()
        if goes_round(await self._mails.header(mail), mail.message.prefix, target.address):
            return PlannedRedirects(refused=tuple(_refused(decision, RefusedRedirect.LOOP) for decision in chosen))
        ways: list[_Way] = []
        refused: list[NotRedirected] = []
        own: list[ScriptDecision] = []
        for decision in chosen:
            leads = await self._ways(decision)
            if isinstance(leads, NotRedirected):
                refused.append(leads)
            elif any(way.target.account == target.account for way in leads):
                own.append(decision)
                ways += [way for way in leads if way.target.account != target.account]
            else:
                ways += leads
        return await self._within_limit(mail, recipient, target, ways, refused, own)

    async def _ways(self, decision: ScriptDecision) -> list[_Way] | NotRedirected:
        """Where a redirect leads. An external list is one of our mailing lists, by its address (RFC 6134 §2.3)."""
        action = decision.action
        assert isinstance(action, RedirectAction)
        is_list = bool(action.list_name)
        try:
            address = mailing_list_address(action.list_name) if is_list else parse_address(action.address)
        except AddressError:
            return _refused(decision, RefusedRedirect.LIST if is_list else RefusedRedirect.UNKNOWN)
        resolution = await self._book.resolve(address)
        targets = _targets(resolution, str(address))
        if is_list and not any(end.list_id for end in targets):
            return _refused(decision, RefusedRedirect.LIST)
        if not targets:
            return _refused(decision, RefusedRedirect.UNKNOWN)
        return [_Way(decision, action, str(address), end) for end in targets]

    async def _within_limit(
        self,
        mail: AcceptedMail,
        recipient: Recipient,
        target: Target,
        ways: Sequence[_Way],
        refused: list[NotRedirected],
        own: Sequence[ScriptDecision],
    ) -> PlannedRedirects:
        remote = {way.target.address: way for way in reversed(ways) if way.target.is_remote}
        admitted = await self._memories.admitted(
            target.account, MemoryKind.REDIRECT, list(remote), mail.queue_id, self._most
        )
        over = [way for way in ways if way.target.is_remote and way.target.address not in admitted]
        refused += [NotRedirected(way.decision, way.target.address, RefusedRedirect.LIMIT) for way in over]
        sent = [way for address, way in remote.items() if address in admitted]
        path = await self._routes.redirect_path(mail, target.address) if sent else ""
        steps = tuple(_step(mail, recipient, target, way, path) for way in sent)
        local = tuple(
            LocalRedirect(way.address, way.target, way.decision.form, way.decision.rule)
            for way in ways
            if not way.target.is_remote
        )
        return PlannedRedirects(steps, local, tuple(refused), tuple(own))


def _refused(decision: ScriptDecision, reason: RefusedRedirect) -> NotRedirected:
    action = decision.action
    assert isinstance(action, RedirectAction)
    return NotRedirected(decision, action.list_name or action.address, reason)


def _targets(resolution: Resolution, address: str) -> tuple[Target, ...]:
    """The targets of an address; none when it takes no mail."""
    if resolution.kind is ResolutionKind.REMOTE:
        return resolution.targets or (Target(address),)
    return resolution.targets if resolution.kind is ResolutionKind.ACCOUNTS else ()


def _step(mail: AcceptedMail, recipient: Recipient, target: Target, way: _Way, path: str) -> Step:
    form, action = way.decision.form, way.action
    return Step(
        recipient.address,
        0,
        StepAction.ENQUEUE,
        account=target.account,
        address=way.target.address,
        prefix=prefix_of_redirect(form, mail.message.prefix, target.address),
        reverse_path=path,
        original_sender=mail.reverse_path if path != mail.reverse_path else "",
        rule=REDIRECT,
        reason=way.decision.script,
        edited=form.edited,
        edited_size=form.edited_size,
        line=action.line,
        notify=action.notify,
        ret=action.ret,
    )
