"""Serves the ExpiryRules contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.expiry import has_rules, rules_of
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import expiry_pb2 as pb
from shared.rpc.mailfold.directory.v1.expiry_pb2_grpc import ExpiryRulesServicer

_MOST_ACCOUNTS = 500


class ExpiryRulesEndpoint(StoreEndpoint, ExpiryRulesServicer):
    """Answers the mailstore."""

    async def RulesOf(self, request: pb.RulesRequest, context: Any) -> pb.RulesReply:
        if len(request.accounts) > _MOST_ACCOUNTS:
            raise Invalid(f"rules are given for at most {_MOST_ACCOUNTS} accounts at once", "invalid")
        if not request.accounts:
            return pb.RulesReply(any=await self._read(has_rules))
        rules = await self._read(lambda reader: rules_of(reader, request.accounts))
        return pb.RulesReply(
            any=True,
            accounts=[
                pb.AccountRules(
                    account=account,
                    trash_days=trash.days,
                    trash_since=trash.since,
                    spam_days=spam.days,
                    spam_since=spam.since,
                )
                for account, (trash, spam) in rules.items()
            ],
        )
