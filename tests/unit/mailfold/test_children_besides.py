"""Children that are no services start behind the bus and before the services."""

from __future__ import annotations

import pytest

from mailfold.launcher.start import with_children_besides
from mailfold.supervisor.child import Child, Spawn, check_layout

RUNS = Spawn(["true"])


@pytest.mark.parametrize("has_bus", [True, False])
def test_they_stand_between_the_bus_and_the_services(has_bus: bool) -> None:
    bus = [Child("nats", RUNS)] if has_bus else []
    needs = ("nats",) if has_bus else ()
    services = [*bus, Child("core", RUNS, depends=needs), Child("edge", RUNS, depends=(*needs, "core"))]
    ordered = with_children_besides(services, [Child("sink", RUNS)])
    check_layout(ordered)
    depends = {child.name: set(child.depends) for child in ordered}
    assert depends == {
        **({"nats": set()} if has_bus else {}),
        "sink": set(needs),
        "core": {*needs, "sink"},
        "edge": {*needs, "core", "sink"},
    }


def test_without_them_nothing_changes() -> None:
    services = [Child("nats", RUNS), Child("core", RUNS, depends=("nats",))]
    assert with_children_besides(services, ()) == services
