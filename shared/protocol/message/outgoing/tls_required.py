"""The header field `TLS-Required: No`: the sender prefers delivery to protected transport (RFC 8689 §5)."""

from __future__ import annotations

import re

_FIELD = re.compile(rb"(?:\A|\n)TLS-Required:[ \t]*([^\r\n]{0,100})", re.IGNORECASE)


def is_tls_optional(header: bytes) -> bool:
    """Whether a header block says so. Any other value, and a second field, have no meaning."""
    values = [match[1] for match in _FIELD.finditer(header)]
    return len(values) == 1 and values[0].strip(b" \t").lower() == b"no"
