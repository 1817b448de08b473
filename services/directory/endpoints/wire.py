"""Converts between the contract's messages and the directory's values."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain.state import AccountState, AliasState, DomainState, UserState
from services.directory.handlers.credentials_tried import LoginAnswer
from shared.routing.resolution import Resolution, ResolutionKind
from shared.routing.way import WayStep
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.settings import Described

_KINDS = {
    ResolutionKind.UNKNOWN: pb.Resolution.UNKNOWN,
    ResolutionKind.ACCOUNTS: pb.Resolution.ACCOUNTS,
    ResolutionKind.REMOTE: pb.Resolution.REMOTE,
    ResolutionKind.DISABLED: pb.Resolution.DISABLED,
    ResolutionKind.OUTGOING_ONLY: pb.Resolution.OUTGOING_ONLY,
}


def domain(state: DomainState) -> pb.Domain:
    """A domain."""
    return pb.Domain(
        id=state.id,
        name=state.name,
        incoming=state.incoming,
        disabled=state.disabled,
        accounts=state.accounts,
        aliases=state.aliases,
        alias_of=state.alias_of_name,
        values=state.values,
    )


def user(state: UserState) -> pb.User:
    """A user, without the hash of the password."""
    return pb.User(
        id=state.id,
        name=state.name,
        disabled=state.disabled,
        accounts=state.accounts,
        display_name=state.display_name,
        language=state.language,
        time_zone=state.time_zone,
        groups=state.groups,
    )


def account(state: AccountState, aliases: Sequence[str] = ()) -> pb.Account:
    """An account."""
    return pb.Account(
        id=state.id,
        address=state.address,
        user=state.user_name,
        disabled=state.disabled,
        quota_bytes=state.quota_bytes,
        quota_messages=state.quota_messages,
        aliases=aliases,
        group=state.group_name,
        max_message_size=state.max_message_size,
    )


def alias(state: AliasState) -> pb.Alias:
    """An alias."""
    return pb.Alias(
        address=state.address,
        targets=state.shown_targets or state.targets,
        disabled=state.disabled,
        ended=state.ended,
        ends_at=state.ends_at,
        owners=state.owner_names,
    )


def address_way(result: Resolution, steps: Sequence[WayStep]) -> pb.AddressWay:
    """The way of an address, and where it ends."""
    texts = [pb.WayStep(depth=step.depth, address=step.address, text=step.text) for step in steps]
    return pb.AddressWay(resolution=resolution(result), steps=texts)


def resolution(result: Resolution) -> pb.Resolution:
    """The resolution of an address."""
    targets = [
        pb.Target(
            account=target.account,
            address=target.address,
            quota_bytes=target.quota_bytes,
            remote=target.is_remote,
            list_id=target.list_id,
            quota_messages=target.quota_messages,
        )
        for target in result.targets
    ]
    return pb.Resolution(kind=_KINDS[result.kind], targets=targets, via=result.via, detail=result.detail)


def identity(opened: LoginAnswer) -> pb.Identity:
    """The reply to a log-in."""
    if opened.refusal:
        return pb.Identity(refusal=opened.refusal, refusals=opened.refusals)
    return pb.Identity(
        ok=True,
        user=opened.user,
        user_name=opened.user_name,
        account=opened.account,
        address=opened.address,
        quota_bytes=opened.quota_bytes,
        domain=opened.domain,
        as_of=opened.as_of,
        credential=opened.credential,
        mails_an_hour=opened.mails_an_hour,
        group=opened.group,
    )


def setting(described: Described) -> pb.Setting:
    """A setting as an operator sees it."""
    return pb.Setting(
        name=described.name,
        value=described.value,
        source=described.source,
        description=described.description,
        type=described.type,
        default=described.default,
        secret=described.secret,
    )
