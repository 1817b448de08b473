"""DMARC policy records (RFC 7489 §6.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, cast

import msgspec

Policy = Literal["none", "quarantine", "reject"]

_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")
_POLICIES = ("none", "quarantine", "reject")
_BLANK = " \t\r\n"
_REPORT_URI = re.compile(r"(mailto:[^,;!\s]{1,320})(?:!([0-9]{1,18}[kmgtKMGT]?))?\Z")
_MAX_TAGS = 64


class ReportAddress(msgspec.Struct, frozen=True):
    """The destination of reports: a mailto URI, and the maximum size as written."""

    uri: str
    size_limit: str = ""


class DmarcRecord(msgspec.Struct, frozen=True):
    """The policy record of a domain."""

    text: str
    policy: Policy
    subdomain_policy: Policy
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100
    aggregate_reports: tuple[ReportAddress, ...] = ()
    failure_reports: tuple[ReportAddress, ...] = ()
    failure_options: str = "0"
    interval: int = 86400
    """ri=: seconds between two aggregate reports."""


def select_records(texts: Iterable[str]) -> list[str]:
    """The TXT records that are DMARC records: the version must be first, in exactly this case (§6.6.3)."""
    return [text for text in texts if _VERSION.match(text)]


@lru_cache(maxsize=2048)
def parse_record(text: str) -> DmarcRecord | None:
    """The policy record; None when it states no applicable policy (§6.6.3, step 6).

    Unknown tags and wrong values of optional tags are ignored (§6.3).
    """
    tags = _tags(text)
    reports = _report_addresses(tags.get("rua", ""))
    policy = _policy(tags.get("p", ""))
    bad_subdomain_policy = "sp" in tags and _policy(tags["sp"]) is None
    if policy is None or bad_subdomain_policy:
        if not reports:
            return None
        policy, tags = "none", tags | {"sp": "none"}  # a domain that requests reports is taken to have deployed DMARC
    return DmarcRecord(
        text,
        policy,
        _policy(tags.get("sp", "")) or policy,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        percent=min(_number(tags.get("pct", ""), 100), 100),
        aggregate_reports=reports,
        failure_reports=_report_addresses(tags.get("ruf", "")),
        failure_options=tags.get("fo", "0"),
        interval=_number(tags.get("ri", ""), 86400),
    )


def _tags(text: str) -> dict[str, str]:
    """dmarc-record = dmarc-version dmarc-sep *( tag dmarc-sep ); the first of a repeated tag is used."""
    tags: dict[str, str] = {}
    for spec in text.split(";", _MAX_TAGS)[:_MAX_TAGS]:
        name, equals, value = spec.partition("=")
        if equals:
            tags.setdefault(name.strip(_BLANK).lower(), value.strip(_BLANK))
    return tags


def _policy(value: str) -> Policy | None:
    word = value.lower()
    return cast(Policy, word) if word in _POLICIES else None


def _number(value: str, default: int) -> int:
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 10 else default


def _report_addresses(value: str) -> tuple[ReportAddress, ...]:
    matches = (_REPORT_URI.match(part.strip(_BLANK)) for part in value.split(",")[:8])
    return tuple(ReportAddress(match[1], match[2] or "") for match in matches if match)
