"""What an address leads to."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ResolutionKind(StrEnum):
    """The answers to «may this address receive here»."""

    UNKNOWN = "unknown"
    """A domain of ours that receives, without such an address."""
    ACCOUNTS = "accounts"
    """Delivered: to accounts here, or by an alias to other servers too."""
    REMOTE = "remote"
    """Not a domain of ours."""
    DISABLED = "disabled"
    """Ours, but switched off."""
    OUTGOING_ONLY = "outgoing-only"
    """A domain of ours that does not receive."""


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """One end of the way: an account here, or an address elsewhere (then `account` is empty)."""

    address: str
    account: str = ""
    quota_bytes: int = 0


class Resolution(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where mail to an address goes, and by which way."""

    kind: ResolutionKind
    targets: tuple[Target, ...] = ()
    via: str = ""
    """The alias that led here, if one did."""
    detail: str = ""
    """The sub-address tag (`name+tag@domain`)."""
