"""GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208). An account with a limit has one quota root."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.response_code import Code
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_ROOT = ""
_UNIT = 1024  # RFC 9208 §5.1: STORAGE counts units of 1024 octets


def _resources(quota: pb.QuotaReply) -> list[tuple[str, int, int]]:
    resources = []
    if quota.limit_bytes:
        resources.append(("STORAGE", -(-quota.used_bytes // _UNIT), quota.limit_bytes // _UNIT))
    if quota.limit_messages:
        resources.append(("MESSAGE", quota.messages, quota.limit_messages))
    return resources


async def get_quota(session: ImapSession, command: c.GetQuota) -> bytes:
    account = session.account if command.root == _ROOT else await _owner_of(session, command.root)
    if not account:
        return response.no(command.tag, "There is no such quota root", Code.NONEXISTENT)
    session.channel.write(response.quota(command.root, _resources(await session.backend.mailstore.quota(account))))
    return done(command.tag, "GETQUOTA")


async def _owner_of(session: ImapSession, root: str) -> str:
    """The account whose quota root is named by its level in the names of shared mailboxes; empty for none."""
    foreign = session.backend.namespaces.foreign(root)
    if foreign is None or foreign.name:
        return ""
    return (await session.backend.sharing.owner(session.account, foreign.owner, group=foreign.group)).owner


def _root_of(session: ImapSession, name: str, account: str) -> str:
    """The quota root of a mailbox: that of its owner."""
    foreign = session.backend.namespaces.foreign(name) if account != session.account else None
    return _ROOT if foreign is None else session.backend.namespaces.root(foreign.owner, group=foreign.group)


async def get_quota_root(session: ImapSession, command: c.GetQuotaRoot) -> bytes:
    if await session.permitted(command.mailbox, "r") is None:
        return response.no(command.tag, "There is no such mailbox", Code.NONEXISTENT)
    account = (await session.place(command.mailbox)).account
    root = _root_of(session, command.mailbox, account)
    resources = _resources(await session.backend.mailstore.quota(account))
    session.channel.write(response.quotaroot(command.mailbox, [root] if resources else [], utf8=session.utf8))
    if resources:
        session.channel.write(response.quota(root, resources))
    return done(command.tag, "GETQUOTAROOT")


async def set_quota(session: ImapSession, command: c.SetQuota) -> bytes:
    """Refuse: only the operator sets quotas, so QUOTASET is not among the capabilities (RFC 9208 §3.1)."""
    return response.no(command.tag, "The operator of this server sets the quota", Code.NOPERM)
