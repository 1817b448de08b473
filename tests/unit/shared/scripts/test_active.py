"""A service knows which scripts work: read in pages, asked again when the doorbell rings, compared by a stamp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from shared.bus.subjects import SCRIPTS_DOORBELL
from shared.events.scripts import ACTIVE, BEFORE, SERVER
from shared.grpc.errors import NotFound, Unavailable
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.scripts.active import ActiveScripts
from shared.scripts.sources import ScriptSources
from tests.harness.waiting import until_true


class ScriptsInMemory:
    """A channel to the scripts of a mailstore."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], str] = {}
        """Sources by owner and place."""
        self.stamp = "1"
        self.is_away = False
        self.calls = 0

    def unary_unary(self, path: str, *_: Any, **__: Any) -> Callable[..., Awaitable[Any]]:
        name = path.rpartition("/")[2]

        async def call(request: Any, **options: Any) -> Any:
            self.calls += 1
            if self.is_away:
                raise Unavailable("away")
            return self._list(request) if name == "ListPlaces" else self._get(request)

        return call

    unary_stream = stream_unary = stream_stream = unary_unary

    def _list(self, request: pb.ListPlacesRequest) -> pb.ScriptPlaceList:
        owners = sorted({owner for owner, _ in self.places if (not request.owner and owner > request.after)})
        chosen = [request.owner] if request.owner else owners[: min(request.limit, 2)]
        places = [
            pb.ScriptPlace(owner=owner, place=place, name="s", digest=source)
            for (owner, place), source in sorted(self.places.items())
            if owner in chosen
        ]
        more = "" if request.owner or len(owners) <= 2 else chosen[-1]
        return pb.ScriptPlaceList(places=places, next=more, stamp=self.stamp)

    def _get(self, request: pb.GetScriptRequest) -> pb.ScriptReply:
        source = self.places.get((request.owner, request.place))
        if source is None:
            raise NotFound("no script")
        return pb.ScriptReply(script=pb.Script(name="s", source=source, digest=source))


class BusInMemory:
    """Doorbells and reconnections, by hand."""

    def __init__(self) -> None:
        self.heard: Callable[[str, bytes], None] = lambda subject, payload: None
        self.connected: Callable[[], Coroutine[Any, Any, None]]

    async def listen(self, subject: str, heard: Callable[[str, bytes], None]) -> None:
        assert subject == SCRIPTS_DOORBELL
        self.heard = heard

    def on_connected(self, callback: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.connected = callback

    def ring(self, owner: str) -> None:
        self.heard(SCRIPTS_DOORBELL, owner.encode())


@pytest.fixture
async def world() -> Any:
    scripts, bus = ScriptsInMemory(), BusInMemory()
    scripts.places = {(owner, ACTIVE): f"keep; # {owner}" for owner in "abcde"}
    active = ActiveScripts("test", scripts, bus)  # type: ignore[arg-type]
    yield scripts, bus, active
    await active.stop()


def _is_read(active: ActiveScripts) -> bool:
    try:
        return bool(active.of("a"))
    except Unavailable:
        return False


async def test_all_pages_are_read_and_nothing_is_said_before(world: Any) -> None:
    scripts, _, active = world
    scripts.is_away = True
    await active.start()
    with pytest.raises(Unavailable):
        active.of("a")
    scripts.is_away = False
    await until_true(lambda: _is_read(active))
    assert [owner for owner in "abcdefg" if active.has_scripts(owner)] == list("abcde")
    calls = scripts.calls
    assert active.of("e")[ACTIVE].digest == "keep; # e"
    assert not active.of("x")
    assert scripts.calls == calls, "a look costs no call"


async def test_the_doorbell_names_the_owner_who_is_asked_again(world: Any) -> None:
    scripts, bus, active = world
    await active.start()
    await until_true(lambda: _is_read(active))
    del scripts.places[("b", ACTIVE)]
    scripts.places[(SERVER, BEFORE)] = "stop;"
    bus.ring("b")
    await until_true(lambda: not active.of("b"))
    assert not active.has_scripts("b")
    scripts.is_away = True
    bus.ring(SERVER)
    scripts.is_away = False
    await until_true(lambda: active.has_scripts("b"))


async def test_a_lost_doorbell_is_seen_when_the_bus_is_back(world: Any) -> None:
    scripts, bus, active = world
    await active.start()
    await until_true(lambda: _is_read(active))
    scripts.places[("z", ACTIVE)], scripts.stamp = "keep;", "2"
    await bus.connected()
    await until_true(lambda: active.has_scripts("z"))


async def test_a_source_is_asked_for_once_and_the_bound_drops_the_oldest() -> None:
    scripts = ScriptsInMemory()
    scripts.places = {(owner, ACTIVE): f"# {owner}" for owner in "ab"}
    sources = ScriptSources(scripts, kept_octets=5)  # type: ignore[arg-type]
    for _ in range(3):
        script = await sources.in_place("a", ACTIVE, "# a", "s")
        assert script is not None and script.source == b"# a"
    assert scripts.calls == 1
    assert await sources.in_place("b", ACTIVE, "# b") is not None
    assert await sources.in_place("a", ACTIVE, "# a") is not None
    assert scripts.calls == 3
    assert await sources.in_place("nobody", ACTIVE) is None


async def test_an_owner_is_followed_at_once(world: Any) -> None:
    scripts, _, active = world
    await active.start()
    await until_true(lambda: _is_read(active))
    scripts.places["z", ACTIVE] = "new"
    await active.follow("z")
    assert active.of("z")[ACTIVE].digest == "new"
    scripts.is_away = True
    with pytest.raises(Unavailable):
        await active.follow("z")
