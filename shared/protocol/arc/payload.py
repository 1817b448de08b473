"""The results that a set carries behind its instance value (RFC 8617 §4.1.1, RFC 8601 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shared.protocol.arc.result import ChainResult
from shared.protocol.authres.field import FIELD_NAME, MethodResult, build_field
from shared.protocol.authres.identifier import canonical_id, is_ours
from shared.protocol.dkim.canonical import HeaderFields
from shared.protocol.structured import blank_comments

MOST_MERGED: Final = 8192
"""The octets of results that are merged; further fields are left out, because a validator refuses an endless field."""

# Everything up to the first semicolon that is not in a quoted string; comments are blanked before.
_IDENTIFIER = re.compile(rb'(?>(?:[^";]++|"(?>(?:[^"\\]++|\\.)*)")*);', re.DOTALL)


def arc_result(verdict: ChainResult) -> MethodResult:
    """The verdict on the chain in the form of Authentication-Results (RFC 8617 §5.2, §10.2)."""
    oldest_pass = "" if verdict.oldest_pass is None else str(verdict.oldest_pass)
    return MethodResult("arc", verdict.status, verdict.reason, (("header.oldest-pass", oldest_pass),))


def results_payload(authserv_id: str, results: Iterable[MethodResult]) -> bytes:
    """The authres-payload with these results, folded, without a final CRLF."""
    field = build_field(authserv_id, results)
    return field.removeprefix(FIELD_NAME.encode("ascii") + b": ").removesuffix(b"\r\n")


def merged_payload(header_block: bytes, authserv_id: str) -> bytes:
    """The authres-payload with the results of all Authentication-Results fields of this authserv-id, the topmost first.

    There is one ARC-Authentication-Results field in a set, however many servers of the site have checked the message
    (§4.1.1). Forged fields must have been removed before.
    """
    identifier = canonical_id(authserv_id)
    pieces, octets = [], 0
    for field in HeaderFields(header_block).named(FIELD_NAME.lower().encode("ascii")):
        value = field.partition(b":")[2]
        if not is_ours(value.decode("utf-8", "replace"), {identifier}):
            continue
        for results in _results(value):
            octets += len(results)
            if octets <= MOST_MERGED:
                pieces.append(results)
    return b";\r\n\t".join([authserv_id.encode("utf-8"), *(pieces or [b"none"])])


def _results(value: bytes) -> Iterator[bytes]:
    """The results of a field as they are written; nothing for `none` and for a field without results."""
    blanked = blank_comments(value)
    match = _IDENTIFIER.match(blanked)
    if match is None:
        return
    results = value[match.end() :].strip(b" \t\r\n").removesuffix(b";")
    if blanked[match.end() :].strip(b" \t\r\n;").lower() not in (b"none", b""):
        yield results
