"""The commands of ManageSieve as values, and its responses as octets (RFC 5804 §1.3, §1.6, §2)."""

from __future__ import annotations

import pytest

from shared.protocol.managesieve import response
from shared.protocol.managesieve.commands import (
    BeginLogIn,
    CheckScript,
    CommandRefused,
    HaveSpace,
    ManageSieveCommand,
    Noop,
    PutScript,
    RenameScript,
    SetActive,
    StartTls,
    parse_managesieve,
)
from shared.protocol.managesieve.frame_event import ReceivedCommand

COMMANDS: list[tuple[ReceivedCommand, ManageSieveCommand]] = [
    (ReceivedCommand("AUTHENTICATE", (b"plain",)), BeginLogIn("PLAIN")),
    (ReceivedCommand("AUTHENTICATE", (b"PLAIN", b"AGE=")), BeginLogIn("PLAIN", b"AGE=")),
    (ReceivedCommand("STARTTLS"), StartTls()),
    (ReceivedCommand("HAVESPACE", (b"a", 5)), HaveSpace("a", 5)),
    (ReceivedCommand("PUTSCRIPT", (b"a", b"\xff")), PutScript("a", b"\xff")),
    (ReceivedCommand("SETACTIVE", (b"",)), SetActive("")),
    (ReceivedCommand("RENAMESCRIPT", (b"a/../b", b'"')), RenameScript("a/../b", '"')),
    (ReceivedCommand("CHECKSCRIPT", (b"",)), CheckScript(b"")),
    (ReceivedCommand("NOOP"), Noop()),
    (ReceivedCommand("NOOP", (b"x",)), Noop(b"x")),
]
REFUSED = [
    (ReceivedCommand("SELECT", (b"a",)), "there is no command SELECT"),
    (ReceivedCommand("LOGOUT", (b"a",)), "LOGOUT takes no arguments"),
    (ReceivedCommand("GETSCRIPT"), "GETSCRIPT takes 1 argument"),
    (ReceivedCommand("AUTHENTICATE"), "AUTHENTICATE takes 1 to 2 arguments"),
    (ReceivedCommand("GETSCRIPT", (5,)), "a string is expected"),
    (ReceivedCommand("GETSCRIPT", (b"",)), "must not be empty"),
    (ReceivedCommand("GETSCRIPT", (b"a\x00",)), "no control characters"),
    (ReceivedCommand("GETSCRIPT", ("a\u2028".encode(),)), "no control characters"),
    (ReceivedCommand("GETSCRIPT", (b"\xff",)), "must be UTF-8"),
    (ReceivedCommand("GETSCRIPT", ("ä".encode() * 129,)), "at most 128 characters"),
    (ReceivedCommand("HAVESPACE", (b"a", b"5")), "the size must be a number"),
]


@pytest.mark.parametrize(("received", "command"), COMMANDS)
def test_commands(received: ReceivedCommand, command: ManageSieveCommand) -> None:
    assert parse_managesieve(received) == command


@pytest.mark.parametrize(("received", "text"), REFUSED)
def test_refused_commands(received: ReceivedCommand, text: str) -> None:
    with pytest.raises(CommandRefused, match=text):
        parse_managesieve(received)


def test_responses() -> None:
    assert response.ok() == b"OK\r\n"
    assert response.ok("done", b"WARNINGS") == b'OK (WARNINGS) "done"\r\n'
    assert response.no('no "x"', b"QUOTA/MAXSIZE") == b'NO (QUOTA/MAXSIZE) "no \\"x\\""\r\n'
    assert response.no("line 1\r\nline 2") == b"NO {14}\r\nline 1\r\nline 2\r\n"
    assert response.bye("gone") == b'BYE "gone"\r\n'
    assert response.ok("", response.tag_code(b'a"')) == b'OK (TAG "a\\"")\r\n'
    assert response.ok("", response.sasl_code(b"dg==")) == b'OK (SASL "dg==")\r\n'
    assert response.challenge(b"") == b'""\r\n'


def test_data() -> None:
    lines = response.capabilities({"IMPLEMENTATION": "Mailfold", "SASL": "", "STARTTLS": None})
    assert lines == b'"IMPLEMENTATION" "Mailfold"\r\n"SASL" ""\r\n"STARTTLS"\r\n'
    assert response.scripts([("a", True), ("b\n", False)]) == b'"a" ACTIVE\r\n{2}\r\nb\n\r\n'
    assert response.script(b"keep;\n") == b"{6}\r\nkeep;\n\r\n"
    assert response.string("ä" * 600) == b"{1200}\r\n" + "ä".encode() * 600
