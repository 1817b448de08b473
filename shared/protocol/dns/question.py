"""DNS questions and answers, as values that can be recorded and replayed."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["ok", "nodata", "nxdomain", "temperror"]
"""The status of an answer. `ok`: at least one record. `nodata`: the name exists without that type. `nxdomain`: the name
does not exist or cannot be asked for. `temperror`: there is no usable answer now, but there may be later."""

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"]


class Question(msgspec.Struct, frozen=True, array_like=True):
    """A name and a record type. `name` is ASCII without a final dot, to be compared in lower case."""

    name: str
    rdtype: RecordType


class Answer(msgspec.Struct, frozen=True):
    """The answer of the DNS to one question.

    Records are text, one string each: A and AAAA the address; PTR, NS and CNAME the name; MX `preference host`; TXT its
    character strings joined without a space, each octet one character (Latin-1); TLSA `usage selector matching hex`;
    SRV `priority weight port target`; SOA its seven fields. Names have no final dot; the root (a null MX) is `.`.
    """

    status: Status
    records: tuple[str, ...] = ()
    ttl: int = 0
    """Seconds for which the answer may be used, as the name server says."""
    authenticated: bool = False
    """Whether the resolver has validated it by DNSSEC (the AD bit, RFC 4035 §3.2.3)."""
    canonical_name: str = ""
    """The name at the end of the CNAME chain, if there was a chain."""
    source: str = ""
    """The resolver's address, `cache`, or why there is no answer. It is used in traces, never in decisions."""

    @property
    def void(self) -> bool:
        """Whether the name or a record of the type does not exist: a void lookup (RFC 7208 §4.6.4)."""
        return self.status in ("nodata", "nxdomain")
