"""GETMETADATA and SETMETADATA (RFC 5464)."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.session.session import ImapSession
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.response_code import metadata_long_entries, metadata_refusal

_CONDITIONS = frozenset({"MAXSIZE", "TOOMANY", "NOPRIVATE"})


async def get_metadata(session: ImapSession, command: c.GetMetadata) -> bytes:
    """Report annotations; a mailbox without any of the entries has no response (RFC 5464 §4.2)."""
    place = await session.place(command.mailbox)
    listed = await session.backend.annotations.listed(place.account, place.name, command)
    annotations = [
        (annotation.entry, annotation.value if annotation.HasField("value") else None)
        for annotation in listed.annotations
    ]
    if annotations:
        await session.channel.write_all(response.metadata(command.mailbox, annotations, utf8=session.utf8))
    if listed.longest:
        return response.ok(command.tag, "GETMETADATA completed", metadata_long_entries(listed.longest))
    return done(command.tag, "GETMETADATA")


async def list_metadata(session: ImapSession, name: str, command: c.List) -> None:
    """Report entries of a listed mailbox, NIL for those that it does not have (RFC 9590 §3)."""
    try:
        place = await session.place(name)
        asked = c.GetMetadata(command.tag, name, command.metadata)
        listed = await session.backend.annotations.listed(place.account, place.name, asked)
    except NotFound:
        return  # it was deleted meanwhile
    values = {
        annotation.entry: annotation.value if annotation.HasField("value") else None
        for annotation in listed.annotations
    }
    annotations = [(entry, values.get(entry)) for entry in command.metadata]
    await session.channel.write_all(response.metadata(name, annotations, utf8=session.utf8))


async def set_metadata(session: ImapSession, command: c.SetMetadata) -> bytes:
    """Set and remove annotations, all or none (RFC 5464 §4.3)."""
    place = await session.place(command.mailbox)
    with session.writing():
        try:
            changed = await session.backend.annotations.change(place.account, place.name, command)
        except ServiceError as error:
            if error.reason.partition(" ")[0] in _CONDITIONS:
                return response.no(command.tag, error.message, metadata_refusal(error.reason))
            raise
    session.watch.note(changed.version)
    return done(command.tag, "SETMETADATA")
