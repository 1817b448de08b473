"""The sink as a server: what it keeps, what it refuses, and that nobody can exhaust it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailfold.sink.limits import SinkLimits
from mailfold.sink.maildir import SinkMaildir
from mailfold.sink.server import serve

SMALL = SinkLimits(
    message_octets=100_000, at_once_octets=3_000_000, connections=3, recipients=2, reserve_octets=0, idle_seconds=30
)


class Client:
    """A connection to the sink."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next reply, its last line; empty when the connection is closed."""
        async with asyncio.timeout(60):
            while (line := await self.reader.readline())[3:4] == b"-":
                pass
        return line.decode().rstrip()

    async def ask(self, *lines: bytes) -> list[str]:
        """The replies to these lines."""
        replies = []
        for line in lines:
            self.writer.write(line + b"\r\n")
            replies.append(await self.reply())
        return replies


def names_in(folder: Path) -> set[str]:
    return {inner.name for inner in folder.iterdir()}


@contextlib.asynccontextmanager
async def sink(folder: Path, limits: SinkLimits = SMALL) -> AsyncIterator[tuple[SinkMaildir, Any]]:
    """A sink, and a function that connects to it."""
    maildir = SinkMaildir(folder / "sink")
    server = await serve(maildir, "127.0.0.1", 0, limits)
    clients: list[Client] = []

    async def connect() -> Client:
        client = Client(*await asyncio.open_connection(*server.sockets[0].getsockname()[:2]))
        clients.append(client)
        return client

    yield maildir, connect
    for client in clients:
        client.writer.close()
    server.close()


ENVELOPE: Sequence[bytes] = (b"EHLO me.example", b"MAIL FROM:<ann@example.org>", b"RCPT TO:<bob@x.example>", b"DATA")


async def test_a_mail_is_kept_and_durable_when_the_reply_comes(tmp_path: Path) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        assert (await client.reply()).startswith("220 ")
        await client.ask(*ENVELOPE)
        (reply,) = await client.ask(b"Subject: Tea\r\n\r\n..\r\nA line\r\n.")
        (mail,) = maildir.newest(9)
        assert reply == f"250 2.0.0 kept as {mail.name}"
        assert (mail.sender, mail.recipients, mail.subject) == ("ann@example.org", ["bob@x.example"], "Tea")
        assert maildir.read(mail.name).endswith(b"Subject: Tea\r\n\r\n.\r\nA line\r\n")
        assert (await client.ask(b"QUIT"))[0].startswith("221")


async def test_a_report_with_the_null_reverse_path_is_kept(tmp_path: Path) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        await client.reply()
        await client.ask(b"EHLO me", b"MAIL FROM:<> SIZE=10", b"RCPT TO:<ann@example.org>", b"DATA", b"x\r\n.")
        assert [mail.sender for mail in maildir.newest(9)] == [""]


async def test_paths_that_would_break_a_field_or_leave_the_folder_do_no_harm(tmp_path: Path) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        await client.reply()
        replies = await client.ask(
            b"EHLO ../../x\rY: z",
            b"MAIL FROM:<a\rX-Sink-Recipient: eve@x>",
            b"MAIL FROM:<\xff\xfe@x.example> SMTPUTF8",
            b"MAIL FROM:<../../etc@x.example>",
            b'RCPT TO:<"../\x1b[2J"@x.example>',
            b"RCPT TO:<../../../tmp/evil@x.example>",
            b"DATA",
            b"x\r\n.",
        )
        assert [reply[:3] for reply in replies] == ["250", "501", "553", "250", "553", "250", "354", "250"]
        (mail,) = maildir.newest(9)
        assert (mail.sender, mail.recipients) == ("../../etc@x.example", ["../../../tmp/evil@x.example"])
        assert names_in(tmp_path) == {"sink"} and names_in(maildir.folder) == {"tmp", "new", "cur", "tls"}


async def test_too_many_recipients_and_too_much_mail_are_refused(tmp_path: Path) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        await client.reply()
        await client.ask(*ENVELOPE[:3], b"RCPT TO:<cat@x.example>")
        assert (await client.ask(b"RCPT TO:<dora@x.example>"))[0].startswith("452 4.5.3")
        assert (await client.ask(b"DATA", b"y" * 900 + b"\r\n" + (b"x" * 998 + b"\r\n") * 150 + b"."))[1][:3] == "552"
        assert (await client.ask(b"MAIL FROM:<ann@example.org> SIZE=100001"))[0][:3] == "552"
        assert maildir.newest(9) == []


