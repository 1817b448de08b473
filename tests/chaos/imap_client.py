"""What a mail client does with mailboxes, over the load test's IMAP connection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from loadtest.imap.responses import listed, quoted
from loadtest.imap.session import ImapSession, connect_imap
from loadtest.target import Target
from tests.chaos.mails import TOKEN, digest_of
from tests.chaos.people import PASSWORD

_TEXT = re.compile(rb"BODY\[TEXT\] \{(\d+)\}\r\n")
_HEADER = re.compile(rb"BODY\[HEADER\.FIELDS \(SUBJECT\)\] \{(\d+)\}\r\n", re.IGNORECASE)


async def open_session(port: int, login: str) -> ImapSession:
    """Connected and logged in. Raises OSError, ImapRefused."""
    session = await connect_imap(Target(imap_port=port))
    try:
        await session.command(b"LOGIN %s %s" % (quoted(login), quoted(PASSWORD)))
    except BaseException:
        session.close()
        raise
    return session


class Mailboxes:
    """Commands of a session that is logged in. All raise ImapRefused."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session

    async def names(self) -> list[bytes]:
        """The names of the mailboxes, as the server quotes them."""
        lines = await self._session.command(b'LIST "" "*"')
        return [result[1] for line in lines if (result := listed(line)) and b"\\noselect" not in result[0]]

    async def select(self, name: bytes) -> None:
        await self._session.command(b"SELECT " + name)

    async def uids(self) -> list[int]:
        """The UIDs of the selected mailbox."""
        lines = await self._session.command(b"UID SEARCH ALL")
        return [
            int(word) for line in lines if line.startswith(b"* SEARCH") for word in line.split()[2:] if word.isdigit()
        ]

    async def flag(self, uids: Iterable[int], flag: bytes) -> None:
        await self._session.command(b"UID STORE %s +FLAGS (%s)" % (_set(uids), flag))

    async def move(self, uids: Sequence[int], target: bytes) -> int:
        """Move these messages; returns how many were requested."""
        await self._session.command(b"UID MOVE %s %s" % (_set(uids), target))
        return len(uids)

    async def append(self, mailbox: bytes, data: bytes) -> None:
        await self._session.with_literals([b"APPEND %s {%d}" % (mailbox, len(data)), data])

    async def contents(self, name: bytes) -> list[tuple[str, str]]:
        """Token and digest of the text of every message; the token is empty where there is none."""
        await self._session.command(b"EXAMINE " + name)
        if not self._session.exists:
            return []
        lines = await self._session.command(b"UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])")
        return [_content(line) for line in lines if b" FETCH (" in line[:40]]


def _content(response: bytes) -> tuple[str, str]:
    header, text = _literal(_HEADER, response), _literal(_TEXT, response)
    result = TOKEN.search(header)
    return (result[1].decode() if result else "", digest_of(text))


def _literal(start: re.Pattern[bytes], response: bytes) -> bytes:
    result = start.search(response)
    return response[result.end() : result.end() + int(result[1])] if result else b""


def _set(uids: Iterable[int]) -> bytes:
    return b",".join(b"%d" % uid for uid in uids)
