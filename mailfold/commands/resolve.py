"""`mailfold resolve`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json

_REWRITTEN = ("srs0", "srs1", "srsx")
"""The beginnings of return paths of forwarded mail."""


def resolve(
    address: Annotated[str, Argument("Any address.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show where mail to an address goes, and why. Exit code 1 when it is refused."""
    from mailfold.commands.directory import call
    from mailfold.commands.printing import as_json
    from mailfold.texts import printable

    if address.lower().startswith(_REWRITTEN) and _show_return_path(address, data, json=json):
        return
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


def _show_return_path(address: str, data: Path, *, json: bool) -> bool:
    """Show what a return path of ours is; returns False for an address that is none."""
    from mailfold.commands.directory import call
    from mailfold.commands.printing import as_json
    from mailfold.texts import printable

    path = call(data, "ExplainReturnPath", lambda pb: pb.ExplainReturnPathRequest(address=address), "ReturnPaths")
    if not path.ours:
        return False
    kind, targets = ("return-path", [path.sender]) if path.sender else ("unknown", [])
    if json:
        steps = [{"depth": 0, "address": address, "text": path.text}]
        as_json({"address": address, "result": kind, "targets": targets, "steps": steps})
    else:
        print(printable(f"{address}  {path.text}\n{': '.join([kind, *targets])}", keep_lines=True))
    if not targets:
        raise SystemExit(1)
    return True
