"""Rights of access control lists, and the grammar and responses around them (RFC 4314)."""

from __future__ import annotations

import pytest

from shared.protocol.imap.acl_commands import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from shared.protocol.imap.acl_response import acl, listrights, myrights
from shared.protocol.imap.any_command import AnyCommand
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.rights import (
    ALL_RIGHTS,
    InvalidRights,
    changed_rights,
    may_change,
    parse_rights,
    permitted_flags,
    shown_rights,
)


@pytest.mark.parametrize(
    ("text", "rights"), [("", ""), ("rl", "lr"), ("aal", "la"), ("c", "kx"), ("d", "te"), ("lcd", "lkxte")]
)
def test_rights_have_an_order_and_obsolete_ones_stand_for_others(text: str, rights: str) -> None:
    assert parse_rights(text) == rights


@pytest.mark.parametrize("text", ["q", "LR", "l r", "+l", "é", "n"])
def test_unknown_rights_are_refused(text: str) -> None:
    with pytest.raises(InvalidRights):
        parse_rights(text)


@pytest.mark.parametrize(
    ("rights", "shown"), [("lr", "lr"), ("lrk", "lrkc"), ("e", "ed"), (ALL_RIGHTS, "lrswipkxteacd")]
)
def test_obsolete_rights_are_shown_with_any_of_their_parts(rights: str, shown: str) -> None:
    assert shown_rights(rights) == shown


@pytest.mark.parametrize(
    ("present", "mode", "given", "after"),
    [("lr", "+", "s", "lrs"), ("lrs", "-", "rx", "ls"), ("lrs", "", "a", "a"), ("lr", "", "", ""), ("", "-", "l", "")],
)
def test_rights_are_added_taken_away_and_replaced(present: str, mode: str, given: str, after: str) -> None:
    assert changed_rights(present, mode, given) == after


def test_flags_need_their_rights() -> None:
    flags = ["\\Seen", "\\DELETED", "\\Answered", "$Work"]
    assert permitted_flags(flags, "s") == ["\\Seen"]
    assert permitted_flags(flags, "t") == ["\\DELETED"]
    assert permitted_flags(flags, "w") == ["\\Answered", "$Work"]
    assert permitted_flags(flags, "lripkxa") == []
    assert [may_change(rights) for rights in ("lrpkxa", "lrs", "li", "e", "")] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"a SETACL INBOX ann@example.org +lr", SetAcl(b"a", "INBOX", "ann@example.org", "+", "lr")),
        (b'a setacl "INBOX" "-anyone" ""', SetAcl(b"a", "INBOX", "-anyone", "", "")),
        (b"a SETACL {5}\r\nInbox anyone -cd", SetAcl(b"a", "INBOX", "anyone", "-", "kxte")),
        (b"a DELETEACL Work anyone", DeleteAcl(b"a", "Work", "anyone")),
        (b"a GETACL Work", GetAcl(b"a", "Work")),
        (b"a LISTRIGHTS Work anyone", ListRights(b"a", "Work", "anyone")),
        (b"a MYRIGHTS inbox", MyRights(b"a", "INBOX")),
    ],
)
def test_the_grammar(line: bytes, command: AnyCommand) -> None:
    assert parse_command(line) == command


@pytest.mark.parametrize(
    "line",
    [
        b"a SETACL INBOX anyone",
        b"a SETACL INBOX anyone lrq",
        b"a SETACL INBOX anyone ++l",
        b'a SETACL INBOX "" l',
        b"a SETACL INBOX " + b"x" * 401 + b" l",
        b'a SETACL INBOX "\xff" l',
        b"a GETACL",
        b"a MYRIGHTS INBOX more",
        b"a LISTRIGHTS INBOX",
    ],
)
def test_what_the_grammar_refuses(line: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_command(line)


def test_the_responses() -> None:
    assert b"".join(acl("Work", [("ann@example.org", "lrk"), ("-anyone", "")])) == (
        b'* ACL "Work" ann@example.org lrkc -anyone ""\r\n'
    )
    assert myrights("Grüße", "lr", utf8=True) == '* MYRIGHTS "Grüße" lr\r\n'.encode()
    assert listrights("Work", "bob", "", "lr") == b'* LISTRIGHTS "Work" bob "" l r c d\r\n'
    assert listrights("Work", "ann", ALL_RIGHTS, []) == b'* LISTRIGHTS "Work" ann lrswipkxteacd\r\n'
