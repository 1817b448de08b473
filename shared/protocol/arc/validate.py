"""Validates the chain of a message while it is received (RFC 8617 §5.2)."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from shared.protocol.arc.chain import NAMES, ArcSet, Chain, canonical_fields, read_chain, sealed_octets
from shared.protocol.arc.fields import Seal, read_message_signature, read_results
from shared.protocol.arc.result import ChainResult, SealedSet
from shared.protocol.dkim.body import BodyHasher, BodyNeed
from shared.protocol.dkim.canonical import HeaderFields, signing_input
from shared.protocol.dkim.key import PublicKey, check_use, find_key
from shared.protocol.dkim.result import VerifyLimits
from shared.protocol.dkim.signature import Signature, UnacceptableSignature
from shared.protocol.dkim.tags import DkimSyntaxError
from shared.protocol.dns.evaluation import Answered, Asked, Evaluation, several
from shared.protocol.dns.question import Answer, Question

_DEFAULT_LIMITS = VerifyLimits()


class _Invalid(Exception):
    """The chain fails."""

    def __init__(self, reason: str, *, is_temporary: bool = False) -> None:
        super().__init__(reason)
        self.is_temporary = is_temporary


class ChainValidator:
    """Validates: give it the header, feed it the body, then drive `finish()`.

    The header must be complete and have CRLF line ends; the body may be cut anywhere. The body is not kept.
    """

    __slots__ = ("_answers", "_chain", "_fields", "_hasher", "_limits", "_signatures")

    def __init__(self, header_block: bytes, limits: VerifyLimits = _DEFAULT_LIMITS) -> None:
        """Of the limits, `signatures` is the number of message signatures that are examined, from the newest on."""
        self._fields = HeaderFields(header_block)
        self._limits = limits
        self._chain = read_chain(self._fields, limits.field_octets)
        self._signatures = _message_signatures(self._chain, limits.signatures)
        self._hasher = BodyHasher(self.needs)
        self._answers: dict[Question, Answer] = {}

    @property
    def needs(self) -> frozenset[BodyNeed]:
        """The body hashes that the chain needs; when there are none, the body need not be fed."""
        return frozenset(_need(item) for item in self._readable())

    @property
    def questions(self) -> tuple[Question, ...]:
        """The DNS questions for the keys, which a resolver can ask while the body is received: 55 with these limits."""
        signers: list[Signature | Seal] = [*self._readable()]
        if signers:
            signers += [item.seal for item in self._chain.sets]
        return tuple(dict.fromkeys(map(_question, signers)))

    def feed(self, chunk: bytes) -> None:
        """The next octets of the body."""
        self._hasher.feed(chunk)

    def finish(self, now: int) -> Evaluation[ChainResult]:
        """The verdict; `now` is UTC microseconds.

        The key of the newest message signature is asked for when the body hash is right, and all others when that
        signature verifies. No key is asked for twice.
        """
        chain = self._chain
        if chain.fault or not chain.sets:
            return ChainResult("fail" if chain.fault else "none", chain.fault, chain.instance, chain.is_ended)
        seconds = now // 1_000_000
        try:
            yield from self._check_signature(self._signatures[0], seconds)
            yield from self._check_seals(chain.sets)
        except _Invalid as error:
            return ChainResult("fail", str(error), chain.instance, is_temporary=error.is_temporary)
        return ChainResult(
            "pass",
            instance=chain.instance,
            oldest_pass=(yield from self._oldest_pass(seconds)),
            unsigned_octets=self._unsigned(self._readable()[0]),
            sets=tuple(map(_sealed_set, chain.sets)),
        )

    def _readable(self) -> list[Signature]:
        """The message signatures that can be verified, the newest first; none when the newest one cannot be."""
        readable = [item for item in self._signatures if isinstance(item, Signature)]
        return readable if readable and readable[0] is self._signatures[0] else []

    def _check_signature(self, signature: Signature | str, now: int) -> Generator[Asked, Answered, None]:
        """Check an ARC-Message-Signature as DKIM does (§5.2, step 4). Raises _Invalid."""
        if isinstance(signature, str):
            raise _Invalid(signature)
        self._check_without_key(signature, now)
        (answer,) = yield from self._ask((signature,))
        fields = self._fields.select(signature.header_names, without=signature.field)
        self._verify(signature, answer, signing_input(fields, signature.field, signature.header_method))

    def _check_without_key(self, signature: Signature, now: int) -> None:
        skew = self._limits.clock_skew
        if signature.expires_at is not None and now > signature.expires_at + skew:
            raise _Invalid("message signature expired")
        if signature.signed_at is not None and signature.signed_at > now + skew:
            raise _Invalid("message signature of the future")
        if len(self._fields.named(b"from")) > signature.header_names.count(b"from"):
            raise _Invalid("another From was added")  # RFC 6376 §8.15
        body = self._hasher.finish()[_need(signature)]
        if signature.length is not None and signature.length > body.octets:
            raise _Invalid("l= is more than the body has")
        if body.digest != signature.body_hash:
            raise _Invalid("body hash did not verify")

    def _unsigned(self, signature: Signature) -> int:
        body = self._hasher.finish()[_need(signature)]
        return 0 if signature.length is None else body.octets - signature.length

    def _check_seals(self, sets: tuple[ArcSet, ...]) -> Generator[Asked, Answered, None]:
        """Check the seals, the newest first (§5.2, step 6). Each covers the sets below it. Raises _Invalid."""
        seals = [item.seal for item in sets]
        answers = yield from self._ask([*seals, *self._readable()])
        canonical = canonical_fields(sets)
        for number in range(len(sets), 0, -1):
            seal = seals[number - 1]
            data = sealed_octets(canonical[: number * len(NAMES) - 1], seal.field)
            self._verify(seal, answers[number - 1], data)

    def _oldest_pass(self, now: int) -> Generator[Asked, Answered, int]:
        """The lowest instance from which on all examined message signatures verify, 0 for all (§5.2, step 5)."""
        lowest = self._chain.instance
        for signature in self._signatures[1:]:
            try:
                yield from self._check_signature(signature, now)
            except _Invalid:
                return lowest
            lowest -= 1
        return lowest if lowest > 1 else 0

    def _ask(self, signers: Iterable[Signature | Seal]) -> Generator[Asked, Answered, tuple[Answer, ...]]:
        """The answers about the keys of these signatures; each question is asked once for the whole chain."""
        questions = [_question(signer) for signer in signers]
        new = tuple(dict.fromkeys(question for question in questions if question not in self._answers))
        if new:
            self._answers.update(zip(new, several((yield new)), strict=True))
        return tuple(self._answers[question] for question in questions)

    def _verify(self, signer: Signature | Seal, answer: Answer, data: bytes) -> None:
        kind = "seal" if isinstance(signer, Seal) else "message signature"
        if answer.status == "temperror":
            raise _Invalid(f"no answer about the key of {signer.key_name}: {answer.source}", is_temporary=True)
        if answer.void:
            raise _Invalid(f"no key at {signer.key_name}")
        try:
            key = self._usable_key(signer, answer)
        except UnacceptableSignature as error:
            raise _Invalid(f"{kind} of {signer.domain}: {error.reason}") from None
        if not key.verifies(signer.value, data):
            raise _Invalid(f"{kind} of {signer.domain} did not verify")

    def _usable_key(self, signer: Signature | Seal, answer: Answer) -> PublicKey:
        key = find_key(answer.records)
        check_use(key, signer.key_type, signer.hash_name)
        if key.key_type == "rsa" and not self._limits.min_rsa_bits <= key.bits <= self._limits.max_rsa_bits:
            raise UnacceptableSignature("policy", f"an RSA key of {key.bits} bits")
        return key


def _message_signatures(chain: Chain, most: int) -> tuple[Signature | str, ...]:
    """The message signatures that are examined, the newest first, each as the reason when it cannot be verified.

    Only the newest must verify (§5.2, step 4). Each may cover the whole header, so only so many older ones are tried.
    """
    newest = chain.sets[-1:]
    return tuple(_examine(item.signature, is_newest=item in newest) for item in chain.sets[: -most - 1 : -1])


def _examine(field: bytes, *, is_newest: bool) -> Signature | str:
    try:
        signature = read_message_signature(field)
    except UnacceptableSignature as error:
        return error.reason
    except DkimSyntaxError as error:
        return str(error)
    if signature.length is not None and not is_newest:
        return "an older signature with l= is not verified"  # each l= would need a body hash of its own
    return signature


def _sealed_set(item: ArcSet) -> SealedSet:
    seal = item.seal
    return SealedSet(seal.instance, seal.domain, seal.selector, read_results(item.results))


def _need(signature: Signature) -> BodyNeed:
    return BodyNeed(signature.body_method, signature.hash_name, signature.length)


def _question(signer: Signature | Seal) -> Question:
    return Question(signer.key_name, "TXT")
