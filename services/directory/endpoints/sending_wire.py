"""Converts between the contract's messages about sending and the directory's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.directory.domain.dkim import DkimKeyState, KeyRecordCheck
from services.directory.domain.relays import RelayState, RequestedRelay
from services.directory.handlers.secret_keys import SecretKeyReport
from services.directory.handlers.sending import SealedSigningKey, SendingAnswer
from shared.routing.relay_presets import RelayPreset, RelayProperties
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb


def sending(answer: SendingAnswer) -> pb.Sending:
    """What outbound needs for mail of a sender domain."""
    relay = None if answer.relay is None else _sending_relay(answer.relay)
    return pb.Sending(keys=map(_sending_key, answer.keys), relay=relay, as_of=answer.as_of)


def dkim_keys(keys: Iterable[DkimKeyState], checks: Mapping[str, KeyRecordCheck], wait_days: int) -> list[pb.DkimKey]:
    """The keys of a domain as an operator sees them, without what is private."""
    return [_dkim_key(key, checks.get(key.id), wait_days) for key in keys]


def requested_relay(request: pb.SetRelayRequest) -> RequestedRelay:
    """What an operator gave, without the password."""
    accepts_null = request.accepts_null_reverse_path if request.HasField("accepts_null_reverse_path") else None
    return RequestedRelay(
        request.preset,
        request.region,
        request.host,
        request.port,
        request.tls,
        request.user,
        request.signatures,
        request.connections,
        request.messages_per_minute,
        request.recipients_per_message,
        accepts_null,
    )


def relay(state: RelayState) -> pb.Relay:
    """A relay as an operator sees it, without the password."""
    return pb.Relay(
        domain=state.domain_name,
        preset=state.preset,
        host=state.host,
        port=state.port,
        tls=state.tls,
        user=state.user,
        has_password=bool(state.password),
        properties=_properties(state.properties),
    )


def preset(defaults: RelayPreset) -> pb.RelayPreset:
    """A preset."""
    return pb.RelayPreset(
        name=defaults.name,
        title=defaults.title,
        host=defaults.host,
        regional_host=defaults.regional_host,
        port=defaults.port,
        tls=defaults.tls,
        log_in=defaults.log_in,
        hint=defaults.hint,
        properties=_properties(defaults.properties),
    )


def secret_keys(report: SecretKeyReport) -> pb.SecretKeyList:
    """The keys of secrets by their ids."""
    missing = [key for key in report.uses if key not in report.ids]
    keys = [
        pb.SecretKeyUse(id=key, seals=key == report.ids[0], present=True, secrets=report.uses.get(key, 0))
        for key in report.ids
    ] + [pb.SecretKeyUse(id=key, secrets=report.uses[key]) for key in missing]
    return pb.SecretKeyList(keys=keys, source=report.source, unreadable=report.unreadable)


def _sending_key(signer: SealedSigningKey) -> pb.SendingKey:
    key = signer.key
    return pb.SendingKey(
        id=key.id,
        domain_id=key.domain,
        domain=key.domain_name,
        selector=key.selector,
        algorithm=key.algorithm,
        sealed_private_key=signer.private_key,
    )


def _sending_relay(state: RelayState) -> pb.SendingRelay:
    return pb.SendingRelay(
        domain_id=state.domain,
        preset=state.preset,
        host=state.host,
        port=state.port,
        tls=state.tls,
        user=state.user,
        sealed_password=state.password,
        properties=_properties(state.properties),
    )


def _properties(properties: RelayProperties) -> pb.RelayProperties:
    return pb.RelayProperties(
        mechanisms=properties.mechanisms,
        signatures=properties.signatures,
        unsigned_fields=properties.unsigned_fields,
        connections=properties.connections,
        messages_per_minute=properties.messages_per_minute,
        recipients_per_message=properties.recipients_per_message,
        accepts_null_reverse_path=properties.accepts_null_reverse_path,
    )


def _dkim_key(key: DkimKeyState, sighting: KeyRecordCheck | None, wait_days: int) -> pb.DkimKey:
    return pb.DkimKey(
        id=key.id,
        domain=key.domain_name,
        selector=key.selector,
        algorithm=key.algorithm,
        name=key.name,
        record=key.record,
        zone_line=key.zone_line,
        state=key.state,
        published=key.published,
        check="" if sighting is None else sighting.answer,
        since=key.since,
        retire_after=key.retire_after(wait_days),
    )
