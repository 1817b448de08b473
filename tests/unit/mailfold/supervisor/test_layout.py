"""Which sets of children can be started."""

from __future__ import annotations

import pytest

from mailfold.supervisor.child import Child, LayoutError, Spawn, check_layout

_NOTHING = Spawn(("true",))


def _children(**depends: str) -> list[Child]:
    return [Child(name, _NOTHING, depends=tuple(needs.split())) for name, needs in depends.items()]


def test_dependencies_may_come_in_any_order() -> None:
    check_layout(_children(mind="core", core="nats", nats=""))


@pytest.mark.parametrize(
    ("children", "reason"),
    [
        (_children(a="b"), "unknown"),
        (_children(a="a"), "circle"),
        (_children(a="b", b="c", c="a", d=""), "circle"),
        (_children(a="") + _children(a=""), "twice"),
    ],
)
def test_what_cannot_be_ordered_is_refused(children: list[Child], reason: str) -> None:
    with pytest.raises(LayoutError, match=reason):
        check_layout(children)
