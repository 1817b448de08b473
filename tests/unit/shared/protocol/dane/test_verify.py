"""The certificates of a server against TLSA records: a match, and every fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.protocol.dane.records import usable_records
from shared.protocol.dane.verify import MOST_CERTIFICATES, DaneResult, verify_chain
from tests.parts import authority
from tests.parts.authority import Issued

NOW = datetime.now(UTC)
NAMES = ("mx.example", "example")
ROOT = authority.root()
MIDDLE = authority.intermediate(ROOT)
LEAF = authority.server(MIDDLE, "mx.example")
OTHER = authority.root("Another root")


def result(chain: list[bytes], *records: str, now: datetime = NOW) -> DaneResult:
    return verify_chain(usable_records(records).usable, chain, NAMES, now).result


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_every_selector_and_matching_type(selector: int, matching: int) -> None:
    assert result(LEAF.chain(), LEAF.tlsa(3, selector, matching)) is DaneResult.MATCH
    assert result(LEAF.chain(), MIDDLE.tlsa(2, selector, matching)) is DaneResult.MATCH
    assert result(LEAF.chain(), OTHER.tlsa(3, selector, matching)) is DaneResult.NO_MATCH


def test_usage_3_looks_at_neither_names_nor_dates() -> None:
    stranger = authority.server(None, "other.example", days=(-30, -2))
    assert result(stranger.chain(), stranger.tlsa(3)) is DaneResult.MATCH
    assert result(LEAF.chain(), MIDDLE.tlsa(3)) is DaneResult.NO_MATCH


def test_usage_2_anchors_at_the_root_at_an_intermediate_or_in_the_record() -> None:
    assert result(LEAF.chain(with_root=True), ROOT.tlsa(2, 0, 1)) is DaneResult.MATCH
    assert result(LEAF.chain(), MIDDLE.tlsa(2, 0, 1)) is DaneResult.MATCH
    assert result(LEAF.chain(), ROOT.tlsa(2, 0, 1)) is DaneResult.NO_MATCH
    assert result(LEAF.chain(), ROOT.tlsa(2, 0, 0)) is DaneResult.MATCH
    shuffled = [LEAF.der, OTHER.der, ROOT.der, MIDDLE.der]
    assert result(shuffled, ROOT.tlsa(2)) is DaneResult.MATCH


def test_a_single_match_suffices() -> None:
    assert result(LEAF.chain(), OTHER.tlsa(3), OTHER.tlsa(2), MIDDLE.tlsa(2)) is DaneResult.MATCH
    assert result(LEAF.chain(), OTHER.tlsa(2, 0, 0), LEAF.tlsa(3)) is DaneResult.MATCH


def test_a_server_certificate_is_no_anchor_of_itself() -> None:
    alone = authority.server(None, "mx.example")
    assert result(alone.chain(), alone.tlsa(2)) is DaneResult.NO_MATCH


def test_a_certificate_in_the_chain_that_signed_nothing_proves_nothing() -> None:
    assert result([LEAF.der, OTHER.der], OTHER.tlsa(2)) is DaneResult.INVALID


def verdict_of(leaf: Issued) -> DaneResult:
    """Of a certificate whose chain has the anchor at its end."""
    chain = leaf.chain(with_root=True)
    return verify_chain(usable_records([ROOT.tlsa(2, 0, 0)]).usable, chain, NAMES, NOW).result


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("example",), DaneResult.MATCH),
        (("MX.Example",), DaneResult.MATCH),
        (("a.example", "mx.example"), DaneResult.MATCH),
        (("other.example",), DaneResult.WRONG_NAME),
        (("*.example",), DaneResult.WRONG_NAME),
        ((), DaneResult.WRONG_NAME),
    ],
)
def test_usage_2_checks_the_name(names: tuple[str, ...], expected: DaneResult) -> None:
    assert verdict_of(authority.server(ROOT, *names)) is expected


def test_a_wildcard_stands_for_one_label_below_a_domain() -> None:
    leaf = authority.server(ROOT, "*.mail.example")
    records = usable_records([ROOT.tlsa(2, 0, 0)]).usable
    for name, expected in (
        ("a.mail.example", DaneResult.MATCH),
        ("mail.example", DaneResult.WRONG_NAME),
        ("a.b.mail.example", DaneResult.WRONG_NAME),
    ):
        assert verify_chain(records, [leaf.der], (name,), NOW).result is expected


def test_usage_2_checks_the_dates_of_the_whole_path() -> None:
    assert verdict_of(authority.server(ROOT, "mx.example", days=(-9, -2))) is DaneResult.EXPIRED
    assert verdict_of(authority.server(ROOT, "mx.example", days=(2, 9))) is DaneResult.INVALID
    old = authority.intermediate(ROOT, days=(-9, -2))
    assert verdict_of(authority.server(old, "mx.example")) is DaneResult.EXPIRED
    assert result(LEAF.chain(), MIDDLE.tlsa(2), now=NOW + timedelta(days=60)) is DaneResult.EXPIRED


def test_only_an_authority_signs() -> None:
    no_authority = authority.server(ROOT, "signer.example")
    assert verdict_of(authority.server(no_authority, "mx.example")) is DaneResult.INVALID
    short = authority.intermediate(ROOT, path_length=0)
    assert verdict_of(authority.server(short, "mx.example")) is DaneResult.MATCH
    deeper = authority.intermediate(short, "Too deep")
    assert verdict_of(authority.server(deeper, "mx.example")) is DaneResult.INVALID


def test_a_purpose_and_critical_extensions_are_obeyed() -> None:
    client = authority.server(ROOT, "mx.example", purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert verdict_of(client) is DaneResult.INVALID
    assert verdict_of(authority.server(ROOT, "mx.example", purpose=None)) is DaneResult.MATCH
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert verdict_of(authority.server(ROOT, "mx.example", extension=unknown)) is DaneResult.INVALID


@pytest.mark.parametrize(
    ("permitted", "excluded", "expected"),
    [
        ("example", None, DaneResult.MATCH),
        ("other", None, DaneResult.INVALID),
        (None, "mx.example", DaneResult.INVALID),
        (None, "other", DaneResult.MATCH),
    ],
)
def test_an_authority_limited_to_some_names(permitted: str | None, excluded: str | None, expected: DaneResult) -> None:
    limits = x509.NameConstraints(
        [x509.DNSName(permitted)] if permitted else None, [x509.DNSName(excluded)] if excluded else None
    )
    assert verdict_of(authority.server(authority.intermediate(ROOT, extension=limits), "mx.example")) is expected


def test_what_is_no_certificate_is_invalid_and_a_long_chain_is_cut() -> None:
    nothing = b"\x30\x03\x02\x01\x01"
    assert result([nothing], LEAF.tlsa(3)) is DaneResult.NO_MATCH
    assert result([nothing, ROOT.der], ROOT.tlsa(2)) is DaneResult.INVALID
    assert result([LEAF.der, nothing], LEAF.tlsa(3)) is DaneResult.MATCH
    assert result([LEAF.der, nothing, MIDDLE.der], MIDDLE.tlsa(2)) is DaneResult.MATCH
    assert result(LEAF.chain(), "2 0 0 " + nothing.hex()) is DaneResult.NO_MATCH
    assert result([], LEAF.tlsa(3)) is DaneResult.NO_MATCH
    padding = [OTHER.der] * MOST_CERTIFICATES
    assert result([LEAF.der, *padding, MIDDLE.der], MIDDLE.tlsa(2)) is DaneResult.NO_MATCH
    assert result([LEAF.der, *padding[:-2], MIDDLE.der], MIDDLE.tlsa(2)) is DaneResult.MATCH
