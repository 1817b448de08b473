"""SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314)."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.commands.append_intake import note_version
from services.access.session.session import ImapSession
from shared.protocol.imap import acl_response
from shared.protocol.imap.acl_commands import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2 as pb


async def set_acl(session: ImapSession, command: SetAcl) -> bytes:
    """Change the rights of an identifier (§3.1)."""
    await _change(session, command.mailbox, command.identifier, command.mode, command.rights)
    return done(command.tag, "SETACL")


async def delete_acl(session: ImapSession, command: DeleteAcl) -> bytes:
    """Take an identifier out of the list (§3.2)."""
    await _change(session, command.mailbox, command.identifier, "", "")
    return done(command.tag, "DELETEACL")


async def get_acl(session: ImapSession, command: GetAcl) -> bytes:
    """Report the list (§3.3)."""
    place = await session.place(command.mailbox)
    entries = (await session.backend.sharing.acl(place.account, place.name)).entries
    listed = [(entry.identifier, entry.rights) for entry in entries]
    await session.channel.write_all(acl_response.acl(command.mailbox, listed, utf8=session.utf8))
    return done(command.tag, "GETACL")


async def list_rights(session: ImapSession, command: ListRights) -> bytes:
    """Report which rights an identifier may be given (§3.4)."""
    place = await session.place(command.mailbox)
    possible = await session.backend.sharing.possible(place.account, place.name, command.identifier)
    session.channel.write(
        acl_response.listrights(
            command.mailbox, command.identifier, possible.always, possible.optional, utf8=session.utf8
        )
    )
    return done(command.tag, "LISTRIGHTS")


async def my_rights(session: ImapSession, command: MyRights) -> bytes:
    """Report the rights of the session's account (§3.5)."""
    place = await session.place(command.mailbox)
    rights = await session.backend.sharing.rights(place.account, place.name)
    session.channel.write(acl_response.myrights(command.mailbox, rights, utf8=session.utf8))
    return done(command.tag, "MYRIGHTS")


async def _change(session: ImapSession, name: str, identifier: str, mode: str, rights: str) -> None:
    place = await session.place(name)
    request = pb.SetAclRequest(
        account=place.account, mailbox=place.name, identifier=identifier, mode=mode, rights=rights
    )
    with session.writing():
        version = await session.backend.sharing.set_acl(request)
    note_version(session, place.account, version)
