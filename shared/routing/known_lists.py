"""Mailing lists from the directory's events: their addresses, never their members, which the directory alone keeps.

A list has service addresses beside its own: `devs-owner@` and `devs-request@` reach its owners, and so does what comes
to `devs-bounces@` by hand; mail of a member to `devs-leave@` ends the membership.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from shared.events import lists as list_events
from shared.events.credentials import ApplicationRemoved
from shared.events.directory import AccountRemoved, AliasRemoved
from shared.events.moderation import ListModerationSet
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.srs.member import MemberReturnPath

OWNER: Final = "-owner"
LEAVE: Final = "-leave"
TO_OWNERS: Final = (OWNER, "-request", "-bounces", "-join")
SERVICES: Final = (*TO_OWNERS, LEAVE)
"""What follows the name of a list in its service addresses."""

ListPurpose = Literal["post", "leave", "decide"]
_ListEvent = (
    list_events.ListAdded
    | list_events.ListChanged
    | list_events.ListOwnersChanged
    | list_events.ListRemoved
    | ListModerationSet
)


class KnownList(msgspec.Struct, frozen=True):
    """A mailing list."""

    id: str
    address: str
    owners: tuple[str, ...]
    description: str = ""
    members_only: bool = True
    skip_recipients: bool = False
    rewrite_author: bool = False
    disabled: bool = False
    purpose: ListPurpose = "post"
    """What mail to this address does: `leave` for the address with which members leave, `decide` for one with which a
    moderator decides about a post."""
    is_moderated: bool = False
    """Whether some posts are held for moderators."""


class ListOwners(msgspec.Struct, frozen=True):
    """A service address of a list, whose mail goes to the owners."""

    address: str
    owners: tuple[str, ...]


class KnownLists:
    """Lists by the keys of their addresses. Every event must be applied in order; other events are ignored."""

    def __init__(self) -> None:
        self._by_key: dict[str, KnownList] = {}
        self._keys: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def by_id(self, identity: str) -> KnownList | None:
        """The list with this id."""
        return self._by_key.get(self._keys.get(identity, ""))

    def by_return_path(self, path: MemberReturnPath) -> KnownList | None:
        """The list that has the name in the return path of one of its members; the path proves nothing."""
        named = self._by_key.get(f"{path.list_name}@{path.domain}") or self.by_id(path.list_name)
        return named if named is not None and named.address.endswith(f"@{path.domain}") else None

    def holder(self, key: str) -> KnownList | ListOwners | None:
        """What holds the address with this lookup key: a list, or a service address of a list."""
        exact = self._by_key.get(key)
        if exact is not None or not self._by_key:
            return exact
        base, suffix = list_of_service(key)
        known = self._by_key.get(base) if suffix else None
        if known is None:
            return None
        if suffix == LEAVE or known.disabled:
            return msgspec.structs.replace(known, address=key, purpose="leave")
        return ListOwners(key, known.owners)

    def apply(self, event: Event) -> None:
        """Apply one event."""
        if isinstance(event, _ListEvent):
            self._apply(event)
        elif self._by_key and isinstance(event, AccountRemoved | AliasRemoved | ApplicationRemoved):
            self._forget_owner(_key_of(event.address))

    def _apply(self, event: _ListEvent) -> None:
        match event:
            case list_events.ListAdded(identity, address, owners, description):
                key = _key_of(address)
                self._keys[identity] = key
                self._by_key[key] = KnownList(identity, address, owners, description)
            case list_events.ListChanged(identity, description, members_only, skip_recipients, rewrite, disabled):
                self._change(
                    identity,
                    description=description,
                    members_only=members_only,
                    skip_recipients=skip_recipients,
                    rewrite_author=rewrite,
                    disabled=disabled,
                )
            case ListModerationSet(identity, moderate):
                self._change(identity, is_moderated=moderate != "none")
            case list_events.ListOwnersChanged(identity, owners):
                self._change(identity, owners=owners)
            case list_events.ListRemoved(identity, _):
                self._by_key.pop(self._keys.pop(identity, ""), None)

    def _change(self, identity: str, **changes: object) -> None:
        known = self.by_id(identity)
        if known is not None:
            self._by_key[self._keys[identity]] = msgspec.structs.replace(known, **changes)

    def _forget_owner(self, removed: str) -> None:
        """End the ownership of an address that is removed: a new holder of it inherits nothing."""
        for key, known in self._by_key.items():
            left = tuple(owner for owner in known.owners if _key_of(owner) != removed)
            if left != known.owners:
                self._by_key[key] = msgspec.structs.replace(known, owners=left)


def list_of_service(key: str) -> tuple[str, str]:
    """The key of the list of which this would be a service address, and the suffix; two empty texts if it is none."""
    localpart, _, domain = key.rpartition("@")
    suffix = next((suffix for suffix in SERVICES if localpart.endswith(suffix) and localpart != suffix), "")
    return (f"{localpart.removesuffix(suffix)}@{domain}", suffix) if suffix else ("", "")


def service_address(address: str, suffix: str) -> str:
    """A service address of a list."""
    localpart, _, domain = address.rpartition("@")
    return f"{localpart}{suffix}@{domain}"


def _key_of(address: str) -> str:
    try:
        return lookup_key(parse_address(address))
    except AddressError:
        return address.casefold()
