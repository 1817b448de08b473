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
from mailfold.operator.failure import CommandFailed

app = Group("Relays: other servers through which the mail of a domain, or of all domains, goes.")
DEFAULT = "default"
DIRECT = "direct"
_TRIAL_SECONDS = 120.0
_TRIAL_FIELDS = ("works", "host", "address", "tls", "mechanism", "text", "stage")
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
    no_test: Annotated[bool, Option("--no-test", help="Do not connect to the relay after it is saved.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the relay of a domain, and try it; asks for the password.

    Without a password, the present one of this user is kept. When the trial fails, the relay is saved all the same.
    """
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
    if not no_test and not json and preset != DIRECT:
        _print_trial(_trial_of(data, _name(domain)))


@app.command("test")
def try_relay(domain: Domain = DEFAULT, data: Data = DATA, json: Json = False) -> None:
    """Connect to the relay of a domain as for mail, with TLS and log-in, and send none. Exit code 1 when it fails."""
    trial = _trial_of(data, _name(domain))
    if trial is None:
        raise CommandFailed("no server runs here that could connect to the relay: start it with `mailfold up`", 2)
    if json:
        as_json(_values(trial, _TRIAL_FIELDS))
    else:
        _print_trial(trial)
    if not trial.works:
        raise SystemExit(1)


@app.command()
def remove(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Remove the relay of a domain; then the default relay counts, or the MX hosts."""
    show_removed(call(data, "RemoveRelay", lambda pb: pb.NameRequest(name=_name(domain))).name, json=json)


def _trial_of(data: Path, domain: str) -> Any:
    """The result of a trial by the running server; None when no server runs."""
    from mailfold.operator.running import answers
    from mailfold.operator.session import Session, converse
    from shared.places import Places
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import TestRelayRequest
    from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

    async def ask(session: Session) -> Any:
        return await OutboundStub(await session.running("outbound")).TestRelay(
            TestRelayRequest(domain=domain), timeout=_TRIAL_SECONDS
        )

    return converse(data, ask) if answers(Places(data), "outbound") else None


def _print_trial(trial: Any) -> None:
    from mailfold.texts import printable

    if trial is None:
        print("not tried: no server runs here; `mailfold relay test` tries it later")
        return
    where = f"{trial.host} [{trial.address}]" if trial.address else trial.host or "the relay"
    if trial.works:
        login = f", log-in by {trial.mechanism}" if trial.mechanism else ", without log-in"
        print(printable(f"it works: {where}, {trial.tls or 'without TLS'}{login}"))
    else:
        print(printable(f"it does not work: {where} at {trial.stage}: {trial.text}"))


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
