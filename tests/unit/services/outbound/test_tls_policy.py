"""The decision what a connection must prove, from its inputs alone."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from services.outbound.adapters.tls_faults import TlsFault, fault_of, result_of_failure, result_of_session
from services.outbound.domain.outcome import Cause, SendingResult
from services.outbound.domain.sts import PolicyInForce
from services.outbound.domain.tls_demand import HostSkipped, TlsDemand, TlsLevel
from services.outbound.domain.tls_policy import PolicyInputs, demand_on
from services.outbound.domain.tls_rules import TlsRules, parse_tls_rules
from shared.protocol.dane.lookup import DaneHost, DaneUse
from shared.protocol.dane.records import TlsaRecord
from shared.protocol.message.outgoing.header import is_tls_optional
from shared.protocol.mta_sts.policy import StsMode, StsPolicy
from shared.protocol.smtp.client.outcome import FailureCause

HOST, DOMAIN = "mx.far.example", "far.example"
RECORD = TlsaRecord(3, 1, 1, b"\xab" * 32)
DANE = DaneHost(DaneUse.RECORDS, "1 usable of 1 record", "base.example", (RECORD,))
NO_DANE = DaneHost(DaneUse.NONE, "the MX record is not signed")
UNUSABLE = DaneHost(DaneUse.UNUSABLE, "0 usable of 1 record", "base.example")


def sts(mode: StsMode, *mx: str) -> PolicyInForce:
    return PolicyInForce(StsPolicy(mode, mx or (HOST,), 86_400), "7")


def demand(**inputs: Any) -> TlsDemand:
    decided = demand_on(PolicyInputs(HOST, DOMAIN, **inputs))
    assert isinstance(decided, TlsDemand)
    return decided


def skipped(**inputs: Any) -> HostSkipped:
    decided = demand_on(PolicyInputs(HOST, DOMAIN, **inputs))
    assert isinstance(decided, HostSkipped)
    assert decided.outcome.result is SendingResult.DEFERRED
    assert decided.outcome.cause is Cause.OURS
    return decided


def test_dane_checks_its_base_first_and_then_the_names_of_host_and_domain() -> None:
    decided = demand(dane=DANE, sts=sts("enforce", "other.example"))
    assert (decided.level, decided.names) == (TlsLevel.VERIFIED, ("base.example", HOST, DOMAIN))
    assert (decided.tlsa, decided.policy_type, decided.authenticated_by) == ((RECORD,), "tlsa", "dane")
    assert decided.second_demand() is None


def test_a_host_without_an_answer_is_skipped() -> None:
    host = skipped(dane=DaneHost(DaneUse.UNANSWERED, "no answer"))
    assert (host.outcome.status, host.demand.problem) == ("4.4.3", "dnssec-invalid")
    host = skipped(sts=PolicyInForce(reason="no answer", is_unanswered=True))
    assert (host.outcome.status, host.demand.problem) == ("4.4.3", "sts-policy-fetch-error")


def test_unusable_records_ask_for_tls_without_authentication() -> None:
    decided = demand(dane=UNUSABLE)
    assert (decided.level, decided.names, decided.problem) == (TlsLevel.ENCRYPTED, ("base.example",), "tlsa-invalid")
    assert decided.second_demand() is None


def test_enforce_verifies_or_skips_and_testing_only_looks() -> None:
    assert demand(sts=sts("enforce")).second_demand() is None
    assert skipped(sts=sts("enforce", "other.example")).outcome.status == "4.7.5"
    second_demand = demand(sts=sts("testing")).second_demand()
    assert second_demand is not None
    assert (second_demand.level, second_demand.policy_type) == (TlsLevel.OPPORTUNISTIC, "")
    assert demand(sts=sts("testing", "other.example")).problem == "validation-failure"
    assert demand(sts=sts("none")).policy_type == "no-policy-found"


def test_opportunistic_tls_may_be_left_out() -> None:
    second_demand = demand(dane=NO_DANE).second_demand()
    assert second_demand is not None
    assert second_demand.level is TlsLevel.NEVER
    assert (
        second_demand.policy == "dane: the MX record is not signed; no mta-sts policy; in the clear, because TLS failed"
    )


@pytest.mark.parametrize(
    ("rule", "inputs", "level"),
    [
        (TlsLevel.NEVER, {}, TlsLevel.NEVER),
        (TlsLevel.ENCRYPTED, {}, TlsLevel.ENCRYPTED),
        (TlsLevel.VERIFIED, {}, TlsLevel.VERIFIED),
        (TlsLevel.NEVER, {"dane": DANE}, TlsLevel.VERIFIED),
        (TlsLevel.NEVER, {"dane": UNUSABLE}, TlsLevel.ENCRYPTED),
        (TlsLevel.VERIFIED, {"dane": UNUSABLE}, TlsLevel.VERIFIED),
        (TlsLevel.NEVER, {"sts": sts("enforce")}, TlsLevel.VERIFIED),
        (TlsLevel.VERIFIED, {"is_tls_optional": True}, TlsLevel.VERIFIED),
    ],
)
def test_a_rule_raises_what_is_published_and_never_lowers_it(
    rule: TlsLevel, inputs: dict[str, Any], level: TlsLevel
) -> None:
    assert demand(rule=rule, **inputs).level is level


@pytest.mark.parametrize(
    ("rule", "fallback"),
    [
        (TlsLevel.NEVER, TlsLevel.OPPORTUNISTIC),
        (TlsLevel.ENCRYPTED, TlsLevel.ENCRYPTED),
        (TlsLevel.VERIFIED, None),
    ],
)
def test_a_rule_limits_what_a_test_falls_back_to(rule: TlsLevel, fallback: TlsLevel | None) -> None:
    decided = demand(rule=rule, sts=sts("testing"))
    assert (decided.level, decided.fallback) == (TlsLevel.VERIFIED, fallback)


def test_requiretls_needs_a_name_that_somebody_vouches_for() -> None:
    assert skipped(require_tls=True, dane=NO_DANE).outcome.status == "4.7.30"
    assert demand(require_tls=True, dane=NO_DANE, is_named_securely=True).authenticated_by == "web-pki"
    assert demand(require_tls=True, dane=UNUSABLE, is_named_securely=True).level is TlsLevel.VERIFIED
    assert demand(require_tls=True, sts=sts("testing")).fallback is None
    assert demand(require_tls=True, dane=DANE).tlsa == (RECORD,)
    assert demand(require_tls=True, is_tls_optional=True, dane=DANE).tlsa == (RECORD,)
    assert skipped(require_tls=True, rule=TlsLevel.NEVER).outcome.status == "4.7.30"


def test_the_wish_of_the_sender_switches_off_what_is_published() -> None:
    decided = demand(is_tls_optional=True, dane=DANE, sts=sts("enforce"))
    assert (decided.level, decided.policy, decided.policy_type) == (TlsLevel.OPPORTUNISTIC, "TLS-Required: No", "")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"TLS-Required: No\r\n\r\n", True),
        (b"From: a\r\ntls-required:  no \r\nTo: b\r\n\r\n", True),
        (b"TLS-Required: Yes\r\n\r\n", False),
        (b"TLS-Required: No\r\nTLS-Required: No\r\n\r\n", False),
        (b"X-TLS-Required: No\r\n\r\n", False),
        (b"Subject: x\r\n TLS-Required: No\r\n\r\n", False),
        (b"", False),
    ],
)
def test_the_header_field_of_that_wish(header: bytes, expected: bool) -> None:
    assert is_tls_optional(header) is expected


def test_rules_are_read_and_the_nearest_counts() -> None:
    rules = parse_tls_rules("example.com=verify, .example.com=encrypt .a.example.com=never,bücher.example=encrypt")
    expected = {
        "example.com": TlsLevel.VERIFIED,
        "EXAMPLE.com": TlsLevel.VERIFIED,
        "x.example.com": TlsLevel.ENCRYPTED,
        "a.example.com": TlsLevel.ENCRYPTED,
        "b.a.example.com": TlsLevel.NEVER,
        "xn--bcher-kva.example": TlsLevel.ENCRYPTED,
        "badexample.com": None,
        "example": None,
    }
    assert {domain: rules.of(domain) for domain in expected} == expected
    assert parse_tls_rules("") == TlsRules()


@pytest.mark.parametrize("text", ["example.com", "example.com=maybe", "=verify", "a..b=verify", ".=never"])
def test_a_rule_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_tls_rules(text)


COUNTED = TlsDemand(policy_type="sts")


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (10, "certificate-expired"),
        (62, "certificate-host-mismatch"),
        (18, "certificate-not-trusted"),
        (20, "certificate-not-trusted"),
        (7, "validation-failure"),
    ],
)
def test_the_fault_of_a_certificate_has_a_result_type(code: int, result: str) -> None:
    error = ssl.SSLCertVerificationError("x")
    error.verify_code, error.verify_message = code, "no good"
    fault = fault_of(error)
    assert fault == TlsFault("the certificate is not accepted: no good", result)
    assert result_of_failure(COUNTED, FailureCause.TLS_FAILED, fault) == result


def test_what_is_counted_of_a_session() -> None:
    assert result_of_failure(COUNTED, FailureCause.TLS_NOT_OFFERED, None) == "starttls-not-supported"
    assert result_of_failure(COUNTED, FailureCause.TLS_FAILED, None) == "validation-failure"
    assert result_of_failure(COUNTED, FailureCause.PLAINTEXT_INJECTED, None) == "validation-failure"
    assert result_of_failure(COUNTED, FailureCause.CUT, None) == ""
    assert result_of_failure(TlsDemand(), FailureCause.TLS_FAILED, None) == ""
    assert result_of_session(COUNTED, is_encrypted=True) == "success"
    assert result_of_session(COUNTED, is_encrypted=False) == "starttls-not-supported"
    assert result_of_session(TlsDemand(), is_encrypted=True) == ""
    assert result_of_session(TlsDemand(policy_type="sts", problem="sts-policy-invalid"), True) == "sts-policy-invalid"
    assert fault_of(TimeoutError()).text == "the TLS handshake took too long"
