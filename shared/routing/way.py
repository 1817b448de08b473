"""Explains where mail to an address goes, and why: every address on its way, and what holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shared.protocol.address.address import Address, parse_address
from shared.routing.address_book import MAX_ALIAS_STEPS, MAX_WORK, AddressBook, LocalAddress
from shared.routing.known_applications import KnownApplication
from shared.routing.known_groups import group_of
from shared.routing.known_lists import KnownList
from shared.routing.known_names import AliasKind, KnownAccount, KnownAlias

_MAX_STEPS = 200
_KINDS: Mapping[AliasKind, str] = {"exact": "alias ", "wildcard": "wildcard alias ", "catch-all": ""}


class WayStep(msgspec.Struct, frozen=True):
    """An address on the way."""

    depth: int
    """0 for the address itself, 1 for its targets, and so on."""
    address: str
    text: str
    """What holds the address, as a sentence."""


def way_of(book: AddressBook, address: Address) -> list[WayStep]:
    """The way of an address as a tree in depth-first order; at most 200 steps, and fewer when they take much work."""
    steps: list[WayStep] = []
    total = 0
    for step, work in _steps(book, address, 0, ()):
        if len(steps) == _MAX_STEPS or total > MAX_WORK:
            steps.append(WayStep(0, str(address), "The way has further steps."))
            break
        steps.append(step)
        total += work
    return steps


def _steps(book: AddressBook, address: Address, depth: int, path: tuple[str, ...]) -> Iterator[tuple[WayStep, int]]:
    """Each step with the work of finding it."""
    local = book.locate(address)
    work = book.work_of(local)
    if local is None:
        text = f"{address.domain} is not a domain of this server: the mail leaves it."
        yield WayStep(depth, str(address), text), work
        return
    yield WayStep(depth, str(address), " ".join(_sentences(book, address, local, path))), work
    holder = local.holder
    if not isinstance(holder, KnownAlias) or not holder.is_in_use or holder.address in path:
        return
    if depth < MAX_ALIAS_STEPS:
        for target in holder.targets:
            if group := group_of(target):
                yield from _member_steps(book, group, depth + 1)
            else:
                yield from _steps(book, parse_address(target), depth + 1, (*path, holder.address))


def _member_steps(book: AddressBook, identity: str, depth: int) -> Iterator[tuple[WayStep, int]]:
    """The step of a group, and those of the accounts at which its members get the mail."""
    group = book.names.groups.by_id.get(identity)
    members = book.names.groups.members(identity)
    text = f"It goes to the first account of each of the {len(members)} member(s) of the group."
    yield WayStep(depth, f"group:{group.name if group else identity}", text), len(members)
    for account in book.names.first_accounts(identity):
        yield from _steps(book, parse_address(account.address), depth + 1, ())


def _sentences(book: AddressBook, address: Address, local: LocalAddress, path: tuple[str, ...]) -> Iterator[str]:
    own = book.names.domains[address.domain]
    if own.name != local.domain.name:
        yield f"{own.name} is an alias of the domain {local.domain.name}: the address is {local.address}."
    for domain in dict.fromkeys((own, local.domain)):
        if domain.disabled:
            yield f"The domain {domain.name} is disabled: mail is refused."
    if not own.incoming:
        yield f"The domain {own.name} receives no mail from outside (`mailfold domain incoming {own.name}`)."
    if local.detail:
        yield f"The tag {local.detail} is cut off."
    yield _holder_text(local, path)


def _holder_text(local: LocalAddress, path: tuple[str, ...]) -> str:
    match local.holder:
        case None:
            return "Nothing here has this name, and the domain has no catch-all: mail is refused."
        case KnownAccount(disabled=True, address=address):
            return f"The account {address} is disabled: mail is refused."
        case KnownAccount(address=address):
            return f"The account {address} gets it."
        case KnownApplication(takes_mail=True, address=address):
            return f"The application {address} gets it."
        case KnownApplication(disabled=True, address=address):
            return f"The application {address} is disabled: mail is refused."
        case KnownApplication(address=address):
            return f"The application {address} only sends: mail is refused."
        case KnownList(disabled=True, address=address):
            return f"The mailing list of {address} is disabled: mail is refused."
        case KnownList(purpose="leave", address=address):
            return f"A member who writes to {address} leaves the mailing list."
        case KnownList(address=address):
            return f"The mailing list {address} sends it to its members (`mailfold list members {address}`)."
        case KnownAlias(address=address) if address in path:
            return f"The way comes back to {address}: it ends here."
        case KnownAlias(disabled=True, address=address):
            return f"The alias {address} is disabled: mail is refused."
        case KnownAlias(ended=True, address=address):
            return f"The time of the alias {address} is over: mail is refused."
        case KnownAlias() as alias:
            return f"The {_KINDS[alias.kind]}{alias.address} sends it to {len(alias.targets)} address(es)."
