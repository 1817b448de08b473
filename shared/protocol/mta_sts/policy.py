"""The policy of a domain: which hosts take its mail, and that they must be verified (RFC 8461 §3.2)."""

from __future__ import annotations

import re
from typing import Literal, cast

import msgspec

StsMode = Literal["enforce", "testing", "none"]

MOST_OCTETS = 64 * 1024
"""Octets of a policy (RFC 8461 §3.3 asks for a limit)."""
LONGEST_AGE = 31_557_600
"""Seconds: the longest `max_age` (RFC 8461 §3.2)."""
_MOST_LINES = 2_000
_MOST_PATTERNS = 200
_MODES = ("enforce", "testing", "none")
_LINE = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*([^\x00-\x1f\x7f]*?)[ \t]*\Z")
_AGE = re.compile(r"[0-9]{1,10}\Z")
_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")


class StsPolicyError(ValueError):
    """A text that is no policy."""


class StsPolicy(msgspec.Struct, frozen=True):
    """A policy."""

    mode: StsMode
    mx: tuple[str, ...]
    """Patterns of host names, in lower case."""
    max_age: int
    """Seconds for which the policy is valid after it was fetched."""


def parse_policy(octets: bytes) -> StsPolicy:
    """The policy of a text with lines that end in CRLF or LF. Unknown keys are ignored. Raises StsPolicyError."""
    if len(octets) > MOST_OCTETS:
        raise StsPolicyError(f"the policy is longer than {MOST_OCTETS} octets")
    fields, patterns = _fields(octets.decode("utf-8", "replace"))
    if fields.get("version") != "STSv1":
        raise StsPolicyError("the policy has no version STSv1")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in _MODES:
        raise StsPolicyError("the policy has no valid mode")
    if not _AGE.match(age):
        raise StsPolicyError("the policy has no valid max_age")
    if mode != "none" and not patterns:
        raise StsPolicyError("the policy names no host")
    return StsPolicy(cast(StsMode, mode), patterns, min(int(age), LONGEST_AGE))


def matching_pattern(policy: StsPolicy, host: str) -> str | None:
    """The pattern that matches a host; a `*` stands for exactly its first label (RFC 8461 §4.1)."""
    name = host.lower().rstrip(".")
    first, _, parent = name.partition(".")
    return next(
        (
            pattern
            for pattern in policy.mx
            if pattern == name or (pattern.startswith("*.") and first and parent and pattern[2:] == parent)
        ),
        None,
    )


def _fields(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The first value of every key, and all host patterns."""
    fields: dict[str, str] = {}
    patterns: dict[str, None] = {}
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        raise StsPolicyError(f"the policy has more than {_MOST_LINES} lines")
    for number, line in enumerate(lines):
        parsed = _LINE.match(line.removesuffix("\r"))
        if parsed is None:
            if line.strip():
                raise StsPolicyError(f"line {number + 1} of the policy is no field")
            continue
        if parsed[1] == "mx":
            patterns[_pattern(parsed[2])] = None
        else:
            fields.setdefault(parsed[1], parsed[2])
    if len(patterns) > _MOST_PATTERNS:
        raise StsPolicyError(f"the policy names more than {_MOST_PATTERNS} hosts")
    return fields, tuple(patterns)


def _pattern(text: str) -> str:
    pattern = text.lower().rstrip(".")
    if len(pattern) > 253 or not _PATTERN.match(pattern):
        raise StsPolicyError("the policy names a host that is none")
    return pattern
