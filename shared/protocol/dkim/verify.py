"""Verifies the signatures of a message while it is received (RFC 6376 §6)."""

from __future__ import annotations

import msgspec

from shared.protocol.dkim.body import BodyHash, BodyHasher, BodyNeed
from shared.protocol.dkim.canonical import HeaderFields, signing_input
from shared.protocol.dkim.key import check_key, find_key
from shared.protocol.dkim.result import DkimCode, DkimResult, VerifyLimits
from shared.protocol.dkim.signature import Signature, UnacceptableSignature, describe, read_signature, read_tags
from shared.protocol.dkim.tags import DkimSyntaxError
from shared.protocol.dns.evaluation import Evaluation, several
from shared.protocol.dns.question import Answer, Question

_DEFAULT_LIMITS = VerifyLimits()


class Verifier:
    """Verifies: give it the header, feed it the body, then drive `finish()`.

    The header must be complete and have CRLF line ends; the body may be cut anywhere. The body is not kept.
    """

    __slots__ = ("_examined", "_fields", "_hasher", "_limits", "ignored")

    def __init__(self, header_block: bytes, limits: VerifyLimits = _DEFAULT_LIMITS) -> None:
        self._fields = HeaderFields(header_block)
        self._limits = limits
        signatures = self._fields.named(b"dkim-signature")
        self.ignored = max(0, len(signatures) - limits.signatures)
        """Number of signatures beyond the limit, which get no result."""
        self._examined = tuple(_examine(field, limits) for field in signatures[: limits.signatures])
        self._hasher = BodyHasher(self.needs)

    @property
    def needs(self) -> frozenset[BodyNeed]:
        """The body hashes that the signatures need; when there are none, the body need not be fed."""
        return frozenset(_need(item) for item in self._examined if isinstance(item, Signature))

    @property
    def questions(self) -> tuple[Question, ...]:
        """The DNS questions for the keys, which a resolver can ask while the body is received."""
        return tuple({Question(item.key_name, "TXT"): None for item in self._examined if isinstance(item, Signature)})

    def feed(self, chunk: bytes) -> None:
        """The next octets of the body."""
        self._hasher.feed(chunk)

    def finish(self, now: int) -> Evaluation[tuple[DkimResult, ...]]:
        """The results in the order of the fields; `now` is UTC microseconds.

        Keys are asked for only when the body hash is right.
        """
        seconds = now // 1_000_000
        checked = [self._check_without_key(item, seconds) for item in self._examined]
        waiting = [item for item in checked if isinstance(item, Signature)]
        answers = several((yield tuple(Question(item.key_name, "TXT") for item in waiting))) if waiting else ()
        verdicts = iter([self._verdict(item, answer) for item, answer in zip(waiting, answers, strict=True)])
        return tuple(item if isinstance(item, DkimResult) else next(verdicts) for item in checked)

    def _check_without_key(self, item: Signature | DkimResult, now: int) -> Signature | DkimResult:
        if isinstance(item, DkimResult):
            return item
        reason = self._time_fault(item, now) or self._from_fault(item)
        if reason:
            return _result(item, "fail", reason)
        return self._check_body(item, self._hasher.finish()[_need(item)])

    def _check_body(self, signature: Signature, body: BodyHash) -> Signature | DkimResult:
        if signature.length is not None and signature.length > body.octets:
            return _result(signature, "permerror", "l= is more than the body has")  # §3.5
        if body.digest != signature.body_hash:
            return _result(signature, "fail", "body hash did not verify")
        return signature

    def _time_fault(self, signature: Signature, now: int) -> str:
        """The fault in t= or x= (§3.5), or empty."""
        skew = self._limits.clock_skew
        if signature.expires_at is not None and now > signature.expires_at + skew:
            return "signature expired"
        if signature.signed_at is not None and signature.signed_at > now + skew:
            return "signed in the future"
        return ""

    def _from_fault(self, signature: Signature) -> str:
        """The fault when From is not covered: it would be shown as signed (§8.15)."""
        unsigned = len(self._fields.named(b"from")) > signature.header_names.count(b"from")
        return "another From was added" if unsigned else ""

    def _verdict(self, signature: Signature, answer: Answer) -> DkimResult:
        if answer.status == "temperror":
            return _result(signature, "temperror", f"no answer about the key: {answer.source}")
        if answer.void:
            return _result(signature, "permerror", "no key for signature")
        try:
            return self._verify(signature, answer)
        except UnacceptableSignature as error:
            return _result(signature, error.code, error.reason)

    def _verify(self, signature: Signature, answer: Answer) -> DkimResult:
        key = find_key(answer.records)
        check_key(key, signature)
        about = _result(signature, "pass", "")
        about = msgspec.structs.replace(
            about, key_bits=key.bits, is_test_key="y" in key.flags, unsigned_octets=self._unsigned(signature)
        )
        if key.key_type == "rsa" and not self._limits.min_rsa_bits <= key.bits <= self._limits.max_rsa_bits:
            return msgspec.structs.replace(about, result="policy", reason=f"an RSA key of {key.bits} bits")
        fields = self._fields.select(signature.header_names, without=signature.field)
        if not key.verifies(signature.value, signing_input(fields, signature.field, signature.header_method)):
            return msgspec.structs.replace(about, result="fail", reason="signature did not verify")
        return about

    def _unsigned(self, signature: Signature) -> int:
        if signature.length is None:
            return 0
        return self._hasher.finish()[_need(signature)].octets - signature.length


def _examine(field: bytes, limits: VerifyLimits) -> Signature | DkimResult:
    """The signature of a field, or the result when it cannot be verified."""
    if len(field) > limits.field_octets:
        return DkimResult("neutral", reason="the signature is too long")
    try:
        tags = read_tags(field)
    except DkimSyntaxError as error:
        return DkimResult("neutral", reason=str(error))
    try:
        return read_signature(field, tags)
    except DkimSyntaxError as error:
        return describe(tags, "neutral", str(error))
    except UnacceptableSignature as error:
        return describe(tags, error.code, error.reason)


def _need(signature: Signature) -> BodyNeed:
    return BodyNeed(signature.body_method, signature.hash_name, signature.length)


def _result(signature: Signature, code: DkimCode, reason: str) -> DkimResult:
    return DkimResult(
        code,
        signature.domain,
        signature.selector,
        signature.algorithm,
        signature.identity,
        reason,
        signature_prefix=signature.prefix,
        signed_length=signature.length,
    )
