"""What is decided about scripts (RFC 5804 §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from services.mailstore.domain import scripts
from services.mailstore.domain.scripts import CompiledSource, OwnedScripts, ScriptBounds, ScriptRefused, StoredScript
from shared.events.scripts import SERVER, ScriptActivated, ScriptDeleted, ScriptPut, ScriptRenamed
from shared.eventstore.event import Event

BOUNDS = ScriptBounds(scripts=2, changes_a_day=10, octets_a_day=1000)
MAIN = StoredScript("main", "d1", (), 5, 7, 3)
NEW = CompiledSource("keep;", "d2", 5, ("copy",))
SAME = CompiledSource("keep;", "d1", 5, ())


def owned(
    named: StoredScript | None = MAIN,
    places: Mapping[str, str] | None = None,
    *,
    owner: str = "a1",
    have: int = 1,
    changes: int = 0,
    octets: int = 0,
) -> OwnedScripts:
    return OwnedScripts(owner, have, named, places or {}, changes, octets)


def refusal(decide: Callable[[], list[Event]]) -> str:
    with pytest.raises(ScriptRefused) as refused:
        decide()
    return refused.value.reason


def test_another_version_is_put_and_the_same_is_not() -> None:
    assert scripts.put(owned(), "main", NEW, BOUNDS, "") == [ScriptPut("a1", "main", "keep;", "d2", ("copy",))]
    assert scripts.put(owned(), "main", SAME, BOUNDS, "") == []
    assert scripts.put(owned(places={"active": "main"}), "main", SAME, BOUNDS, "active") == []


def test_a_script_is_put_into_its_place_at_once() -> None:
    assert scripts.put(owned(), "main", SAME, BOUNDS, "active") == [ScriptActivated("a1", "active", "main")]
    kinds = [type(event) for event in scripts.put(owned(None), "main", NEW, BOUNDS, "active")]
    assert kinds == [ScriptPut, ScriptActivated]


def test_the_number_of_scripts_bounds_new_names_alone() -> None:
    assert refusal(lambda: scripts.put(owned(None, have=2), "third", NEW, BOUNDS, "")) == "MAXSCRIPTS"
    assert scripts.put(owned(have=2), "main", NEW, BOUNDS, "")


def test_a_place_is_taken_and_emptied() -> None:
    active = {"active": "other"}
    assert scripts.activate(owned(places=active), "main", "active", BOUNDS) == [ScriptActivated("a1", "active", "main")]
    assert scripts.activate(owned(None, active), "", "active", BOUNDS) == [ScriptActivated("a1", "active", "")]
    assert scripts.activate(owned(None), "", "active", BOUNDS) == []
    assert refusal(lambda: scripts.activate(owned(None), "gone", "active", BOUNDS)) == "NONEXISTENT"


def test_the_active_one_is_renamed_and_not_deleted() -> None:
    active = owned(places={"active": "main"})
    assert scripts.rename(active, "main", "new", False, BOUNDS) == [ScriptRenamed("a1", "main", "new")]
    assert refusal(lambda: scripts.delete(active, "main", BOUNDS)) == "ACTIVE"
    assert scripts.delete(owned(places={"active": "other"}), "main", BOUNDS) == [ScriptDeleted("a1", "main")]
    assert refusal(lambda: scripts.delete(owned(None), "main", BOUNDS)) == "NONEXISTENT"


def test_a_name_is_taken_once() -> None:
    assert scripts.rename(owned(), "main", "main", True, BOUNDS) == []
    assert refusal(lambda: scripts.rename(owned(), "main", "other", True, BOUNDS)) == "ALREADYEXISTS"
    assert refusal(lambda: scripts.rename(owned(None), "gone", "new", False, BOUNDS)) == "NONEXISTENT"


@pytest.mark.parametrize(
    "decide",
    [
        lambda had: scripts.put(had, "main", NEW, BOUNDS, ""),
        lambda had: scripts.activate(had, "main", "active", BOUNDS),
        lambda had: scripts.rename(had, "main", "new", False, BOUNDS),
        lambda had: scripts.delete(had, "main", BOUNDS),
    ],
)
def test_a_day_has_a_bound(decide: Callable[[OwnedScripts], list[Event]]) -> None:
    assert refusal(lambda: decide(owned(changes=10))) == "LIMIT"
    assert len(decide(owned(changes=9))) == 1


def test_the_octets_of_a_day_bound_what_is_stored() -> None:
    assert refusal(lambda: scripts.put(owned(octets=996), "main", NEW, BOUNDS, "")) == "LIMIT"
    assert scripts.put(owned(octets=995), "main", NEW, BOUNDS, "")
    assert scripts.put(owned(octets=1000), "main", SAME, BOUNDS, "") == []


def test_places_belong_to_accounts_or_to_the_server() -> None:
    assert scripts.place_of("a1", "") == scripts.place_of("a1", "active") == "active"
    assert [scripts.place_of(SERVER, place) for place in ("before", "after")] == ["before", "after"]
    for owner, place in (("a1", "before"), (SERVER, "active"), (SERVER, "")):
        with pytest.raises(ScriptRefused) as refused:
            scripts.place_of(owner, place)
        assert refused.value.reason == "INVALID"
