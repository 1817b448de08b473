"""Serves the Expiry contract of the mailstore."""

from __future__ import annotations

from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers.expiry_commands import ExpiryCommands, Prospect
from services.mailstore.handlers.owners import Owners
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.mailstore.v1 import expiry_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.expiry_pb2_grpc import ExpiryServicer


class ExpiryEndpoint(ExpiryServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(self, commands: ExpiryCommands, owners: Owners) -> None:
        self._commands = commands
        self._owners = owners

    async def ListExpiry(self, request: pb.ListExpiryRequest, context: Any) -> pb.ExpiryList:
        await self._owners.check(request.account, "Expiry/ListExpiry")
        with as_contract_errors():
            return pb.ExpiryList(mailboxes=map(_mailbox, await self._commands.listed(request.account)))

    async def ChangeExpiry(self, request: pb.ChangeExpiryRequest, context: Any) -> pb.MailboxExpiry:
        account, name, days, dry_run = request.account, request.mailbox, request.days, request.dry_run
        by_owner = await self._owners.check(account, "Expiry/ChangeExpiry")
        with as_contract_errors():
            prospect = await self._commands.change(
                account, name, days, current_provenance(), dry_run=dry_run, by_owner=by_owner
            )
        return _mailbox(prospect)


def _mailbox(prospect: Prospect) -> pb.MailboxExpiry:
    return pb.MailboxExpiry(
        mailbox=prospect.name,
        own_days=prospect.own_days,
        days=prospect.days,
        messages=prospect.messages,
        at_once=prospect.at_once,
        first_at=prospect.first_at,
        last_at=prospect.last_at,
    )
