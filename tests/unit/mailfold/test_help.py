"""Every command has help for itself and its words, and JSON output; docs/settings.md lists the declared settings."""

from __future__ import annotations

from argparse import Action

import pytest

from mailfold.arguments import Command, Group, overview, parser_of
from mailfold.command_line import COMMANDS, declared
from mailfold.settings_page import PAGE, page

WITHOUT_JSON = {"up", "demo", "container serve"}
"""Commands that run until they are stopped."""


def leaves(word: str, command: Command | Group) -> dict[str, Command]:
    if not isinstance(command, Group):
        return {word: command}
    result: dict[str, Command] = {}
    for inner, command_of_it in command.commands.items():
        result |= leaves(f"{word} {inner}", command_of_it)
    return result


LEAVES = {name: command for word in COMMANDS for name, command in leaves(word, declared(word)).items()}
GROUPS = [word for word in COMMANDS if isinstance(declared(word), Group)]


def parameters(name: str) -> list[Action]:
    return [action for action in parser_of(name, LEAVES[name])._actions if action.dest != "help"]


def test_every_promised_command_is_there() -> None:
    item = {
        f"{kind} {word}"
        for kind in ("domain", "user", "account", "alias", "application", "list")
        for word in ("add", "list", "show", "remove", "disable", "enable")
    }
    rest = WITHOUT_JSON | {
        "status",
        "trace",
        "events",
        "chart",
        "verify",
        "rebuild",
        "settings show",
        "settings set",
        "settings apply",
        "user password",
        "account quota",
        "account size",
        *(f"mailbox {word}" for word in ("expire", "expiry", "deleted", "restore", "annotate", "annotations")),
        "blobs sweep",
        "test-mail",
        *(f"container {word}" for word in ("prepare", "health", "check-host")),
        "sink list",
        "sink show",
    }
    sending = {
        *(f"dkim {word}" for word in ("show", "rotate", "check", "retire")),
        *(f"relay {word}" for word in ("presets", "list", "show", "set", "remove", "test")),
        *(f"secrets {word}" for word in ("show", "rekey", "drop")),
        *(f"srs {word}" for word in ("show", "rotate")),
        *(f"{name} {word}" for name in ("block", "allow") for word in ("add", "remove", "list", "import", "export")),
    }
    changes = ("retry", "hold", "release", "cancel", "bounce", "pause", "resume")
    queue = {
        *(f"queue {word}" for word in ("list", "show", *changes)),
        *(f"queue hold-rule {word}" for word in ("add", "list", "remove")),
    }
    scripts = (
        "put",
        "get",
        "list",
        "activate",
        "deactivate",
        "delete",
        "rename",
        "check",
        "history",
        "diff",
        "apply",
        "applications",
        "undo",
        "revert",
        "test",
        "what-if",
    )
    names = {
        *(f"sieve {word}" for word in scripts),
        "resolve",
        "role give",
        *(f"ldap {word}" for word in ("show", "sync", "link", "unlink-group")),
        "role list",
        *("import directory", "import list", "export directory", "history", "revert"),
        "user set",
        "account all-mail",
        "account pop3",
        *(f"pop3 uidl {word}" for word in ("list", "import")),
        *(f"sharing {word}" for word in ("show", "set", "list", "resolve", "grants", "revoke", "seen")),
        *(f"group {word}" for word in ("add", "list", "show", "rename", "remove", "join", "leave")),
        *(f"submissions {word}" for word in ("list", "release", "cancel")),
        *(f"domain {word}" for word in ("incoming", "alias", "set", "values", "signature")),
        *(f"user {word}" for word in ("field", "fields", "may-send-as")),
        *(f"alias {word}" for word in ("targets", "owners", "until")),
        "journal",
        "search",
        *(f"index {word}" for word in ("status", "failures", "retry", "rebuild", "compare")),
        *(f"lockouts {word}" for word in ("list", "lift")),
        *(f"app-password {word}" for word in ("add", "list", "remove")),
        *(f"application {word}" for word in ("rename", "password", "limit", "quota", "size", "receives", "restore")),
        *(f"list {word}" for word in ("set", "owners", "members", "join", "leave", "pause", "resume")),
        *(f"list {word}" for word in ("moderators", "moderation", "held", "approve", "refuse")),
    }
    archives = {
        f"archive {word}" for word in ("list", "show", "open", "search", "export", "restore", "delete", "erasures")
    }
    dead_letters = {f"deadletters {word}" for word in ("list", "show", "retry")}
    assert set(LEAVES) == item | rest | sending | queue | names | archives | dead_letters


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_and_word_is_explained(name: str) -> None:
    assert parser_of(name, LEAVES[name]).description
    assert [action.dest for action in parameters(name) if not action.help] == []


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_is_explained(name: str) -> None:
    group = declared(name)
    assert isinstance(group, Group) and group.help
    shown = overview(f"mailfold {name}", group.help, list(group.commands.items()))
    assert all(f"\n  {word} " in shown for word in group.commands)


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - WITHOUT_JSON))
def test_every_command_speaks_json_and_takes_the_folder(name: str) -> None:
    options = {option for action in parameters(name) for option in action.option_strings}
    assert {"--json", "--data"} <= options


def test_the_page_of_settings_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m mailfold.settings_page`"
