"""A recipient is refused when the size was declared, and the message when all recipients refuse it."""

from __future__ import annotations

import pytest

from services.ingress.domain.recipient_sizes import RecipientSizes


def test_a_declared_size_is_refused_for_this_recipient_alone() -> None:
    sizes = RecipientSizes()
    refusal = sizes.refusal(100, 101)
    assert refusal is not None and (refusal.code, refusal.enhanced) == (552, "5.2.3")
    assert sizes.refusal(100, 100) is None and sizes.refusal(0, 101) is None
    assert sizes.refusal_of_all(10_000) is None


@pytest.mark.parametrize(
    ("limits", "largest"),
    [((), 0), ((0,), 0), ((100,), 100), ((100, 300, 200), 300), ((0, 100), 0), ((100, 0, 50), 0), ((100, 0), 0)],
)
def test_the_message_is_refused_when_nobody_takes_it(limits: tuple[int, ...], largest: int) -> None:
    sizes = RecipientSizes()
    assert [sizes.refusal(limit, 0) for limit in limits] == [None] * len(limits)
    assert sizes.largest == largest
    assert sizes.refusal_of_all(largest) is None
    assert (sizes.refusal_of_all(largest + 1) is not None) == bool(largest)
