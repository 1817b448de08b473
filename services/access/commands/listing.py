"""LIST with its extensions, and LSUB."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.access.commands.answer import done
from services.access.commands.status import status_line
from services.access.session.session import Session
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import ListReturn, ListSelection
from shared.protocol.imap.list_pattern import ListPattern
from shared.protocol.imap.mailbox_name import INBOX, ancestors
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


class Name(msgspec.Struct, frozen=True):
    """A name that can be listed: a mailbox, one only subscribed, or one that others lie under."""

    name: str
    mailbox: pb.Mailbox | None
    subscribed: bool
    has_children: bool


def names_of(known: pb.MailboxList) -> list[Name]:
    """All names of an account, INBOX first."""
    found = {mailbox.name: mailbox for mailbox in known.mailboxes}
    subscribed = frozenset(known.subscriptions)
    parents = {above for name in found for above in ancestors(name)}
    remembered = {above for name in subscribed for above in ancestors(name)}
    every = sorted(found.keys() | subscribed | parents | remembered, key=lambda name: (name != INBOX, name))
    return [Name(name, found.get(name), name in subscribed, name in parents) for name in every]


async def list_(session: Session, command: c.List) -> bytes:
    """RFC 3501 6.3.8, RFC 5258, RFC 5819, RFC 6154."""
    if command.patterns == ("",) and not command.extended:
        session.channel.write(response.LIST_DELIMITER)
        return done(command.tag, "LIST")
    patterns = [ListPattern(command.reference, pattern) for pattern in command.patterns if pattern]
    known = await session.mailboxes()
    names = names_of(known)
    for name in names:
        if any(pattern.matches(name.name) for pattern in patterns):
            await _list_one(session, command, name, names)
            await session.channel.spill()
    return done(command.tag, "LIST")


async def _list_one(session: Session, command: c.List, name: Name, names: list[Name]) -> None:
    child_info = _child_info(command, name, names)
    if not (_is_chosen(command, name) or child_info):
        return
    session.channel.write(response.list_(name.name, _attributes(command, name), child_info=child_info))
    if command.status and name.mailbox is not None:
        session.channel.write(await status_line(session, name.mailbox, command.status))


def _is_chosen(command: c.List, name: Name) -> bool:
    """Whether the selection options let the name through (RFC 5258 3.1)."""
    if ListSelection.SPECIAL_USE in command.selection and not (name.mailbox and name.mailbox.special_use):
        return False
    if ListSelection.SUBSCRIBED in command.selection:
        return name.subscribed
    return name.mailbox is not None or name.has_children


def _child_info(command: c.List, name: Name, names: list[Name]) -> tuple[str, ...]:
    """RECURSIVEMATCH: whether something below the name is subscribed (RFC 5258 3.5)."""
    if ListSelection.RECURSIVEMATCH not in command.selection or ListSelection.SUBSCRIBED not in command.selection:
        return ()
    below = name.name + "/"
    return ("SUBSCRIBED",) if any(other.subscribed and other.name.startswith(below) for other in names) else ()


def _attributes(command: c.List, name: Name) -> list[str]:
    attributes = []
    if name.mailbox is None:
        attributes.append("\\NonExistent" if command.extended else "\\Noselect")
    attributes.append("\\HasChildren" if name.has_children else "\\HasNoChildren")
    if name.subscribed and (ListReturn.SUBSCRIBED in command.returns or ListSelection.SUBSCRIBED in command.selection):
        attributes.append("\\Subscribed")
    if name.mailbox is not None and name.mailbox.special_use:
        attributes.append(name.mailbox.special_use)
    return attributes


async def lsub(session: Session, command: c.Lsub) -> bytes:
    """RFC 3501 6.3.9: subscribed names; with `%`, the name above a subscribed one that does not match itself is told as
    \\Noselect.
    """
    if command.pattern is None:
        return done(command.tag, "LSUB")
    pattern = ListPattern(command.reference, command.pattern)
    known = await session.mailboxes()
    subscribed = frozenset(known.subscriptions)
    exists = frozenset(mailbox.name for mailbox in known.mailboxes)
    for name in sorted(_with_parents(subscribed)):
        if not pattern.matches(name) or (name not in subscribed and not command.pattern.endswith("%")):
            continue
        attributes = () if name in subscribed and name in exists else ("\\Noselect",)
        session.channel.write(response.list_(name, attributes, verb=b"LSUB"))
    return done(command.tag, "LSUB")


def _with_parents(names: Iterable[str]) -> set[str]:
    return {above for name in names for above in (*ancestors(name), name)}
