"""`mailfold settings …`"""

from __future__ import annotations

from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json
from mailfold.commands.directory import call, show
from mailfold.commands.printing import as_json, table
from mailfold.operator.failure import CommandFailed

app = Group("Settings: the values in force, where they come from, and their meaning.")
_FIELDS = ("name", "value", "source", "default", "type", "description")
Name = Annotated[str, Argument("Such as server.hostname.")]


def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all settings; `show NAME` says more about one."""
    settings_ = call(data, "ListSettings", lambda pb: pb.ListRequest()).settings
    if json:
        as_json([{field: getattr(setting, field) for field in _FIELDS} for setting in settings_])
    else:
        table(("name", "value", "source"), [(setting.name, setting.value, setting.source) for setting in settings_])


app.alone = list_all


@app.command("show")
def show_named(
    name: Annotated[str, Argument("A setting such as server.hostname; all when it is missing.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show one setting, or all with their descriptions."""
    listed = call(data, "ListSettings", lambda pb: pb.ListRequest()).settings
    chosen = [setting for setting in listed if name in ("", setting.name)]
    if not chosen:
        raise CommandFailed(f"there is no setting {name}; `mailfold settings` lists them", 2)
    if name:
        show(chosen[0], _FIELDS, json=json)
    elif json:
        as_json([{field: getattr(setting, field) for field in _FIELDS} for setting in chosen])
    else:
        table(
            ("name", "value", "default", "description"),
            [(setting.name, setting.value, setting.default, setting.description) for setting in chosen],
        )


@app.command("set")
def set_value(
    name: Name,
    value: Annotated[str, Argument("The new value; items of a list are separated by commas.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set a value in mailfold.toml; `mailfold settings apply` lets it take effect."""
    changed: Any = call(data, "ChangeSetting", lambda pb: pb.ChangeSettingRequest(name=name, value=value))
    show(changed, ("name", "value", "source"), json=json)


@app.command()
def apply(data: Data = DATA, json: Json = False) -> None:
    """Restart the services so that changed settings take effect; clients connect again after a moment.

    Other values of server.layout, server.user and bus.url need a new start of the whole server.
    """
    from mailfold.operator.renewal import renew_services

    processes = [process.name for process in renew_services(data)]
    as_json({"restarted": processes}) if json else print(f"restarted {', '.join(processes)}")
