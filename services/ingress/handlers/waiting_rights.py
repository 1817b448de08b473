"""Which waiting submissions a user may see, release and cancel: those of the accounts that the user opens.

The directory knows whose account it is. What an operator asks for is not narrowed.
"""

from __future__ import annotations

import msgspec

from services.ingress.domain.waiting_filter import WaitingSelection
from services.ingress.handlers.receptions import Receptions
from shared.events.mail import MailSubmitted
from shared.grpc.call import caller, current_provenance
from shared.grpc.channel import Channel
from shared.grpc.errors import Denied
from shared.grpc.policy import OPERATOR, USER
from shared.rpc.mailfold.directory.v1.mailrights_pb2 import AccountsOfReply, AccountsOfRequest
from shared.rpc.mailfold.directory.v1.mailrights_pb2_grpc import MailRightsStub


class WaitingRights:
    """Narrows what a command chooses."""

    def __init__(self, channel: Channel, receptions: Receptions) -> None:
        self._stub = MailRightsStub(channel)
        self._receptions = receptions

    async def within(self, selection: WaitingSelection, method: str) -> WaitingSelection:
        """The selection without mail of others; `method` is that of the contract.

        Raises Denied when it names mail or an account of somebody else, and ServiceError.
        """
        if current_provenance().actor.kind != USER or caller() != OPERATOR:
            return selection
        permitted = await self._ask(method, selection.account)
        if permitted.everything:
            return selection
        accounts = set(permitted.accounts)
        for queue_id in selection.ids:
            account = await self._account_of(queue_id)
            if account not in accounts:
                await self._check(method, queue_id, account)
                accounts.add(account)
        return msgspec.structs.replace(selection, accounts=tuple(sorted(accounts)))

    async def _check(self, method: str, queue_id: str, account: str) -> None:
        """Check a mail of another account. The refusal does not tell whether there is such a mail. Raises Denied."""
        refusal = Denied(f"you have no mail with the queue id {queue_id}", "rights")
        if not account:
            raise refusal
        try:
            await self._ask(method, account)
        except Denied as denied:
            raise refusal from denied

    async def _ask(self, method: str, account: str) -> AccountsOfReply:
        request = AccountsOfRequest(method=f"Ingress/{method}", account=account)
        reply: AccountsOfReply = await self._stub.AccountsOf(request)
        return reply

    async def _account_of(self, queue_id: str) -> str:
        """The id of the account that submitted a mail; empty when nobody did."""
        recorded = await self._receptions.accepted(queue_id)
        event = recorded.event if recorded is not None else None
        return event.account if isinstance(event, MailSubmitted) else ""
