"""Asks the directory how a domain of ours sends, and opens the secrets in its answer."""

from __future__ import annotations

from collections import OrderedDict

from services.outbound.domain.sending import RelayUse, Sending
from shared.clock import Clock
from shared.grpc.channel import Channel
from shared.protocol.dkim.signing_key import SigningKey, load_signing_key
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.secrets.keyring import Keyring
from shared.secrets.sending import open_relay_password, open_signing_key

_SECONDS = 10.0
"""Seconds for which an answer is used; a changed relay or key is in use after this time."""
_MOST = 10_000


class SendingDirectory:
    """The answers of the directory, kept for a moment."""

    def __init__(self, directory: Channel, keyring: Keyring, clock: Clock) -> None:
        self._directory = DirectoryStub(directory)
        self._keyring = keyring
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Sending]] = OrderedDict()

    async def of(self, domain: str) -> Sending:
        """How mail of a sending domain leaves. Raises ServiceError, and SecretsError when a secret cannot be opened."""
        now = self._clock.monotonic()
        known = self._answers.get(domain)
        if known is not None and known[0] > now:
            return known[1]
        reply = await self._directory.SendingOf(pb.SendingRequest(domain=domain))
        sending = Sending(tuple(self._key(key) for key in reply.keys), self._relay(reply))
        self._answers[domain] = (now + _SECONDS, sending)
        self._answers.move_to_end(domain)
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)
        return sending

    def forget(self) -> None:
        """Ask again at the next mail, because something may have changed."""
        self._answers.clear()

    def _key(self, key: pb.SendingKey) -> SigningKey:
        return load_signing_key(key.domain, key.selector, open_signing_key(self._keyring, key).reveal())

    def _relay(self, reply: pb.Sending) -> RelayUse | None:
        if not reply.HasField("relay"):
            return None
        relay, properties = reply.relay, reply.relay.properties
        return RelayUse(
            relay.host,
            relay.port,
            relay.tls,
            self._credentials(relay),
            properties.signatures or "both",
            tuple(properties.unsigned_fields),
            properties.connections,
            properties.messages_per_minute,
            properties.recipients_per_message,
            properties.accepts_null_reverse_path,
        )

    def _credentials(self, relay: pb.SendingRelay) -> ClientCredentials | None:
        if not relay.user:
            return None
        return ClientCredentials(
            name=relay.user,
            password=open_relay_password(self._keyring, relay).reveal().decode(),
            mechanisms=tuple(relay.properties.mechanisms),
        )
