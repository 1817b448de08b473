"""LIST with its extensions, and LSUB."""

from __future__ import annotations

import asyncio

from services.access.commands.answer import done
from services.access.commands.metadata import list_metadata
from services.access.commands.names import Name, Names, SortedNames
from services.access.commands.shared_names import with_shared
from services.access.commands.status import status_line
from services.access.session.owned_name import has_right
from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.acl_response import myrights
from shared.protocol.imap.commands import ListReturn, ListSelection
from shared.protocol.imap.list_pattern import ListPattern
from shared.protocol.imap.rights import ALL_RIGHTS
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_A_NAME, _A_LINE, _A_MATCH = 6, 40, 12
"""The costs of sorting a name, of listing it, and of examining it, in keys compared."""
_MANY = 1_000
"""Mailboxes whose names may be sorted on the event loop."""


async def list_(session: ImapSession, command: c.List) -> bytes:
    """List mailboxes (RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154)."""
    if command.patterns == ("",) and not command.extended:
        session.channel.write(response.LIST_DELIMITER)
        return done(command.tag, "LIST")
    patterns = Patterns(session, [ListPattern(command.reference, pattern) for pattern in command.patterns if pattern])
    names = await _names(session)
    hidden = await _hidden_subscriptions(command, names, patterns)
    for name in names:
        if await patterns.match(name.name) and (not name.is_level_of_others or patterns.match_level(name.name)):
            await _list_name(session, command, name, _child_info(command, name, names, hidden))
            await session.channel.spill()
    return done(command.tag, "LIST")


async def _names(session: ImapSession) -> Names:
    """The names of the account, sorted."""
    known, others = await with_shared(session, await session.mailboxes()), frozenset(session.backend.namespaces)
    many = len(known.mailboxes) > _MANY
    names = await asyncio.to_thread(Names, known, others) if many else Names(known, others)
    await session.backend.turns.spend(keys=_A_NAME * len(names))
    return names


class Patterns:
    """The patterns of one LIST. Other sessions are served while many names are matched."""

    def __init__(self, session: ImapSession, patterns: list[ListPattern]) -> None:
        self._turns = session.backend.turns
        self._patterns = patterns

    async def match(self, name: str) -> bool:
        """Whether one of the patterns matches the name."""
        await self._turns.spend(keys=_A_MATCH + len(self._patterns) * (4 + len(name) // 2))
        return any(pattern.matches(name) for pattern in self._patterns)

    def match_level(self, name: str) -> bool:
        """Whether one of the patterns asks for the levels above mailboxes: one with `*` names the mailboxes themselves,
        and behaves as if a level above did not exist (RFC 4314 §4)."""
        return any(pattern.matches(name) for pattern in self._patterns if not pattern.is_recursive)


async def _hidden_subscriptions(command: c.List, names: Names, patterns: Patterns) -> SortedNames:
    """The subscribed names that no pattern matches; only a name above such a name can report it."""
    if not _is_recursive(command):
        return SortedNames(())
    return SortedNames([name for name in names.subscriptions if not await patterns.match(name)])


async def _list_name(session: ImapSession, command: c.List, name: Name, child_info: tuple[str, ...]) -> None:
    if not (_is_chosen(command, name) or child_info):
        return
    attributes = _attributes(command, name, extended=command.extended or session.rev2)
    session.channel.write(response.list_(name.name, attributes, child_info=child_info, utf8=session.utf8))
    await session.backend.turns.spend(keys=_A_LINE)
    if name.mailbox is not None:
        await _list_mailbox(session, command, name.mailbox)
    if command.metadata and name.mailbox is not None and has_right(name.mailbox, "r"):
        await list_metadata(session, name.name, command)


async def _list_mailbox(session: ImapSession, command: c.List, mailbox: pb.Mailbox) -> None:
    """What a client asked for about each mailbox: its rights (RFC 8440), and its status, which needs `r`."""
    if ListReturn.MYRIGHTS in command.returns:
        session.channel.write(myrights(mailbox.name, mailbox.rights or ALL_RIGHTS, utf8=session.utf8))
    if command.status and mailbox.rights:
        await _list_shared_status(session, command, mailbox)
    elif command.status:
        session.channel.write(await status_line(session, mailbox, command.status))


async def _list_shared_status(session: ImapSession, command: c.List, mailbox: pb.Mailbox) -> None:
    """The status of a mailbox of another account, which its line in the list does not know."""
    shared = await session.find_mailbox(mailbox.name)
    if shared is not None and has_right(shared, "r"):
        session.channel.write(await status_line(session, shared, command.status))


def _is_chosen(command: c.List, name: Name) -> bool:
    """Whether the selection options include the name (RFC 5258 §3.1)."""
    if ListSelection.SPECIAL_USE in command.selection and not (name.mailbox and name.mailbox.special_use):
        return False
    if ListSelection.SUBSCRIBED in command.selection:
        return name.subscribed
    return name.mailbox is not None or name.has_children


def _is_recursive(command: c.List) -> bool:
    return {ListSelection.RECURSIVEMATCH, ListSelection.SUBSCRIBED} <= command.selection


def _child_info(command: c.List, name: Name, names: Names, hidden: SortedNames) -> tuple[str, ...]:
    """The CHILDINFO for RECURSIVEMATCH: whether a name below is subscribed (RFC 5258 §3.1, example 9).

    A name that is not subscribed itself is listed only because of subscribed names that are not in the answer.
    """
    below = names.subscriptions if name.subscribed else hidden
    return ("SUBSCRIBED",) if _is_recursive(command) and below.has_below(name.name) else ()


def _attributes(command: c.List, name: Name, *, extended: bool) -> list[str]:
    attributes = []
    if name.mailbox is None:
        attributes.append("\\NonExistent" if extended else "\\Noselect")
    elif not has_right(name.mailbox, "r"):
        attributes.append("\\Noselect")
    attributes.append("\\HasChildren" if name.has_children else "\\HasNoChildren")
    if name.subscribed and (ListReturn.SUBSCRIBED in command.returns or ListSelection.SUBSCRIBED in command.selection):
        attributes.append("\\Subscribed")
    if name.mailbox is not None and name.mailbox.special_use:
        attributes.append(name.mailbox.special_use)
    return attributes


async def lsub(session: ImapSession, command: c.Lsub) -> bytes:
    """List subscribed names (RFC 3501 §6.3.9).

    With `%`, a name above a subscribed name that does not match itself is listed as \\Noselect.
    """
    if command.pattern is None:
        return done(command.tag, "LSUB")
    patterns = Patterns(session, [ListPattern(command.reference, command.pattern)])
    names = await _names(session)
    shown = names.subscriptions.with_ancestors() if command.pattern.endswith("%") else names.subscriptions
    for name in shown:
        if await patterns.match(name):
            selectable = names.is_subscribed(name) and names.exists(name)
            attributes = () if selectable else ("\\Noselect",)
            session.channel.write(response.list_(name, attributes, verb=b"LSUB", utf8=session.utf8))
            await session.channel.spill()
    return done(command.tag, "LSUB")
