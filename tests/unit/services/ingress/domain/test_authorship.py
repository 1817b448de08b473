"""A chain is validated only for mail that is sent on, so that other mail does not pay for it."""

from __future__ import annotations

from services.ingress.domain.authorship import authorship_of
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Question
from tests.unit.shared.protocol.arc.chains import LOOKUP, sealed, split
from tests.unit.shared.protocol.dkim.messages import NOW, SIMPLE


def test_a_chain_is_validated_where_copies_leave_again() -> None:
    header, body = split(sealed(SIMPLE))
    read = authorship_of(header, is_sent_on=True)
    assert read.chain is not None and all(isinstance(asked, Question) for asked in read.chain.questions)
    read.feed(body)
    verdict = drive_sync(read.chain.finish(NOW), LOOKUP)
    assert (verdict.status, verdict.instance) == ("pass", 1)


def test_no_other_mail_has_a_validator() -> None:
    header, body = split(sealed(SIMPLE))
    for read in (authorship_of(header), authorship_of(split(SIMPLE)[0], is_sent_on=True)):
        assert read.chain is None
        read.feed(body)
