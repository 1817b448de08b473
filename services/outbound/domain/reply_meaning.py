"""What the results and failures of a session mean for the queue."""

from __future__ import annotations

from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.sent import HopSignal
from shared.protocol.smtp.client.events import SessionFailed
from shared.protocol.smtp.client.outcome import FailureCause, RecipientResult, ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.reply import Reply

_WORDS = 1_000
_NO_MAIL_HERE = 521
_RATE_STATUSES = frozenset({"4.7.0", "4.7.1", "4.3.2", "4.4.5", "4.5.3", "4.7.28"})
_SERVICE_CODES = frozenset({421, 432})
_BREAKS = frozenset({FailureCause.CUT, FailureCause.TIME_OUT})
_OURS = {
    FailureCause.TLS_NOT_OFFERED: ("4.7.4", "TLS is demanded, and the server does not offer it"),
    FailureCause.TLS_REFUSED: ("4.7.5", "the server refused STARTTLS"),
    FailureCause.TLS_FAILED: ("4.7.5", "the TLS handshake failed"),
    FailureCause.PLAINTEXT_INJECTED: ("4.7.5", "octets in the clear followed the reply to STARTTLS"),
    FailureCause.AUTH_NOT_OFFERED: ("4.7.8", "the server offers no way to log in that can be used"),
    FailureCause.AUTH_REFUSED: ("4.7.8", "the server refused the log-in of this installation"),
    FailureCause.AUTH_TEMPORARY: ("4.7.0", "the server cannot check the log-in of this installation now"),
}
_REFUSED_BY_US = {
    ResultKind.NEEDS_EIGHT_BIT: "the server does not take 8-bit octets, and the message must not be encoded anew",
    ResultKind.NEEDS_BINARY: "the server does not take binary messages",
    ResultKind.NEEDS_SMTPUTF8: "the server does not take internationalised addresses or header fields",
    ResultKind.NEEDS_REQUIRE_TLS: "the server does not support REQUIRETLS, which the sender asked for",
    ResultKind.TOO_LARGE: "the message is larger than the server takes",
    ResultKind.UNSENDABLE: "the address cannot be written in a command",
}


def outcome_of(result: RecipientResult) -> RecipientOutcome:
    """The outcome for a recipient whose transaction came to an end."""
    match result.kind:
        case ResultKind.ACCEPTED:
            return RecipientOutcome(
                SendingResult.DELIVERED, "2.0.0", _words(result), is_dsn_passed_on=result.dsn_passed
            )
        case ResultKind.REFUSED:
            return RecipientOutcome(SendingResult.REFUSED, result.status, _words(result))
        case ResultKind.PERHAPS_DELIVERED:
            reason = f"the connection broke after the message and before its reply: {_words(result)}"
            return RecipientOutcome(SendingResult.PERHAPS_DELIVERED, result.status, reason)
        case ResultKind.DEFERRED | ResultKind.UNSENT:
            return RecipientOutcome(SendingResult.DEFERRED, result.status, _words(result))
        case _:
            reason = _REFUSED_BY_US[result.kind] + (f" ({result.text})" if result.text else "")
            return RecipientOutcome(SendingResult.REFUSED, result.status, reason)


def failure_of(failed: SessionFailed) -> RecipientOutcome:
    """The outcome for all recipients when a session failed before their transaction."""
    words = _reply_words(failed.reply) or failed.text or failed.cause.value
    if failed.cause in _OURS:
        status, reason = _OURS[failed.cause]
        return RecipientOutcome(SendingResult.DEFERRED, status, f"{reason}: {words}", Cause.OURS)
    if failed.cause in (FailureCause.CONNECT_REFUSED, FailureCause.HELLO_REFUSED):
        return _refused_before_mail(failed.reply, words)
    # A server that asked for this message answers; a slow line, or the message itself, delays this mail alone.
    cause = Cause.RECIPIENT if failed.stage is Stage.BODY and failed.cause in _BREAKS else Cause.DESTINATION
    return RecipientOutcome(SendingResult.DEFERRED, "4.4.2", f"{failed.cause.value}: {words}", cause)


def unreachable(reason: str) -> RecipientOutcome:
    """The outcome for all recipients when an address does not take a connection."""
    return RecipientOutcome(SendingResult.DEFERRED, "4.4.1", reason, Cause.DESTINATION)


def signal_of(outcome: RecipientOutcome, reply: Reply | None) -> HopSignal:
    """What the outcome for a recipient says about the hop: a reply about limits asks for less mail at once."""
    if outcome.result is SendingResult.DELIVERED or reply is None:
        return HopSignal.TAKES_MAIL
    is_limit = reply.code in _SERVICE_CODES or (reply.is_transient and reply.status in _RATE_STATUSES)
    return HopSignal.BUSY if is_limit else HopSignal.TAKES_MAIL


def _refused_before_mail(reply: Reply | None, words: str) -> RecipientOutcome:
    """A refusal before MAIL. Only 521 bounces mail; other permanent refusals are about this server and defer."""
    if reply is not None and reply.code == _NO_MAIL_HERE:
        return RecipientOutcome(SendingResult.REFUSED, "5.3.2", words)  # RFC 7504 §3
    if reply is None or reply.is_transient:
        return RecipientOutcome(SendingResult.DEFERRED, "4.4.2", words, Cause.DESTINATION)
    return RecipientOutcome(SendingResult.DEFERRED, "4.7.1", f"the server refuses this server: {words}", Cause.OURS)


def _words(result: RecipientResult) -> str:
    """The text of the reply, or why there is none."""
    if result.reply is not None:
        return _reply_words(result.reply)
    return result.cause.value if result.cause is not None else result.kind.value


def _reply_words(reply: Reply | None) -> str:
    if reply is None:
        return ""
    text = " ".join(reply.text)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(word for word in (str(reply.code), reply.enhanced, printable) if word)[:_WORDS]
