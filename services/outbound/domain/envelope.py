"""The envelope of a mail as a transaction with another server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.outbound.domain.entry import QueueEntry
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.smtp.client.transaction import OutgoingTransaction
from shared.protocol.smtp.commands import Notify, Orcpt, Rcpt, Ret

_NOTIFY: Mapping[str, Notify] = {word.value: word for word in Notify}


def transaction_of(
    entries: Sequence[QueueEntry], size: int, *, eight_bit: bool, binary: bool, smtputf8: bool
) -> OutgoingTransaction:
    """The transaction for these entries of one mail, in their order. Raises AddressError for a path that is not one."""
    queued = entries[0].queued
    return OutgoingTransaction(
        reverse_path=parse_address(queued.reverse_path) if queued.reverse_path else None,
        recipients=tuple(_recipient(entry) for entry in entries),
        size=size,
        ret=_ret(queued.ret),
        envid=queued.envid or None,
        eight_bit=eight_bit,
        binary=binary,
        smtputf8=smtputf8,
        require_tls=queued.require_tls,
    )


def _recipient(entry: QueueEntry) -> Rcpt:
    queued = entry.queued
    words = [word for word in queued.notify.upper().replace(" ", "").split(",") if word in _NOTIFY]
    notify = frozenset(_NOTIFY[word] for word in words) or None
    return Rcpt(_path(queued.forward_path), notify, _orcpt(queued.orcpt))


def _path(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise AddressError(f"{text} cannot be sent to: {error}") from error


def _orcpt(text: str) -> Orcpt | None:
    address_type, _, address = text.partition(";")
    return Orcpt(address_type, address) if address else None


def _ret(text: str) -> Ret | None:
    return next((ret for ret in Ret if ret.value == text.upper()), None)
