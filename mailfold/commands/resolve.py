"""`mailfold resolve`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json


def resolve(
    address: Annotated[str, Argument("Any address.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show where mail to an address goes, and why. Exit code 1 when it is refused."""
    from mailfold.commands.directory import call
    from mailfold.commands.printing import as_json
    from mailfold.texts import printable

    way = call(data, "ExplainAddress", lambda pb: pb.ResolveRequest(address=address))
    resolution = way.resolution
    kind = resolution.Kind.Name(resolution.kind).lower().replace("_", "-")
    targets = [target.address for target in resolution.targets]
    if json:
        steps = [{"depth": step.depth, "address": step.address, "text": step.text} for step in way.steps]
        as_json({"address": address, "result": kind, "targets": targets, "steps": steps})
    else:
        for step in way.steps:
            print(printable(f"{'  ' * step.depth}{step.address}  {step.text}"))
        print(printable(f"{kind}: {', '.join(targets)}" if targets else kind))
    if not targets:
        raise SystemExit(1)
