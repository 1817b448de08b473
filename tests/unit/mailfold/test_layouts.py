"""The layouts are consistent."""

from __future__ import annotations

import pytest

from mailfold.layouts import LAYOUTS, NEEDS, OWNERS, START_ORDER, Layout, depends


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_service_lives_once(layout: Layout) -> None:
    assert sorted(service for services in layout.values() for service in services) == sorted(START_ORDER)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_services_start_in_order_inside_a_process(layout: Layout) -> None:
    for services in layout.values():
        assert sorted(services, key=START_ORDER.index) == list(services)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_no_process_waits_for_one_that_waits_for_it(layout: Layout) -> None:
    placed: set[str] = set()
    while len(placed) < len(layout):
        fit = {process for process in layout if process not in placed and placed.issuperset(depends(layout, process))}
        assert fit, "a circle"
        placed |= fit


def test_what_a_service_needs_starts_before_it() -> None:
    assert all(
        START_ORDER.index(need) < START_ORDER.index(service) for service, needs in NEEDS.items() for need in needs
    )


def test_the_ingress_stops_first_and_the_directory_last() -> None:
    small = LAYOUTS["small"]
    assert depends(small, "edge") == ("core",)
    assert depends(small, "core") == ()


def test_owners_are_services() -> None:
    assert set(OWNERS) < set(START_ORDER)
