"""`mailfold dkim …`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call
from mailfold.commands.printing import as_json
from mailfold.texts import printable

app = Group("DKIM keys: they sign the mail of a domain, and their records in the DNS let other servers verify it.")
Domain = Annotated[str, Argument("A domain of this server, such as example.org.")]
_FIELDS = (
    "selector",
    "algorithm",
    "state",
    "published",
    "check",
    "name",
    "record",
    "zone_line",
    "since",
    "retire_after",
)


@app.command()
def show(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Show the keys of a domain: records ready for a zone file, and whether the DNS has them."""
    _print(call(data, "ShowDkim", lambda pb: pb.NameRequest(name=domain)).keys, json=json)


@app.command()
def check(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Look into the DNS now. New keys sign from the moment when their records are seen."""
    _print(call(data, "CheckDkim", lambda pb: pb.NameRequest(name=domain)).keys, json=json)


@app.command()
def rotate(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Make new keys for a domain. Publish their records; the present keys sign until these are seen."""
    _print(call(data, "RotateDkim", lambda pb: pb.NameRequest(name=domain)).keys, json=json)


@app.command()
def retire(
    domain: Domain,
    selector: Annotated[
        str, Option("--selector", help="Only this key; without it every former key that was published long enough.")
    ] = "",
    force: Annotated[bool, Option("--force", help="Also keys whose signatures may still be on their way.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Remove keys that sign no more; then their records may be removed from the DNS."""
    reply = call(data, "RetireDkim", lambda pb: pb.RetireDkimRequest(domain=domain, selector=selector, force=force))
    if json:
        as_json({"retired": [_values(key) for key in reply.keys]})
        return
    for key in reply.keys:
        print(f"retired {key.selector}: remove the record {key.name} from the DNS")


def _values(key: Any) -> dict[str, object]:
    return {field: getattr(key, field) for field in _FIELDS}


def _print(keys: Sequence[Any], *, json: bool) -> None:
    """Print the keys; for people as lines of a zone file, with comments."""
    if json:
        as_json([_values(key) for key in keys])
        return
    for key in keys:
        print(f"; {key.algorithm}, {_state(key)}\n; {printable(_published(key))}\n{key.zone_line}")
    if not keys:
        print("; the domain has no key yet; the directory makes them when it starts")


def _state(key: Any) -> str:
    from mailfold.texts import moment

    since = moment(key.since)[:16]
    if key.state == "new":
        return f"new since {since}: signs when this record is seen in the DNS"
    if key.state == "signing":
        return f"signs since {since}"
    return f"former since {since}: may be retired after {moment(key.retire_after)[:16]}"


def _published(key: Any) -> str:
    state = "published" if key.published else "not seen in the DNS"
    return f"{state} ({key.check})" if key.check else state
