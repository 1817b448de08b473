"""`mailfold relay …`"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show_removed
from mailfold.commands.passwords import asked, from_file, from_standard_input
from mailfold.commands.printing import as_json, record, table

app = Group("Relays: other servers that send the mail of a domain, or of all domains, on.")
DEFAULT = "default"
Domain = Annotated[str, Argument("A domain of this server, or `default` for all that have no relay of their own.")]
_FIELDS = ("domain", "preset", "host", "port", "tls", "user", "has_password")
_PRESET_FIELDS = ("name", "title", "host", "regional_host", "port", "tls", "log_in", "hint")
_PROPERTIES = (
    "mechanisms",
    "signatures",
    "unsigned_fields",
    "connections",
    "messages_per_minute",
    "recipients_per_message",
    "accepts_null_reverse_path",
)


@app.command()
def presets(data: Data = DATA, json: Json = False) -> None:
    """List the relays whose properties are known."""
    listed = call(data, "ListRelayPresets", lambda pb: pb.ListRequest()).presets
    if json:
        as_json([_values(preset, _PRESET_FIELDS) for preset in listed])
        return
    rows = [(preset.name, preset.title, preset.host or preset.regional_host, preset.hint) for preset in listed]
    table(("name", "relay", "host", "user name and password"), rows)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all relays."""
    relays = call(data, "ListRelays", lambda pb: pb.ListRequest()).relays
    if json:
        as_json([_relay(relay) for relay in relays])
        return
    columns = ("domain", "preset", "host", "port", "tls", "user")
    rows = [[_relay(relay)[column] for column in columns] for relay in relays]
    table(columns, rows, "there is no relay: mail goes to the MX hosts. `mailfold relay set default PRESET` sets one")


@app.command()
def show(domain: Domain = DEFAULT, data: Data = DATA, json: Json = False) -> None:
    """Show the relay of a domain, without its password."""
    _print(call(data, "ShowRelay", lambda pb: pb.NameRequest(name=_name(domain))), json=json)


@app.command("set")
def set_relay(
    domain: Domain,
    preset: Annotated[str, Argument("The kind of relay: `mailfold relay presets` lists them; `direct` for none.")],
    region: Annotated[str, Option("--region", help="The region of a relay that has regions, such as eu-west-1.")] = "",
    host: Annotated[str, Option("--host", help="Its name or IP address, if not that of the preset.")] = "",
    port: Annotated[int, Option("--port", help="Its port, if not that of the preset.", minimum=0, maximum=65535)] = 0,
    tls: Annotated[
        Literal["", "starttls", "implicit", "none"],
        Option("--tls", help="How the connection is secured, if not as the preset says; none: only without log-in."),
    ] = "",
    user: Annotated[str, Option("--user", help="The user name; without it there is no log-in.")] = "",
    password_file: Annotated[
        Path | None, Option("--password-file", help="Read the password from the first line of this file.")
    ] = None,
    password_stdin: Annotated[
        bool, Option("--password-stdin", help="Read the password from standard input instead of asking.")
    ] = False,
    signatures: Annotated[
        Literal["", "both", "rsa", "none"], Option("--signatures", help="The DKIM signatures that it takes.")
    ] = "",
    connections: Annotated[int, Option("--connections", help="Connections at once.", minimum=0)] = 0,
    per_minute: Annotated[int, Option("--messages-per-minute", help="Messages a minute.", minimum=0)] = 0,
    recipients: Annotated[int, Option("--recipients", help="Recipients of a message at most.", minimum=0)] = 0,
    null_path: Annotated[
        Literal["", "yes", "no"],
        Option("--null-reverse-path", help="Whether it takes reports, which have a null reverse-path."),
    ] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the relay of a domain; asks for the password. Without one, the present password of this user is kept."""
    given: dict[str, Any] = {
        "domain": _name(domain),
        "preset": preset,
        "region": region,
        "host": host,
        "port": port,
        "tls": tls,
        "user": user,
        "signatures": signatures,
        "connections": connections,
        "messages_per_minute": per_minute,
        "recipients_per_message": recipients,
    }
    if (password := _password(user, password_file, from_stdin=password_stdin)) is not None:
        given["password"] = password
    if null_path:
        given["accepts_null_reverse_path"] = null_path == "yes"
    _print(call(data, "SetRelay", lambda pb: pb.SetRelayRequest(**given)), json=json)


@app.command()
def remove(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Remove the relay of a domain; then the default relay counts, or the MX hosts."""
    show_removed(call(data, "RemoveRelay", lambda pb: pb.NameRequest(name=_name(domain))).name, json=json)


def _name(domain: str) -> str:
    return "" if domain == DEFAULT else domain


def _password(user: str, file: Path | None, *, from_stdin: bool) -> str | None:
    """The password; None when none is given, so that the present one is kept."""
    if file is not None:
        return from_file(file)
    if from_stdin:
        return from_standard_input()
    if not user or not sys.stdin.isatty():
        return None
    return asked("Password (empty: the present one): ") or None


def _print(relay: Any, *, json: bool) -> None:
    values = _relay(relay)
    as_json(values) if json else record(values)


def _relay(relay: Any) -> Mapping[str, Any]:
    values = _values(relay, _FIELDS)
    return {**values, "domain": relay.domain or DEFAULT}


def _values(message: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    values = {field: getattr(message, field) for field in fields}
    properties = {field: getattr(message.properties, field) for field in _PROPERTIES}
    return values | {
        field: value if isinstance(value, str | int | bool) else list(value) for field, value in properties.items()
    }
