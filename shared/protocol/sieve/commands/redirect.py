"""The action `redirect` (RFC 5228 §4.2), with copy (RFC 3894), redirect-dsn and redirect-deliverby (RFC 6009), and
extlists (RFC 6134 §2.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.sieve.actions import RedirectAction
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.program import RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NUMBER, STRING, NodeSignature, Tag
from shared.protocol.sieve.validate.text import ScriptText

_NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})
_MODES = frozenset({"NOTIFY", "RETURN"})
_RETS = frozenset({"FULL", "HDRS"})
# A display name of words and quoted strings, and the addr-spec behind it.
_NAMED = re.compile(r'(?>(?:[^"<>@,;:\\\x00-\x1f]|"(?>(?:[^"\\\x00-\x1f]|\\[ -~])*)")*)<([^<>\x00-\x1f]+)>\s*')
Checked = Callable[[ScriptRun], str]


def _redirect(scope: Scope, arguments: Arguments) -> SieveStep:
    target, is_list, copy = arguments.text(0), arguments.has("list"), arguments.has("copy")
    if target.constant is not None and not is_list:
        check_address(scope, target)
    notify = _word(scope, arguments, "notify", _NOTIFY)
    ret = _word(scope, arguments, "ret", _RETS)
    mode = _word(scope, arguments, "bymode", _MODES)
    by_time = _by_time(arguments)
    has_trace = arguments.has("bytrace")
    if (arguments.has("bymode") or has_trace) and by_time is None:
        scope.error(arguments.place, "redirect: :bymode and :bytrace need :bytimerelative or :bytimeabsolute")

    def step(run: ScriptRun) -> None:
        action = RedirectAction(
            "" if is_list else valid_address(target.value(run)),
            copy,
            as_text(target.value(run)) if is_list else "",
            notify(run),
            ret(run),
            by_time(run) if by_time else "",
            mode(run) or ("RETURN" if by_time else ""),
            has_trace,
            run.message.edits_for_redirect(),
            arguments.place.line,
        )
        run.keeps_implicitly = run.keeps_implicitly and copy
        _add(run, action)

    return step


def _add(run: ScriptRun, action: RedirectAction) -> None:
    """RFC 5228 §2.10.3: the same address gets the message once."""
    others = [earlier for earlier in run.actions if isinstance(earlier, RedirectAction)]
    target = (action.address, action.list_name)
    for earlier in others:
        if (earlier.address, earlier.list_name) == target:
            merged = msgspec.structs.replace(earlier, copy=earlier.copy and action.copy)
            run.actions[run.actions.index(earlier)] = merged
            return
    if len(others) >= run.limits.redirects:
        raise RunFailed(f"the script redirects to more than {run.limits.redirects} addresses")
    run.act(action)


def check_address(scope: Scope, address: ScriptText) -> None:
    """Report an invalid address that contains no variable."""
    text = (address.constant or b"").decode("utf-8", "replace")
    try:
        _read_address(text)
    except AddressError as error:
        scope.error(address.place, f'"{text[:80]}" is not an address: {error}')


def valid_address(value: bytes) -> str:
    """The addr-spec of an address. Raises RunFailed."""
    try:
        return _read_address(as_text(value))
    except AddressError as error:
        raise RunFailed(f"this is not an address: {error}") from None


def _read_address(text: str) -> str:
    """sieve-address = addr-spec / phrase "<" addr-spec ">" (RFC 5228 §2.4.2.3). Raises AddressError."""
    match = _NAMED.fullmatch(text)
    return str(parse_address(match[1] if match else text))


def _by_time(arguments: Arguments) -> Checked | None:
    """`:bytimerelative` is seconds, `:bytimeabsolute` a date-time of RFC 3339 (RFC 6009 §6)."""
    relative, absolute = arguments.tag_number("bytimerelative"), arguments.tag_text("bytimeabsolute")
    if relative is not None:
        return lambda _run: str(relative)
    return None if absolute is None else lambda run: as_text(absolute.value(run))


def _word(scope: Scope, arguments: Arguments, tag: str, words: frozenset[str]) -> Checked:
    text = arguments.tag_text(tag)
    if text is None:
        return lambda _run: ""
    if text.constant is not None and not _are_words(text.constant, words):
        scope.error(text.place, f"redirect: :{tag} takes {', '.join(sorted(words))}")

    def value(run: ScriptRun) -> str:
        octets = text.value(run)
        if not _are_words(octets, words):
            raise RunFailed(f":{tag} has an invalid value")
        return octets.decode().upper()

    return value


def _are_words(value: bytes, words: frozenset[str]) -> bool:
    parts = value.decode("utf-8", "replace").upper().split(",")
    return set(parts) <= words and (parts == ["NEVER"] or "NEVER" not in parts)


COMMANDS = (
    CommandDefinition(
        NodeSignature(
            "redirect",
            (STRING,),
            (
                Tag("copy", extension="copy"),
                Tag("list", extension="extlists"),
                Tag("notify", STRING, extension="redirect-dsn"),
                Tag("ret", STRING, extension="redirect-dsn"),
                Tag("bytimerelative", NUMBER, "time", "redirect-deliverby"),
                Tag("bytimeabsolute", STRING, "time", "redirect-deliverby"),
                Tag("bymode", STRING, extension="redirect-deliverby"),
                Tag("bytrace", extension="redirect-deliverby"),
            ),
        ),
        _redirect,
    ),
)
