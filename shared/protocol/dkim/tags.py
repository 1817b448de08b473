"""Tag lists: the `name=value; …` form of signatures and key records (RFC 6376 §3.2)."""

from __future__ import annotations

import base64
import binascii
import re


class DkimSyntaxError(ValueError):
    """A tag list, signature or key record that RFC 6376 does not allow; the message says which."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_BLANK = " \t\r\n"


def parse_tags(text: str) -> dict[str, str]:
    """tag-list = tag-spec *( ";" tag-spec ) [ ";" ]. Raises DkimSyntaxError, also for a tag given twice."""
    tags: dict[str, str] = {}
    specs = text.split(";")
    if len(specs) > 1 and not specs[-1].strip(_BLANK):
        specs.pop()
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_BLANK)
        if not equals or not _NAME.match(name):
            raise DkimSyntaxError(f"not a tag: {spec[:40]!r}")
        if name in tags:
            raise DkimSyntaxError(f"{name}= appears twice")
        tags[name] = value.strip(_BLANK)
    return tags


def without_blank(value: str) -> str:
    """The value without folding white space, which has no meaning in it."""
    for blank in _BLANK:
        value = value.replace(blank, "")
    return value


def decode_base64(value: str, tag: str) -> bytes:
    """The octets of a base64 value, which may be folded. Raises DkimSyntaxError."""
    try:
        return base64.b64decode(without_blank(value), validate=True)
    except (binascii.Error, ValueError):
        raise DkimSyntaxError(f"{tag}= is not base64") from None


def items(value: str) -> tuple[str, ...]:
    """The lower-case words of a colon-separated value (`h=`, `s=`, `t=`)."""
    return tuple(word.strip(_BLANK).lower() for word in value.split(":"))
