"""The second wire form of ENVELOPE and BODYSTRUCTURE, for clients that have enabled UTF-8 (RFC 9051 §4.3, RFC 9755 §3).

Before ENABLE no quoted string holds UTF-8, so 8-bit text is sent as a literal. Afterwards it is sent quoted.
"""

import re

from shared.protocol.imap.wire_string import quoted

_QUOTED_OR_LITERAL = re.compile(rb'"(?:[^"\\]|\\.)*"|\{([0-9]+)\}\r\n', re.DOTALL)


def quoted_utf8(wire: bytes) -> bytes:
    """The wire form with UTF-8 in quoted strings where it had literals; other literals, such as those with a line end
    or with octets that are no UTF-8, remain. Repeating it changes nothing."""
    if b"{" not in wire:
        return wire
    pieces: list[bytes] = []
    copied = at = 0
    while match := _QUOTED_OR_LITERAL.search(wire, at):
        at = match.end()
        if match[1] is None:
            continue
        value = wire[at : at + int(match[1])]
        at += len(value)
        text = quoted(value)
        if text is not None:
            pieces += wire[copied : match.start()], text
            copied = at
    return b"".join((*pieces, wire[copied:])) if pieces else wire
