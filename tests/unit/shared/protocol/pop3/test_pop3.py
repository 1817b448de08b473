"""POP3 as pure code: commands, the maildrop, and messages as they are sent (RFC 1939)."""

from __future__ import annotations

import poplib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.pop3 import response
from shared.protocol.pop3.commands import (
    ChooseLanguage,
    DeleteMessage,
    ListSizes,
    ListUniqueIds,
    PassPhrase,
    PopAuthenticate,
    PopCommand,
    PopQuit,
    PopSyntaxError,
    RetrieveMessage,
    TopOfMessage,
    UserName,
    parse_pop,
)
from shared.protocol.pop3.maildrop import Maildrop, NotInMaildrop, PopMessage
from shared.protocol.pop3.response import MessageEncoder, TopCut

COMMANDS: dict[bytes, PopCommand] = {
    b"USER ann@example.org": UserName(b"ann@example.org"),
    b"PASS two words ": PassPhrase(b"two words "),
    b"AUTH": PopAuthenticate(),
    b"auth plain": PopAuthenticate("PLAIN"),
    b"AUTH PLAIN AGFubgBw": PopAuthenticate("PLAIN", b"AGFubgBw"),
    b"AUTH PLAIN =": PopAuthenticate("PLAIN", b"="),
    b"quit": PopQuit(),
    b"QUIT ": PopQuit(),
    b"LIST": ListSizes(),
    b"LIST 2": ListSizes(2),
    b"UIDL 2": ListUniqueIds(2),
    b"RETR 1": RetrieveMessage(1),
    b"TOP 1 0": TopOfMessage(1, 0),
    b"DELE  3": DeleteMessage(3),
    b"LANG": ChooseLanguage(),
    b"LANG de": ChooseLanguage("de"),
}
REFUSED = {
    b"": "unknown command",
    b"LST": "unknown command",
    b"USER": "USER takes an argument",
    b"PASS": "PASS takes an argument",
    b"RETR": "RETR takes 1 argument",
    b"RETR 0": "numbered from 1",
    b"RETR -1": "a number is expected",
    b"RETR 1 2": "RETR takes 1 argument",
    b"TOP 1": "TOP takes 2 arguments",
    b"DELE 99999999999": "a number is expected",
    "LANG ü".encode(): "must be ASCII",
    b"STAT 1": "STAT takes no arguments",
}
THREE = [PopMessage(4, 100, "a"), PopMessage(5, 20, "b"), PopMessage(9, 3, "c")]
MESSAGES = st.lists(st.sampled_from([b"a", b".", b"..", b"\r\n", b"\n", b"\r", b"\r\n.\r\n", b"\r\n\r\n", b"x: y"]))


@pytest.mark.parametrize("line", COMMANDS)
def test_commands(line: bytes) -> None:
    assert parse_pop(line) == COMMANDS[line]


@pytest.mark.parametrize("line", REFUSED)
def test_refused_commands(line: bytes) -> None:
    with pytest.raises(PopSyntaxError, match=REFUSED[line]):
        parse_pop(line)


@given(st.binary(max_size=80))
def test_any_line_is_a_command_or_refused(line: bytes) -> None:
    try:
        parse_pop(line)
    except PopSyntaxError as refusal:
        assert response.error(str(refusal)).endswith(b"\r\n")


def test_numbers_stay_when_messages_are_deleted() -> None:
    maildrop = Maildrop(THREE)
    assert maildrop.status() == (3, 123)
    maildrop.delete(2)
    assert maildrop.status() == (2, 103)
    assert [number for number, _ in maildrop.present()] == [1, 3]
    assert maildrop.message(3).unique_id == "c"
    for number in (0, 2, 4):
        with pytest.raises(NotInMaildrop):
            maildrop.delete(number)
    assert maildrop.deleted_uids == [5]
    maildrop.reset()
    assert maildrop.status() == (3, 123)


def test_single_lines() -> None:
    assert response.ok() == b"+OK\r\n"
    assert response.ok("2 320") == b"+OK 2 320\r\n"
    assert response.error("locked\r\n+OK", "IN-USE") == b"-ERR [IN-USE] locked  +OK\r\n"
    assert len(response.error("ä" * 1000)) <= 512
    assert response.continuation(b"dGVzdA==") == b"+ dGVzdA==\r\n"
    assert response.lines(["1 a", ".x"]) == b"1 a\r\n..x\r\n.\r\n"


def sent(pieces: list[bytes]) -> bytes:
    """A message as it is sent."""
    encoder = MessageEncoder()
    return b"".join([*map(encoder.encode, pieces), encoder.finish()])


def received(wire: bytes) -> list[bytes]:
    """The lines that Python's own client reads."""
    client = poplib.POP3.__new__(poplib.POP3)
    client.file, client._debugging = BytesIO(b"+OK\r\n" + wire), 0
    return client._getlongresp()[1]


@given(MESSAGES, st.data())
def test_a_message_arrives_as_it_is(words: list[bytes], data: st.DataObject) -> None:
    message = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=6)))
    pieces = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    wire = sent(pieces)
    assert wire == sent([message])
    assert wire.endswith(b".\r\n") and b"\n.\r\n" not in wire[:-3]
    lines = message.replace(b"\r\n", b"\n").split(b"\n")
    assert received(wire) == (lines if lines[-1] else lines[:-1])


@given(MESSAGES, st.integers(0, 4), st.data())
def test_the_top_does_not_depend_on_the_pieces(words: list[bytes], count: int, data: st.DataObject) -> None:
    message = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=6)))
    pieces = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    cut, whole = TopCut(count), TopCut(count)
    assert b"".join(map(cut.take, pieces)) == whole.take(message)


def test_the_top_of_a_message() -> None:
    message = b"Subject: x\r\nTo: y\r\n\r\n1\r\n2\r\n3\r\n"
    assert TopCut(0).take(message) == b"Subject: x\r\nTo: y\r\n\r\n"
    assert TopCut(2).take(message) == b"Subject: x\r\nTo: y\r\n\r\n1\r\n2\r\n"
    assert TopCut(9).take(message) == message
    assert TopCut(1).take(b"\r\n1\r\n2\r\n") == b"\r\n1\r\n", "a message without a header"
    complete = TopCut(0)
    complete.take(message)
    assert complete.is_complete and complete.take(b"more") == b""
