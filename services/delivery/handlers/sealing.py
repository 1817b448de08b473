"""What the seal (ARC) of a copy that is sent on vouches for."""

from __future__ import annotations

from services.delivery.domain.mail import AcceptedMail
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EarlierSets


def earlier_sets(mail: AcceptedMail) -> EarlierSets | None:
    """The ARC sets with which a mail came, for its copies that are sealed; None when they are not.

    A seal tells the next server what was authenticated here, be it by SPF alone, which fails there. Where nothing was,
    it would say nothing.
    """
    if not mail.is_authenticated:
        return None
    if mail.arc is None:
        return EarlierSets(status="none")
    detail = mail.arc.detail
    instance, is_ended = int(detail.get("instance", 0)), bool(detail.get("is_ended", False))
    return EarlierSets(status=mail.arc.result, instance=instance, is_ended=is_ended)
