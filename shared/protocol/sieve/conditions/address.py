"""The test `address` (RFC 5228 §5.1), with subaddress (RFC 5233), index (RFC 5260 §6) and mime (RFC 5703 §4.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.conditions.mime_option import mime_option
from shared.protocol.sieve.conditions.sources import field_names, header_source, picked, single_name
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.mail.address_part import address_part
from shared.protocol.sieve.mail.header import MailAddress
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import (
    ADDRESS_TAGS,
    INDEX_TAGS,
    MATCH_TAGS,
    MIME_TAGS,
    STRINGS,
    NodeSignature,
)

ADDRESS_FIELDS = frozenset(
    (
        b"abuse-reports-to apparently-to approved-by author bcc cc delivered-to disposition-notification-to "
        b"envelope-from envelope-to errors-to from mail-followup-to mail-reply-to original-from original-sender "
        b"read-receipt-to reply-to resent-bcc resent-cc resent-from resent-reply-to resent-sender resent-to "
        b"return-path return-receipt-to sender to x-admin x-apparently-from x-apparently-to x-beenthere x-bcc "
        b"x-confirm-reading-to x-delivered-to x-envelope-from x-envelope-sender x-envelope-to x-errors-to "
        b"x-forwarded-for x-forwarded-to x-original-from x-original-sender x-original-to x-rcpt-to x-real-to "
        b"x-reply-to x-resent-bcc x-resent-cc x-resent-from x-resent-to x-sender x-to x-x-sender"
    ).split()
)
"""Fields that contain addresses; `address` on another is an error (RFC 5228 §5.1)."""


def _address(scope: Scope, arguments: Arguments) -> SieveCondition:
    for name in arguments.texts(0):
        if name.constant is not None and name.constant.lower() not in ADDRESS_FIELDS:
            shown = name.constant[:60].decode("utf-8", "replace")
            scope.error(name.place, f'address: the header field "{shown}" contains no addresses')
    names, headers, part = field_names(scope, arguments.texts(0)), header_source(arguments), address_part(arguments)
    pick: Callable[[Sequence[list[MailAddress]]], Sequence[list[MailAddress]]] | None = picked(scope, arguments)
    mime_option(scope, arguments)
    matches = compile_match(scope, arguments, arguments.texts(1))

    only = single_name(arguments.texts(0))
    if only is not None and not arguments.chosen("user", "detail", "index", "mime", "anychild"):
        kept = arguments.chosen("localpart", "domain") or "full"
        return lambda run: matches(run, run.message.header.address_parts(only, kept))

    def condition(run: ScriptRun) -> bool:
        fields: Sequence[list[MailAddress]] = [
            addresses
            for header in headers(run)
            for name in names(run)
            if name in ADDRESS_FIELDS
            for addresses in header.addresses(name)
        ]
        chosen = fields if pick is None else pick(fields)
        parts = [part(run, address) for addresses in chosen for address in addresses]
        return matches(run, [value for value in parts if value is not None])

    return condition


TESTS = (
    TestDefinition(
        NodeSignature("address", (STRINGS, STRINGS), (*MATCH_TAGS, *ADDRESS_TAGS, *INDEX_TAGS, *MIME_TAGS)),
        _address,
    ),
)
