"""Signs and seals copies that this server sends on: for members of a list, and by aliases (RFC 8617).

The seal is the last step: the message is in the form in which it leaves, and has its DKIM signatures (§5.1). Copies of
a post differ in their envelopes alone, so that they are hashed, signed and sealed once for many members.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from shared.events.outbound import EarlierSets, OutboundQueued
from shared.protocol.arc.payload import merged_payload, results_payload
from shared.protocol.arc.result import ChainResult, ChainStatus
from shared.protocol.arc.seal import may_seal, message_signature_names, seal
from shared.protocol.authres.field import MethodResult
from shared.protocol.authres.identifier import read_authserv_id
from shared.protocol.dkim.canonical import HeaderFields
from shared.protocol.dkim.profile import SigningProfile
from shared.protocol.dkim.sign import hash_body, signatures
from shared.protocol.dkim.signing_key import SigningKey
from shared.protocol.message.outgoing.message import FinalMessage, PeerForms

NO_KEYS: Final = "not sealed: the domain does not sign mail on this route"
_NO_RSA_KEY = "not sealed: the domain has no RSA key, which all receivers know"
_ENDED = "not sealed: the chain has ended"
_MOST_FORMS = 200
_FRESH = 600 * 1_000_000
"""Microseconds in which equal copies have the same signatures; later ones have others, with a later time."""


class SealedFields(NamedTuple):
    """The ARC set and the signatures, to be put in front of the header, and what the record says of the set."""

    fields: bytes
    text: str


class SealedForms:
    """The fields of recent copies. A large message is sealed in a thread, so there is a lock."""

    def __init__(self) -> None:
        self._forms: dict[object, SealedFields] = {}
        self._lock = threading.Lock()

    def known(self, key: object) -> SealedFields | None:
        """The fields of an equal copy."""
        with self._lock:
            return self._forms.get(key)

    def keep(self, key: object, sealed: SealedFields) -> None:
        """Keep the fields of a copy, and forget the oldest when there are many."""
        with self._lock:
            self._forms[key] = sealed
            while len(self._forms) > _MOST_FORMS:
                del self._forms[next(iter(self._forms))]


class Sealer:
    """Signs and seals one copy."""

    def __init__(self, queued: OutboundQueued, hostname: str, forms: SealedForms) -> None:
        self._queued = queued
        self._hostname = hostname
        self._forms = forms

    def sealed(
        self, peer: PeerForms, final: FinalMessage, keys: Sequence[SigningKey], profile: SigningProfile, now: int
    ) -> SealedFields:
        """The fields of the copy for a server that takes these forms. `now` is UTC microseconds."""
        names = tuple((key.domain, key.selector) for key in keys)
        digest = hashlib.sha256(final.header).digest()
        key = (self._queued.blob, digest, peer, names, profile, self._queued.seals, now // _FRESH)
        sealed = self._forms.known(key)
        if sealed is None:
            sealed = self._make(final, keys, profile, now)
            self._forms.keep(key, sealed)
        return sealed

    def _make(self, final: FinalMessage, keys: Sequence[SigningKey], profile: SigningProfile, now: int) -> SealedFields:
        body_hash = hash_body(final.body())
        signed = signatures(final.header, body_hash, keys, now, profile)
        key = next((key for key in keys if key.key_type == "rsa"), None)
        if key is None:
            return SealedFields(signed, _NO_RSA_KEY)
        chain = _chain(self._queued.seals or EarlierSets())
        if not may_seal(chain):
            return SealedFields(signed, _ENDED)
        header = signed + final.header
        names = message_signature_names(HeaderFields(header), profile)
        try:
            added = seal(header, body_hash, key, chain, _results(self._queued.prefix, self._hostname), now, names)
        except ValueError as error:
            return SealedFields(signed, f"not sealed: {error}")
        text = f"sealed: i={chain.instance + 1}; cv={chain.status}; d={key.domain}; s={key.selector}"
        return SealedFields(added + signed, text)


def _chain(earlier: EarlierSets) -> ChainResult:
    return ChainResult(cast(ChainStatus, earlier.status), instance=earlier.instance, is_ended=earlier.is_ended)


def _results(prefix: bytes, hostname: str) -> bytes:
    """The results of this server's checks. They are in the prefix, which this server writes alone; a mail without them
    was submitted by a user who has logged in (RFC 8601 §2.7.4)."""
    written = HeaderFields(prefix + b"\r\n").named(b"authentication-results")
    if not written:
        return results_payload(hostname, [MethodResult("auth", "pass")])
    identifier = read_authserv_id(written[0].partition(b":")[2].decode("utf-8", "replace"))
    return merged_payload(prefix + b"\r\n", identifier)
