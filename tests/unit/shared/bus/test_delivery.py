"""What the reply subject says about a delivery."""

from __future__ import annotations

import pytest

from shared.bus.worker import WorkMessage


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        ("$JS.ACK.MAIL.classifier-received.1.5.7.1700000000000000000.3", 1),
        ("$JS.ACK.MAIL.classifier-received.12.5.7.1700000000000000000.3", 12),
        ("$JS.ACK.hub.ACCHASH.MAIL.classifier-received.4.5.7.1700000000000000000.3", 4),
        ("$JS.ACK._.ACCHASH.MAIL.classifier-received.4.5.7.1700000000000000000.3.random", 4),
    ],
)
def test_the_count_of_deliveries(reply: str, count: int) -> None:
    assert WorkMessage(reply, b"", 1).count == count
