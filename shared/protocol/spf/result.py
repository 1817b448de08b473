"""The result of an SPF check."""

from __future__ import annotations

from typing import Literal

import msgspec

SpfCode = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
"""The result codes of RFC 7208 §2.6."""

Scope = Literal["mfrom", "helo"]


class LookupLimits(msgspec.Struct, frozen=True):
    """The limits of one check (RFC 7208 §4.6.4)."""

    terms: int = 10
    """Terms that ask the DNS: include, a, mx, ptr, exists, redirect."""
    voids: int = 2
    """The number of these lookups that may find no record."""
    mx_names: int = 10
    ptr_names: int = 10


class SpfResult(msgspec.Struct, frozen=True):
    """Whether the client may use the domain, and why."""

    result: SpfCode
    domain: str
    """The checked domain, in A-labels."""
    scope: Scope
    """`helo` when the reverse-path is null and the HELO name is checked instead (§2.4)."""
    mechanism: str = ""
    """The term that decided, as published in the domain's record or in that of a redirect; empty when none did."""
    path: tuple[str, ...] = ()
    """The terms that matched, each as `domain: term`, from the checked domain through includes and redirects."""
    tried: tuple[str, ...] = ()
    """The terms that asked the DNS, each as `domain: term`, in order."""
    explanation: str | None = None
    """The domain's explanation for clients that it refuses (§6.2). It is written by strangers."""
    reason: str = ""
    """The reason of `none`, `temperror` and `permerror`."""

    @property
    def names_host(self) -> bool:
        """Whether it passed because the record names the client, and not because everybody passes (`+all`)."""
        return self.result == "pass" and self.path[-1:] != () and not self.path[-1].lower().endswith((" all", " +all"))