async def test_a_line_without_an_end_ends_the_connection(tmp_path: Path) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        await client.reply()
        await client.ask(*ENVELOPE)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                client.writer.write(b"x" * 65536)
                await client.writer.drain()
            await client.reader.read()
        assert client.reader.at_eof() or client.writer.transport.is_closing()
        other = await connect()
        assert (await other.reply()).startswith("220 ") and maildir.newest(9) == []


async def test_all_messages_together_have_a_limit(tmp_path: Path) -> None:
    limits = SinkLimits(message_octets=10_000_000, at_once_octets=1_000_000, connections=3, reserve_octets=0)
    async with sink(tmp_path, limits) as (_, connect):
        first, second = await connect(), await connect()
        for client in (first, second):
            await client.reply()
            await client.ask(*ENVELOPE)
        first.writer.write(b"x\r\n")
        await first.writer.drain()
        with contextlib.suppress(ConnectionError):
            second.writer.write((b"x" * 998 + b"\r\n") * 1_200)
            await second.writer.drain()
            await second.reader.read()
        assert (await first.ask(b"."))[0].startswith("250 2.0.0")


async def test_a_connection_too_many_is_refused_and_a_closed_connection_makes_room(tmp_path: Path) -> None:
    async with sink(tmp_path) as (_, connect):
        clients = [await connect() for _ in range(3)]
        assert [(await client.reply())[:3] for client in clients] == ["220"] * 3
        refused = await connect()
        assert (await refused.reply()).startswith("421 4.3.2") and await refused.reader.read() == b""
        assert (await clients[0].ask(b"QUIT"))[0].startswith("221") and await clients[0].reader.read() == b""
        assert (await (await connect()).reply()).startswith("220")


async def test_greetings_do_not_raise_the_limit_of_a_command(tmp_path: Path) -> None:
    async with sink(tmp_path) as (_, connect):
        client = await connect()
        await client.reply()
        await client.ask(*[b"EHLO me"] * 300)
        assert (await client.ask(b"MAIL FROM:<" + b"(" * 3000 + b"a@x.example>"))[0].startswith("500")


async def test_a_full_disk_refuses_before_the_message(tmp_path: Path) -> None:
    async with sink(tmp_path, SinkLimits(reserve_octets=1 << 60)) as (_, connect):
        client = await connect()
        await client.reply()
        assert (await client.ask(*ENVELOPE[:2]))[1].startswith("452 4.3.1")


async def test_an_error_is_a_temporary_reply_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sink(tmp_path) as (maildir, connect):
        client = await connect()
        await client.reply()
        await client.ask(*ENVELOPE)

        def fails(_pieces: Sequence[bytes]) -> str:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret/place")

        monkeypatch.setattr(maildir, "keep", fails)
        assert await client.ask(b"x\r\n.") == ["451 4.3.0 the sink cannot take this now"]
        assert "/secret/place" in capsys.readouterr().out
        monkeypatch.undo()
        assert (await client.ask(*ENVELOPE[1:], b"x\r\n."))[-1].startswith("250 ")


async def test_what_ehlo_offers(tmp_path: Path) -> None:
    async with sink(tmp_path) as (_, connect):
        client = await connect()
        await client.reply()
        client.writer.write(b"EHLO client.example\r\n")
        offered = [(await client.reader.readline()).decode().strip()[4:]]
        while not offered[-1].startswith("HELP"):
            offered.append((await client.reader.readline()).decode().strip()[4:])
        assert set(offered) == {"sink.invalid", "SIZE 100000", "8BITMIME", "SMTPUTF8", "STARTTLS", "HELP"}


async def test_a_mail_under_tls_counts_as_one_connection(tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with sink(tmp_path) as (maildir, connect):
        for _ in range(2 * SMALL.connections):
            client = await connect()
            await client.reply()
            assert await client.ask(b"EHLO client.example", b"STARTTLS") == ["250 HELP", "220 Ready to start TLS"]
            await client.writer.start_tls(trusting)
            lines = (b"EHLO client.example", b"MAIL FROM:<ann@example.org> SMTPUTF8 BODY=8BITMIME SIZE=30")
            assert (await client.ask(*lines))[-1] == "250 2.1.0 taken"
            replies = await client.ask(
                "RCPT TO:<b\u00fcb@far.example>".encode(), b"DATA", b"Subject: x\r\n\r\nHi.\r\n."
            )
            assert [reply[:3] for reply in replies] == ["250", "354", "250"]
            await client.ask(b"QUIT")
            client.writer.close()
            await client.writer.wait_closed()
        assert len(maildir.newest(10)) == 2 * SMALL.connections
