"""The reserve of free disk space."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.blobs.disk_room import DiskRoom, Space, measured
from shared.clock import FixedClock

BLOBS, STORE = Path("/blobs"), Path("/store")


class Disks:
    """The free space of the disks, and how often it was read."""

    def __init__(self, **free: int) -> None:
        self.free = free
        self.looks = 0

    def __call__(self, folder: Path) -> Space:
        self.looks += 1
        if folder.name not in self.free:
            raise FileNotFoundError(folder)
        return Space(self.free[folder.name], 1000)


def room(disks: Disks, reserve: int = 100, percent: int = 0, clock: FixedClock | None = None) -> DiskRoom:
    return DiskRoom("ingress", (BLOBS, STORE), reserve, percent, clock or FixedClock(), disks)


@pytest.mark.parametrize(
    ("free", "octets", "has_room"),
    [
        ({"blobs": 100, "store": 500}, 0, True),
        ({"blobs": 99, "store": 500}, 0, False),
        ({"blobs": 500, "store": 99}, 0, False),
        ({"blobs": 500, "store": 150}, 50, True),
        ({"blobs": 500, "store": 150}, 51, False),
    ],
)
def test_every_folder_has_its_reserve(free: dict[str, int], octets: int, has_room: bool) -> None:
    assert (room(Disks(**free)).shortage(octets) == "") is has_room


def test_the_larger_of_both_reserves_counts() -> None:
    disks = Disks(blobs=150, store=1000)
    assert room(disks, 100, 20).shortage() == "150 octets are free, 200 are kept in reserve"
    assert room(disks, 100, 10).shortage() == ""
    assert room(Disks(blobs=0, store=0), 0, 0).shortage() == ""


def test_looks_once_a_second() -> None:
    clock, disks = FixedClock(), Disks(blobs=50, store=500)
    watched = room(disks, clock=clock)
    assert watched.shortage() and watched.free == 50
    disks.free["blobs"] = 700
    clock.advance(0.9)
    assert watched.shortage() and disks.looks == 2
    clock.advance(0.1)
    assert not watched.shortage() and watched.free == 500 and disks.looks == 4


def test_a_folder_that_cannot_be_looked_at_stops_no_mail() -> None:
    assert room(Disks()).shortage(10**9) == ""
    assert room(Disks(blobs=99)).shortage()


def test_a_real_disk(tmp_path: Path) -> None:
    space = measured(tmp_path)
    assert 0 < space.free <= space.size


def test_what_is_promised_to_others_is_not_there() -> None:
    disk_room = room(Disks(blobs=500, store=250))
    with disk_room.promised(100):
        assert disk_room.shortage(50) == ""
        assert disk_room.shortage(51)
    assert disk_room.shortage(51) == ""
