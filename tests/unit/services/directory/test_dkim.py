"""Which DKIM keys sign, when a new one takes over, and when an old one may go."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.directory.domain import dkim
from services.directory.domain.dkim import DkimKeyState, KeyRecordCheck, KeyState, NewDkimKey
from services.directory.domain.state import DirectoryRefused
from shared.events.sending import DkimKeyActivated, DkimRecordChecked

DAY = 86_400_000_000
RSA, ED = NewDkimKey("k8", "s8", "rsa-sha256", "r8", "p8"), NewDkimKey("k9", "s9", "ed25519-sha256", "r9", "p9")
SEEN, MISSING, SILENT = (
    KeyRecordCheck(True, "here"),
    KeyRecordCheck(False, "not here"),
    KeyRecordCheck(None, "no answer"),
)


def key(identity: str, state: KeyState = "signing", algorithm: str = "rsa-sha256", **other: Any) -> DkimKeyState:
    known = DkimKeyState(identity, "d1", "example.org", f"mailfold-{identity}", algorithm, "record", state, False, 0)
    return msgspec.structs.replace(known, **other)


def refusal(*given: Any, **named: Any) -> str:
    with pytest.raises(DirectoryRefused) as refused:
        dkim.retire(*given, **named)
    return f"{refused.value.reason}: {refused.value}"


def test_first_keys_sign_at_once_and_are_made_once() -> None:
    events = dkim.add_keys((), (RSA, ED), "d1")
    assert events == [RSA.added("d1", signs=True), ED.added("d1", signs=True)]
    assert dkim.add_keys([key("k1")], (RSA, ED), "d1") == [ED.added("d1", signs=True)]
    assert dkim.add_keys([key("k1"), key("k2", algorithm="ed25519-sha256")], (RSA, ED), "d1") == []


def test_keys_of_a_rotation_wait() -> None:
    assert dkim.rotate([key("k1")], (RSA, ED), "d1") == [RSA.added("d1", signs=False), ED.added("d1", signs=False)]


def test_two_rotations_at_once_are_refused() -> None:
    with pytest.raises(DirectoryRefused, match="waits for its record"):
        dkim.rotate([key("k1"), key("k2", "new")], (RSA, ED), "d1")


def test_keys_of_a_domain_are_bounded() -> None:
    former = [key(f"k{number}", "former") for number in range(dkim.MOST_KEYS - 1)]
    with pytest.raises(DirectoryRefused, match="mailfold dkim retire"):
        dkim.rotate(former, (RSA, ED), "d1")
    assert len(dkim.rotate(former[1:], (RSA, ED), "d1")) == 2


def test_a_new_key_signs_when_it_is_seen_and_its_like_stop() -> None:
    keys = [key("k1"), key("k2", algorithm="ed25519-sha256"), key("k3", "new"), key("k4", "former")]
    assert dkim.checked(keys, {"k3": SEEN}) == [
        DkimRecordChecked("k3", "d1", True, "here"),
        DkimKeyActivated("k3", "d1", ("k1",)),
    ]


@pytest.mark.parametrize("sighting", [MISSING, SILENT])
def test_a_new_key_that_is_not_seen_waits(sighting: KeyRecordCheck) -> None:
    assert dkim.checked([key("k1"), key("k3", "new")], {"k3": sighting}) == []


def test_only_changes_are_recorded() -> None:
    keys = [key("k1", published=True), key("k2", published=True), key("k3", published=True), key("k4")]
    sightings = {"k1": SEEN, "k2": MISSING, "k3": SILENT, "k9": SEEN}
    assert dkim.checked(keys, sightings) == [DkimRecordChecked("k2", "d1", False, "not here")]


def test_a_former_key_goes_after_its_time() -> None:
    keys = [key("k1"), key("k2", "former", since=5), key("k3", "former", since=10 * DAY)]
    due = dkim.retire(keys, "example.org", "", force=False, now=5 + 12 * DAY, wait_days=12)
    assert [old.id for old in due] == ["k2"]
    early = refusal(keys, "example.org", "", force=False, now=4 + 12 * DAY, wait_days=12)
    assert early.startswith("not-empty") and "1 day(s)" in early and "--force" in early
    due = dkim.retire(keys, "example.org", "", force=True, now=20 * DAY, wait_days=12)
    assert [old.id for old in due] == ["k2", "k3"]


def test_a_key_that_signs_never_goes() -> None:
    text = refusal([key("k1")], "example.org", "mailfold-k1", force=True, now=0, wait_days=12)
    assert text.startswith("invalid") and "rotate" in text
    assert refusal([key("k1")], "example.org", "", force=True, now=0, wait_days=12).startswith("missing")


def test_a_new_key_may_go_at_any_time() -> None:
    keys = [key("k1"), key("k2", "new", since=99)]
    assert dkim.retire(keys, "example.org", "mailfold-k2", force=False, now=99, wait_days=12) == [keys[1]]


@pytest.mark.parametrize("selector", ["mailfold-k2", "x\r\ny", "s" * 300, "mailfold-k1 "])
def test_a_selector_of_nobody_is_refused_in_one_short_line(selector: str) -> None:
    text = refusal([key("k1")], "example.org", selector, force=True, now=0, wait_days=12)
    assert text.startswith("missing") and text.isprintable() and len(text) < 250


def test_a_record_is_ready_for_a_zone_file() -> None:
    record = "v=DKIM1; k=rsa; p=" + "A" * 392
    head, _, strings = key("k1", record=record).zone_line.partition(" TXT ")
    assert head == "mailfold-k1._domainkey.example.org. 3600 IN"
    first, second = strings.strip('"').split('" "')
    assert (len(first), first + second) == (255, record)
