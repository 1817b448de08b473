"""Which entries a command or a list is about, as a condition on the rows of the queue."""

from __future__ import annotations

import msgspec

_MOST_IDS = 1_000


class QueueSelection(msgspec.Struct, frozen=True):
    """Every field that is not empty must fit. `sender` and `recipient` may contain `*`."""

    ids: tuple[str, ...] = ()
    """Entry ids or queue ids."""
    domain: str = ""
    sender: str = ""
    recipient: str = ""
    state: str = ""
    before: int = 0
    reason: str = ""
    account: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it fits every entry."""
        return self == QueueSelection()


class Condition(msgspec.Struct, frozen=True):
    """A condition of a WHERE clause, with its parameters."""

    sql: str
    parameters: tuple[object, ...] = ()


def condition_of(selection: QueueSelection) -> Condition:
    """The condition of a selection. Raises ValueError for too many ids."""
    if len(selection.ids) > _MOST_IDS:
        raise ValueError(f"at most {_MOST_IDS} ids at once")
    parts: list[str] = []
    parameters: list[object] = []
    if selection.ids:
        marks = ", ".join("?" * len(selection.ids))
        parts.append(f"(entry IN ({marks}) OR queue_id IN ({marks}))")
        parameters += [*selection.ids, *selection.ids]
    for column, value in (("domain", selection.domain.lower()), ("state", selection.state)):
        if value:
            parts.append(f"{column} = ?")
            parameters.append(value)
    if selection.account:
        parts.append("account = ?")
        parameters.append(selection.account)
    for column, pattern in (("sender", selection.sender), ("recipient", selection.recipient)):
        if pattern:
            parts.append(f"lower({column}) LIKE ? ESCAPE '!'")
            parameters.append(_like(pattern.lower()))
    if selection.before:
        parts.append("at < ?")
        parameters.append(selection.before)
    if selection.reason:
        parts.append("lower(reason) LIKE ? ESCAPE '!'")
        parameters.append(_like(f"*{selection.reason.lower()}*"))
    return Condition(" AND ".join(parts) or "1 = 1", tuple(parameters))


def _like(pattern: str) -> str:
    """A pattern with `*` as a pattern of LIKE."""
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%")
