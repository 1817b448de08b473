"""The organisational domain: one label below the public suffix (RFC 7489 section 3.2)."""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the package, read once, when first needed."""
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def organisational_domain(domain: str) -> str:
    """The organisational domain of a lower-case name in A-labels; the name itself when it is a public suffix."""
    return _suffixes().privatesuffix(domain) or domain
