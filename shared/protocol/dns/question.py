"""What is asked of the DNS and what it said, as values that can be recorded and replayed."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["ok", "nodata", "nxdomain", "temperror"]
"""`ok`: at least one record. `nodata`: the name exists without that type. `nxdomain`: no such name
(or one that cannot be asked for). `temperror`: no usable answer now; another time may differ."""

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"]


class Question(msgspec.Struct, frozen=True, array_like=True):
    """One name and one record type. `name` is ASCII, without a final dot; compare it in lower case."""

    name: str
    rdtype: RecordType


class Answer(msgspec.Struct, frozen=True):
    """What the DNS said to one question.

    Records are text, one string each: A and AAAA the address; PTR, NS and CNAME the name; MX `preference host`; TXT its
    character strings joined without a space, each octet one character (Latin-1); TLSA `usage selector matching hex`;
    SRV `priority weight port target`; SOA its seven fields. Names have no final dot; the root (a null MX) is `.`.
    """

    status: Status
    records: tuple[str, ...] = ()
    ttl: int = 0
    """Seconds for which the answer may be used, as the name server gave it."""
    authenticated: bool = False
    """The resolver vouches for it by DNSSEC (the AD bit, RFC 4035 section 3.2.3)."""
    canonical_name: str = ""
    """The name at the end of the CNAME chain, when there was one."""
    source: str = ""
    """Where it came from: a resolver's address, `cache`, or why there is none. For the trace, never for a decision."""

    @property
    def void(self) -> bool:
        """No such name, or no record of that type: a void lookup (RFC 7208 section 4.6.4)."""
        return self.status in ("nodata", "nxdomain")
