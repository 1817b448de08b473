"""What must be true of the scan of any bytes."""

from __future__ import annotations

from shared.protocol.message.scan import Scan, decode_scan, encode_scan
from tests.unit.shared.protocol.message.imap_reader import check_body, check_envelope, read_list


def check(scan: Scan, data: bytes) -> None:
    """Check that offsets are ordered and nested, wire forms are valid, and the stored form gives the same scan."""
    assert scan.size == len(data)
    assert 0 <= scan.header_end <= scan.size
    for index, part in enumerate(scan.parts):
        assert 0 <= part.header_start <= part.body_start <= part.body_end <= scan.size
        assert part.lines == data.count(b"\n", part.body_start, part.body_end)
        assert -1 <= part.parent < index or index == 0
        if part.parent >= 0:
            outer = scan.parts[part.parent]
            assert outer.body_start <= part.header_start
            assert part.body_end <= outer.body_end
    check_envelope(scan.envelope)
    check_body(read_list(scan.body), extended=False)
    check_body(read_list(scan.bodystructure), extended=True)
    assert decode_scan(encode_scan(scan)) == scan
