"""The verdict of an SPF check."""

from __future__ import annotations

from typing import Literal

import msgspec

SpfCode = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
"""RFC 7208 section 2.6."""

Scope = Literal["mfrom", "helo"]


class LookupLimits(msgspec.Struct, frozen=True):
    """What one check may cost (RFC 7208 section 4.6.4)."""

    terms: int = 10
    """Terms that ask the DNS: include, a, mx, ptr, exists, redirect."""
    voids: int = 2
    """Of these, how many may find no record."""
    mx_names: int = 10
    ptr_names: int = 10


class SpfResult(msgspec.Struct, frozen=True):
    """Whether the client may use the domain, and why."""

    result: SpfCode
    domain: str
    """The domain checked, in A-labels."""
    scope: Scope
    """`helo` when the reverse-path is null and the name in HELO stands for it (section 2.4)."""
    mechanism: str = ""
    """The term that decided, as published in the domain's record or the one it redirects to; empty when none did."""
    path: tuple[str, ...] = ()
    """The terms that matched, each as `domain: term`, from the checked domain inwards through includes and redirects.
    """
    tried: tuple[str, ...] = ()
    """The terms that asked the DNS, each as `domain: term`, in order."""
    explanation: str | None = None
    """What the domain wants to be told to those it refuses (section 6.2). Written by strangers."""
    reason: str = ""
    """Why there is no answer, for `none`, `temperror` and `permerror`."""

    @property
    def names_host(self) -> bool:
        """A pass because the record names the client, not because it lets everybody pass with `+all`."""
        return self.result == "pass" and self.path[-1:] != () and not self.path[-1].lower().endswith((" all", " +all"))
