"""The TXT record that says that a domain has an MTA-STS policy (RFC 8461 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_VERSION = re.compile(r"v=STSv1[ \t]*;")
_FIELD = re.compile(r"[ \t]*([a-zA-Z0-9][a-zA-Z0-9_.-]{0,31})[ \t]*=[ \t]*([!-:<>-~]+)[ \t]*\Z")
_ID = re.compile(r"[a-zA-Z0-9]{1,32}\Z")
_MOST_OCTETS = 1_000


def record_name(domain: str) -> str:
    """The name of the record of a domain."""
    return f"_mta-sts.{domain}"


def policy_id(texts: Sequence[str]) -> str | None:
    """The id of the policy among the TXT records of an answer.

    None when the domain has no policy: there is no record of this version, or several, or its id is invalid.
    """
    records = [text for text in texts if _VERSION.match(text)]
    if len(records) != 1 or len(records[0]) > _MOST_OCTETS:
        return None
    for text in records[0].split(";")[1:]:
        field = _FIELD.match(text)
        if field is not None and field[1] == "id":
            return field[2] if _ID.match(field[2]) else None
    return None
