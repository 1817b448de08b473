"""The commands that each state allows, and what CAPABILITY lists."""

from typing import get_args

import pytest

from shared.protocol.imap import capability
from shared.protocol.imap.any_command import AnyCommand
from shared.protocol.imap.commands import Command
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.state import ALLOWED, ImapState, forbids_expunge, is_allowed, refusal_of_tls


def test_the_table_knows_every_command() -> None:
    assert set(ALLOWED) == set(get_args(AnyCommand)) == set(Command.__subclasses__())


@pytest.mark.parametrize(
    ("text", "states"),
    [
        (b"a NOOP", {ImapState.NOT_AUTHENTICATED, ImapState.AUTHENTICATED, ImapState.SELECTED}),
        (b"a LOGIN x y", {ImapState.NOT_AUTHENTICATED}),
        (b"a STARTTLS", {ImapState.NOT_AUTHENTICATED}),
        (b"a SELECT x", {ImapState.AUTHENTICATED, ImapState.SELECTED}),
        (b"a IDLE", {ImapState.AUTHENTICATED, ImapState.SELECTED}),
        (b"a FETCH 1 FLAGS", {ImapState.SELECTED}),
        (b"a UNSELECT", {ImapState.SELECTED}),
    ],
)
def test_states(text: bytes, states: set[ImapState]) -> None:
    assert {state for state in ImapState if is_allowed(parse_command(text), state)} == states


@pytest.mark.parametrize(
    "text", [b"FETCH 1 FLAGS", b"STORE 1 FLAGS ()", b"SEARCH ALL", b"SORT (DATE) UTF-8 ALL", b"THREAD REFS UTF-8 ALL"]
)
def test_sequence_numbers_must_hold_still(text: bytes) -> None:
    assert forbids_expunge(parse_command(b"a " + text))
    assert not forbids_expunge(parse_command(b"a UID " + text))


def test_other_commands_let_expunge_through() -> None:
    assert not any(forbids_expunge(parse_command(text)) for text in (b"a NOOP", b"a COPY 1 x", b"a IDLE", b"a EXPUNGE"))


def test_starttls_once_and_log_in_only_under_tls() -> None:
    starttls, login = parse_command(b"a STARTTLS"), parse_command(b"a LOGIN x y")
    assert refusal_of_tls(starttls, secure=True)
    assert refusal_of_tls(starttls, secure=False) is None
    assert refusal_of_tls(login, secure=True) is None
    assert refusal_of_tls(login, secure=False)
    assert refusal_of_tls(login, secure=False, cleartext_login=True) is None
    assert refusal_of_tls(parse_command(b"a NOOP"), secure=False) is None


def test_capabilities() -> None:
    clear = capability.before_login(secure=False, mechanisms=["PLAIN"])
    assert "LOGINDISABLED" in clear
    assert "STARTTLS" in clear
    assert not any(name.startswith("AUTH=") for name in clear)
    safe = capability.before_login(secure=True, mechanisms=["PLAIN", "SCRAM-SHA-256"])
    assert safe[-2:] == ("AUTH=PLAIN", "AUTH=SCRAM-SHA-256")
    assert "STARTTLS" not in safe
    assert "IDLE" not in safe
    assert capability.after_login(append_limit=5)[-1] == "APPENDLIMIT=5"
    assert {"IMAP4rev1", "IDLE", "QRESYNC"} <= set(capability.after_login())


def test_enable_ignores_what_is_not_offered() -> None:
    offered = (*capability.ALWAYS, *capability.AFTER_LOGIN)
    asked = ["X", "QRESYNC", "CONDSTORE", "QRESYNC", "IMAP4REV2", "IDLE"]
    assert capability.to_enable(asked, offered) == ("QRESYNC", "CONDSTORE", "IMAP4rev2")
    assert capability.to_enable(["QRESYNC"], ()) == ()
