"""The macro language of SPF records (RFC 7208 §7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from shared.protocol.dns.names import MAX_NAME


class SpfSyntaxError(ValueError):
    """A record, term or macro violates the grammar of RFC 7208; the message says which."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One `%{...}`: the letter, the number of parts, their order, and the delimiters (RFC 7208 §7.1)."""

    item: str
    escape: bool
    keep: int
    reverse: bool
    delimiters: str


@dataclass(frozen=True, slots=True)
class MacroString:
    """A parsed macro string: literal text and macros, in order."""

    text: str
    parts: tuple[str | Macro, ...]
    items: frozenset[str]
    ends_in_expand: bool
    """Whether the last element is a macro-expand and not literal text."""

    @property
    def uses_local_part(self) -> bool:
        """Whether it expands the local-part, which may contain non-ASCII characters (RFC 8616 §4)."""
        return not self.items.isdisjoint("sl")

    @property
    def uses_validated_name(self) -> bool:
        """Whether it needs the validated host name of the client, which costs DNS questions."""
        return "p" in self.items


# macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
# macro-literal = %x21-24 / %x26-7E
_TOKEN = re.compile(r"%\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\}|%([%_-])|([!-$&-~]+)")
_EXPLAIN_TOKEN = re.compile(_TOKEN.pattern.replace("[!-$&-~]", "[ -$&-~]"))
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}

# toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
_TOP_LABEL = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")

_RECORD_ITEMS = frozenset("slodiphv")
_EXPLAIN_ITEMS = _RECORD_ITEMS | frozenset("crt")  # §7.2: these three only in "exp" text
_MAX_KEEP_DIGITS = 3


def parse_macro_string(text: str) -> MacroString:
    """A macro-string of a record. Raises SpfSyntaxError."""
    return _parse(text, _TOKEN, _RECORD_ITEMS)


def parse_explain_string(text: str) -> MacroString:
    """An explain-string, the text to which an exp= modifier refers (§6.2). Raises SpfSyntaxError."""
    return _parse(text, _EXPLAIN_TOKEN, _EXPLAIN_ITEMS)


def parse_domain_spec(text: str) -> MacroString:
    """domain-spec = macro-string domain-end; domain-end = ( "." toplabel [ "." ] ) / macro-expand. Raises
    SpfSyntaxError.
    """
    spec = parse_macro_string(text)
    if not (spec.ends_in_expand or _has_top_label(text)):
        raise SpfSyntaxError(f"not a domain-spec: {text[:80]!r}")
    return spec


def expand(spec: MacroString, values: dict[str, str]) -> str:
    """The text with every macro replaced by its value; `values` has an entry for each letter used."""
    if not spec.items:
        return "".join(spec.parts)  # type: ignore[arg-type]
    return "".join(part if isinstance(part, str) else _expand_macro(part, values) for part in spec.parts)


def expand_domain(spec: MacroString, values: dict[str, str]) -> str:
    """The name of a domain-spec in lower case, shortened from the left to 253 octets (§7.3)."""
    name = expand(spec, values).removesuffix(".").lower()
    while len(name) > MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def _parse(text: str, token: re.Pattern[str], items: frozenset[str]) -> MacroString:
    parts: list[str | Macro] = []
    at, expands = 0, False
    while at < len(text):
        match = token.match(text, at)
        if match is None:
            raise SpfSyntaxError(f"not a macro string at {text[at : at + 40]!r}")
        parts.append(_part(match, items))
        at, expands = match.end(), match[6] is None
    return MacroString(text, tuple(parts), frozenset(part.item for part in parts if isinstance(part, Macro)), expands)


def _part(match: re.Match[str], items: frozenset[str]) -> str | Macro:
    item, digits, reverse, delimiters, escaped, literal = match.groups()
    if literal is not None:
        return str(literal)
    if escaped is not None:
        return _ESCAPES[escaped]
    if item.lower() not in items:
        raise SpfSyntaxError(f"no macro letter here: {item!r}")
    return Macro(item.lower(), item.isupper(), _keep(digits), bool(reverse), delimiters or ".")


def _keep(digits: str) -> int:
    """The number of right-hand parts to keep; all of them without a number. Zero is an error (§7.1)."""
    if not digits:
        return 0
    if len(digits) > _MAX_KEEP_DIGITS or not int(digits):
        raise SpfSyntaxError(f"not a number of parts: {digits[:20]!r}")
    return int(digits)


def _has_top_label(text: str) -> bool:
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _TOP_LABEL.match(label) is not None


def _expand_macro(macro: Macro, values: dict[str, str]) -> str:
    value = values[macro.item]
    if macro.keep or macro.reverse or macro.delimiters != ".":
        value = _transform(value, macro)
    return quote(value, safe="-._~") if macro.escape else value  # §7.3: RFC 3986 unreserved


def _transform(value: str, macro: Macro) -> str:
    first = macro.delimiters[0]
    parts = value.translate(dict.fromkeys(map(ord, macro.delimiters), first)).split(first)
    if macro.reverse:
        parts.reverse()
    return ".".join(parts[-macro.keep :])
