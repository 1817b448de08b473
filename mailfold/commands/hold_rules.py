"""`mailfold queue hold-rule …`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import show, show_all, show_removed

if TYPE_CHECKING:
    from mailfold.operator.session import Session

app = Group("Rules that hold new mail of a sender or to a recipient until an operator releases it.")
_FIELDS = ("id", "sender", "recipient", "reason")


@app.command()
def add(
    sender: Annotated[str, Option("--sender", help="Mail from this address; * fits any characters.")] = "",
    recipient: Annotated[str, Option("--recipient", help="Mail to this address; * fits any characters.")] = "",
    because: Annotated[str, Option("--because", help="Your reason; it is kept with the mail that is held.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Hold new mail that fits. Mail that is in the queue already is not changed: `queue hold` does that."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import HoldRule

    rule = HoldRule(sender=sender, recipient=recipient, reason=because)
    show(_call(data, "AddHoldRule", rule), _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List the rules, oldest first."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ListHoldRulesRequest

    rules = _call(data, "ListHoldRules", ListHoldRulesRequest(), reads_only=True).rules
    show_all(rules, _FIELDS, json=json, empty="there is no hold rule")


@app.command()
def remove(
    rule: Annotated[str, Argument("The rule's id, from `mailfold queue hold-rule list`.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Remove a rule. What it held stays held: `queue release` releases it."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import HoldRule

    show_removed(_call(data, "RemoveHoldRule", HoldRule(id=rule)).id, json=json)


def _call(data: Path, method: str, request: Any, *, reads_only: bool = False) -> Any:
    from mailfold.operator.session import converse

    async def ask(session: Session) -> Any:
        from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

        channel = session.owner("outbound", reads_only=True) if reads_only else session.running("outbound")
        return await getattr(OutboundStub(await channel), method)(request)

    return converse(data, ask)
