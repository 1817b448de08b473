"""The TLS settings of destinations that an operator chose: `example.com=verify, .partner.example=encrypt`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.outbound.domain.tls_demand import TlsLevel
from shared.protocol.dns.names import is_askable, to_a_labels

_LEVELS: Mapping[str, TlsLevel] = {
    "never": TlsLevel.NEVER,
    "opportunistic": TlsLevel.OPPORTUNISTIC,
    "encrypt": TlsLevel.ENCRYPTED,
    "verify": TlsLevel.VERIFIED,
}


WORDS: Mapping[TlsLevel, str] = {level: word for word, level in _LEVELS.items()}
"""The words of the setting."""


class TlsRules(msgspec.Struct, frozen=True):
    """The levels by domain. A name with a leading dot stands for all domains below it."""

    levels: Mapping[str, TlsLevel] = {}

    def of(self, domain: str) -> TlsLevel | None:
        """The level of a domain: its own, or that of the nearest domain above it; None without a rule."""
        name = domain.lower()
        if name in self.levels:
            return self.levels[name]
        while name := name.partition(".")[2]:
            level = self.levels.get(f".{name}")
            if level is not None:
                return level
        return None


def parse_tls_rules(text: str) -> TlsRules:
    """The rules of a setting, separated by commas or blanks. Raises ValueError."""
    levels: dict[str, TlsLevel] = {}
    for word in text.replace(",", " ").split():
        name, equals, level = word.partition("=")
        dot = "." if name.startswith(".") else ""
        domain = to_a_labels(name.removeprefix("."))
        if not equals or level not in _LEVELS:
            raise ValueError(f"{word} is not DOMAIN=LEVEL with a level of {', '.join(_LEVELS)}")
        if domain is None or not is_askable(domain):
            raise ValueError(f"{name} is not a domain")
        levels[dot + domain] = _LEVELS[level]
    return TlsRules(levels)
