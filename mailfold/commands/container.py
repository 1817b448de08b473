"""`mailfold container …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.printing import as_json
from mailfold.layouts import START_ORDER
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed

app = Group("What the containers of docker-compose.yml run; docs/compose.md describes them.")
_KEYS = Path("/run/mailfold")
_HEALTH_SECONDS = 5.0
Keys = Annotated[Path, Option("--keys", help="The folder with a folder of passwords and tokens for each container.")]
Service = Annotated[str, Argument("A service such as ingress.")]


@app.command()
def prepare(
    keys: Keys = _KEYS,
    renew_tokens: Annotated[
        bool, Option("--renew-tokens", help="Make all tokens anew; restart all services afterwards.")
    ] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make the keys, passwords and tokens that are missing; what is there stays."""
    from mailfold.containers.key_files import Surroundings, make_key_files
    from shared.places import Places
    from shared.secrets import SecretsError
    from shared.secrets.keyring import Keyring

    try:
        Keyring(Places(data)).ensure_key()
        written = make_key_files(keys, Surroundings(), renew_tokens=renew_tokens)
    except (OSError, SecretsError) as error:
        raise CommandFailed(f"the keys cannot be made: {error}", UNUSABLE) from error
    if json:
        as_json({"written": [str(file) for file in written]})
    else:
        print("\n".join(f"made {file}" for file in written) or "everything is there")


@app.command()
def serve(service: Service, keys: Keys = _KEYS, data: Data = DATA) -> None:
    """Run one service in this process until SIGTERM."""
    from mailfold.containers.serving import serve as run
    from shared.settings import SettingsError

    _known(service)
    try:
        run(service, data, keys)
    except SettingsError as error:
        mistakes = "\n".join(f"  {mistake}" for mistake in error.mistakes)
        raise CommandFailed(f"settings that cannot be used:\n{mistakes}", UNUSABLE) from error
    except OSError as error:
        raise CommandFailed(f"{data} cannot be the data folder: {error}", UNUSABLE) from error


@app.command()
def health(service: Service, data: Data = DATA, json: Json = False) -> None:
    """Ask a service of this machine whether it serves. Exit code 1: it does not."""
    from shared.grpc.health import serves
    from shared.places import Places

    _known(service)
    well = serves(Places(data).socket(service), _HEALTH_SECONDS)
    as_json({"service": service, "serves": well}) if json else print("serves" if well else "does not serve")
    if not well:
        raise SystemExit(REFUSED)


@app.command("check-host")
def check(data: Data = DATA, json: Json = False) -> None:
    """Check the settings of the machine that OpenSearch needs. Exit code 1: one is too small.

    The data folder is not used.
    """
    from mailfold.containers.host_check import check_host

    allowed = check_host()
    as_json({"vm.max_map_count": allowed}) if json else print(f"vm.max_map_count is {allowed}, which is enough")


def _known(service: str) -> None:
    if service not in START_ORDER:
        raise CommandFailed(f"there is no service {service!r}; they are {', '.join(START_ORDER)}", UNUSABLE)
