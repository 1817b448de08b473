"""How the TLS of a connection is counted (RFC 8460 §4.3)."""

from __future__ import annotations

import ssl

import msgspec

from services.outbound.domain.tls_demand import TlsDemand
from shared.protocol.dane.verify import DaneResult
from shared.protocol.smtp.client.outcome import FailureCause

SUCCESS = "success"
NOT_SUPPORTED = "starttls-not-supported"
FAILURE = "validation-failure"
_NAME_ERRORS = frozenset({62, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
_DATE_ERRORS = frozenset({9, 10})
_TRUST_ERRORS = frozenset({2, 18, 19, 20, 21, 24, 27})
"""No issuer, self-signed, unable to verify, an invalid or untrusted authority."""
_DANE = {DaneResult.WRONG_NAME: "certificate-host-mismatch", DaneResult.EXPIRED: "certificate-expired"}


class TlsFault(msgspec.Struct, frozen=True):
    """Why TLS is not accepted: a text for people, and the result type."""

    text: str
    result: str = FAILURE


def fault_of(error: Exception) -> TlsFault:
    """The fault of a handshake that raised an error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsFault(f"the certificate is not accepted: {error.verify_message}", _result_of(error.verify_code))
    if isinstance(error, TimeoutError):
        return TlsFault("the TLS handshake took too long")
    return TlsFault(str(error) or type(error).__name__)


def dane_fault(result: DaneResult, text: str) -> TlsFault:
    """The fault of certificates that match no record."""
    return TlsFault(text, _DANE.get(result, FAILURE))


def result_of_failure(demand: TlsDemand, cause: FailureCause, fault: TlsFault | None) -> str:
    """The result type of a session that failed; empty when TLS was not the reason, or is not counted."""
    if not demand.policy_type:
        return ""
    if cause in (FailureCause.TLS_NOT_OFFERED, FailureCause.TLS_REFUSED):
        return NOT_SUPPORTED
    if cause is FailureCause.PLAINTEXT_INJECTED:
        return FAILURE
    if cause is not FailureCause.TLS_FAILED:
        return ""
    return fault.result if fault is not None else FAILURE


def result_of_session(demand: TlsDemand, is_encrypted: bool) -> str:
    """The result type of a session that was opened."""
    if not demand.policy_type:
        return ""
    if demand.problem:
        return demand.problem
    return SUCCESS if is_encrypted else NOT_SUPPORTED


def _result_of(code: int) -> str:
    if code in _NAME_ERRORS:
        return "certificate-host-mismatch"
    if code in _DATE_ERRORS:
        return "certificate-expired"
    return "certificate-not-trusted" if code in _TRUST_ERRORS else FAILURE
