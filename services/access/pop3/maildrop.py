"""STAT, LIST, UIDL, DELE, RSET, NOOP and QUIT (RFC 1939 §5 to §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from services.access.pop3.session import PopSession
from services.access.session.channel import SessionEnded
from shared.grpc.errors import ServiceError, TimedOut
from shared.protocol.pop3 import commands as c
from shared.protocol.pop3 import response
from shared.protocol.pop3.maildrop import PopMessage

_LINES_A_PIECE = 200


async def status(session: PopSession, _command: c.MaildropStatus) -> bytes:
    """The drop listing (RFC 1939 §5)."""
    number, octets = session.maildrop.messages.status()
    return response.ok(f"{number} {octets}")


async def sizes(session: PopSession, command: c.ListSizes) -> bytes:
    """The size of a message, or of all. Raises NotInMaildrop."""
    return await _listed(session, command.number, lambda message: str(message.octets))


async def unique_ids(session: PopSession, command: c.ListUniqueIds) -> bytes:
    """The unique id of a message, or of all. Raises NotInMaildrop."""
    return await _listed(session, command.number, lambda message: message.unique_id)


async def delete(session: PopSession, command: c.DeleteMessage) -> bytes:
    """Mark a message as deleted. Raises NotInMaildrop."""
    session.maildrop.messages.delete(command.number)
    return response.ok(f"message {command.number} is deleted")


async def reset(session: PopSession, _command: c.ResetDeletions) -> bytes:
    """Unmark all messages."""
    session.maildrop.messages.reset()
    number, octets = session.maildrop.messages.status()
    return response.ok(f"The maildrop has {number} messages ({octets} octets)")


async def quit_session(session: PopSession, _command: c.PopQuit) -> bytes:
    """Remove the deleted messages, and end the session (RFC 1939 §6). Nothing else removes any.

    The lock is released before the answer, because a client may connect again at once.
    """
    answer = await _update(session) if session.is_logged_in else response.ok("Goodbye")
    await session.leave()
    session.channel.write(answer)
    raise SessionEnded


async def _update(session: PopSession) -> bytes:
    maildrop = session.maildrop
    uids = maildrop.messages.deleted_uids
    if not uids:
        return response.ok("Goodbye")
    try:
        with session.writing():
            removed = await session.dependencies.maildrops.remove(session.account, maildrop.mailbox, uids)
    except TimedOut:  # the mailstore may still do it
        return response.error("The server did not answer in time; the deleted messages may be removed", "SYS/TEMP")
    except ServiceError:
        return response.error("The deleted messages cannot be removed now; they are still there", "SYS/TEMP")
    return response.ok(f"Goodbye; {removed} messages are removed")


async def _listed(session: PopSession, number: int | None, value: Callable[[PopMessage], str]) -> bytes:
    messages = session.maildrop.messages
    if number is not None:
        return response.ok(f"{number} {value(messages.message(number))}")
    count, octets = messages.status()
    session.channel.write(response.ok(f"{count} messages ({octets} octets)"))
    await session.channel.write_all(_lines(messages.present(), value))
    return response.END


def _lines(present: Iterable[tuple[int, PopMessage]], value: Callable[[PopMessage], str]) -> Iterator[bytes]:
    """Scan listings and unique-id listings in pieces; no line begins with a dot."""
    messages = iter(present)
    while page := list(islice(messages, _LINES_A_PIECE)):
        yield "".join(f"{number} {value(message)}\r\n" for number, message in page).encode("ascii")
