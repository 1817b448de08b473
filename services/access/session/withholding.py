"""The capabilities that the operator withholds: from all, from a client by its ID, or from an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

_NAMED_BY = ("name", "vendor")
"""The fields of ID that name a client (RFC 2971 §3.3)."""


class WithheldName(msgspec.Struct, frozen=True):
    """A rule of `access.withhold`: `NAME`, `NAME@client:GLOB` or `NAME@account:GLOB`, without regard to case."""

    name: str
    kind: str = ""
    glob: str = ""

    @classmethod
    def read(cls, rule: str) -> WithheldName:
        """Read a rule, whose form the settings have checked."""
        name, _, whom = rule.partition("@")
        kind, _, glob = whom.partition(":")
        return cls(name.upper(), kind.lower(), glob.lower())

    def covers(self, capability: str) -> bool:
        """Whether the rule names the capability, with its value or without: `COMPRESS` is `COMPRESS=DEFLATE`."""
        upper = capability.upper()
        return self.name in (upper, upper.partition("=")[0])

    def concerns(self, client: Mapping[str, str], account: str) -> bool:
        """Whether the rule is for a client that has said this of itself, or for the account of this address."""
        match self.kind:
            case "client":
                return any(fnmatchcase(client.get(field, "").lower(), self.glob) for field in _NAMED_BY)
            case "account":
                return bool(account) and fnmatchcase(account.lower(), self.glob)
            case _:
                return True


class Withholding:
    """All rules."""

    def __init__(self, rules: Iterable[str]) -> None:
        self._rules = [WithheldName.read(rule) for rule in rules]

    def left(self, names: Sequence[str], client: Mapping[str, str], account: str) -> tuple[str, ...]:
        """The capabilities that are not withheld from this client and account."""
        rules = [rule for rule in self._rules if rule.concerns(client, account)]
        return tuple([name for name in names if not any(rule.covers(name) for rule in rules)])
