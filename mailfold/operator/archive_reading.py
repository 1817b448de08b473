"""What an operator reads in an archive: lists of messages, one message, or all of them in files."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from email.parser import BytesHeaderParser
from email.policy import default
from typing import TYPE_CHECKING, Any

from mailfold.operator.archived_mail import ArchivedMail, StoredMail, total
from mailfold.operator.failure import CommandFailed
from mailfold.operator.mail_export import Destination, exporter
from shared.blobs.errors import BlobError

if TYPE_CHECKING:
    from mailfold.operator.session import Session

Progress = Callable[[str, int, int], None]
_GENERATION = "g0001"
_LONGEST_TEXT = 200
_EVERY = 20


@contextlib.asynccontextmanager
async def opened_mail(session: Session, account: str) -> AsyncIterator[ArchivedMail]:
    """The mail of an account id."""
    from shared.blobs.local import LocalBlobs

    blobs = LocalBlobs(session.places.blobs, _GENERATION)
    try:
        yield ArchivedMail(session, account, blobs)
    finally:
        await blobs.close()


async def newest_of(mail: ArchivedMail, name: str, limit: int) -> list[dict[str, Any]]:
    """The newest messages of a mailbox. Raises CommandFailed when there is no such mailbox."""
    messages = [message async for message in mail.messages(await _mailbox(mail, name))]
    return [await _listed(mail, message) for message in messages[-limit:]]


async def message_of(mail: ArchivedMail, name: str, uid: int) -> bytes | None:
    """The octets of a message; None when there is none."""
    async for message in mail.messages(await _mailbox(mail, name), (uid, uid)):
        return await mail.octets(message)
    return None


async def matches_in(mail: ArchivedMail, text: str, field: str, limit: int) -> list[dict[str, Any]]:
    """The messages with a text, mailbox by mailbox."""
    listed: list[dict[str, Any]] = []
    for mailbox in await mail.mailboxes():
        bounds = await mail.matches(mailbox, text, field)
        if bounds and len(listed) < limit:
            async for message in mail.messages(mailbox, bounds):
                if len(listed) == limit:
                    break
                listed.append(await _listed(mail, message))
    return listed


async def exported(mail: ArchivedMail, kind: str, destination: Destination, progress: Progress) -> int:
    """Write all messages to a file or folder; returns their number. Raises CommandFailed for one that is damaged."""
    mailboxes, done = await mail.mailboxes(), 0
    export = exporter(kind, destination.partial)
    for mailbox in mailboxes:
        async for message in mail.messages(mailbox):
            try:
                export.add(message, await mail.octets(message))
            except BlobError as error:
                raise CommandFailed(
                    f"UID {message.uid} of {message.mailbox} cannot be read ({error}); `mailfold verify --blobs` shows "
                    "what is damaged"
                ) from error
            done += 1
            if done % _EVERY == 0:
                progress("exporting", done, total(mailboxes))
    export.close()
    destination.complete()
    return done


async def _mailbox(mail: ArchivedMail, name: str) -> Any:
    listed = await mail.mailboxes()
    for mailbox in listed:
        if mailbox.name == name:
            return mailbox
    names = ", ".join(mailbox.name for mailbox in listed) or "none: nothing was ever delivered to the account"
    raise CommandFailed(f"there is no mailbox {name}; there are {names}")


async def _listed(mail: ArchivedMail, message: StoredMail) -> dict[str, Any]:
    values: dict[str, Any] = {"mailbox": message.mailbox, "uid": message.uid, "date": message.date.isoformat()}
    values |= {"flags": list(message.flags)}
    try:
        header = BytesHeaderParser(policy=default).parsebytes(await mail.header(message))
        return values | {"from": _text(header, "From"), "subject": _text(header, "Subject")}
    except BlobError as error:
        return values | {"from": "", "subject": f"(unreadable: {error})"}


def _text(header: Any, field: str) -> str:
    """A field as text; fields of strangers may be anything, which then is shown as nothing."""
    try:
        return str(header[field] or "")[:_LONGEST_TEXT]
    except Exception:
        return ""
