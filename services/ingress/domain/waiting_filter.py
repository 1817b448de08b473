"""Which waiting submissions a command or a list is about, as a condition on their rows."""

from __future__ import annotations

import msgspec

MOST_IDS = 1_000


class WaitingSelection(msgspec.Struct, frozen=True):
    """Every field that is not empty must fit. `sender` may contain `*`."""

    ids: tuple[str, ...] = ()
    account: str = ""
    sender: str = ""
    accounts: tuple[str, ...] | None = None
    """The ids of the accounts whose mail a user may choose; None: of all."""

    def condition(self) -> tuple[str, tuple[object, ...]]:
        """A condition of a WHERE clause, with its parameters."""
        parts, parameters = ["1 = 1"], list[object]()
        if self.ids:
            parts.append(f"queue_id IN ({', '.join('?' * len(self.ids))})")
            parameters += self.ids
        if self.account:
            parts.append("account = ?")
            parameters.append(self.account)
        if self.accounts is not None:
            parts.append(f"account IN ({', '.join('?' * len(self.accounts))})" if self.accounts else "1 = 0")
            parameters += self.accounts
        if self.sender:
            parts.append("lower(sender) LIKE ? ESCAPE '!'")
            literal = self.sender.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
            parameters.append(literal.replace("*", "%"))
        return " AND ".join(parts), tuple(parameters)
