"""Connects the parts of log-ins in which no password is sent."""

from __future__ import annotations

from services.directory.domain.oidc_claims import TokenRefused
from services.directory.endpoints.log_ins import LogInsEndpoint
from services.directory.handlers.attempts import CountedAttempts
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.mechanism_offer import MechanismOffer
from services.directory.handlers.proven_log_ins import ChecksTokens, ProvenLogIns
from services.directory.handlers.scram_keys import ScramKeyMaker
from services.directory.oidc_settings import OidcSettings
from services.directory.settings import DirectorySettings
from shared.eventstore.store import EventStore
from shared.grpc.servicers import Registration
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import add_LogInsServicer_to_server
from shared.secrets.keyring import Keyring
from shared.service import Host

_WITH_TOKENS = ("OAUTHBEARER", "XOAUTH2")


class NoIssuer:
    """Stands for an issuer where none is configured."""

    async def account_of(self, token: str) -> str:
        """Refuse every token."""
        raise TokenRefused("no issuer is configured")


class ProvenLogInParts:
    """The keys of SCRAM, the issuer of tokens, and what is announced of them."""

    def __init__(self, host: Host, store: EventStore) -> None:
        self._host = host
        self._store = store
        self.keys = ScramKeyMaker(store, Keyring(host.places), host.ids)
        self.issuer = _issuer(host)
        with_tokens = _WITH_TOKENS if _has_issuer(host.section(OidcSettings)) else ()
        self._offer = MechanismOffer(
            store,
            scram=host.section(DirectorySettings).scram,
            has_scram_secret=lambda: self.keys.is_ready,
            others=with_tokens,
        )

    def registration(self, attempts: CountedAttempts, current: CurrentBook) -> Registration:
        """The contract."""
        clock = self._host.clock
        log_ins = ProvenLogIns(self._store, attempts, self.keys, self.issuer, clock, current.canonical)
        return add_LogInsServicer_to_server, LogInsEndpoint(log_ins)

    async def start(self) -> None:
        """Open the secret of the keys, decide what is announced, and follow what changes it."""
        await self.keys.start()
        self._store.on_commit(self.keys.follow)
        self._store.on_commit(self._offer.committed)
        await self._offer.start()


def _has_issuer(settings: OidcSettings) -> bool:
    return bool(settings.issuer and settings.audience)


def _issuer(host: Host) -> ChecksTokens:
    settings = host.section(OidcSettings)
    if not _has_issuer(settings):
        return NoIssuer()
    from services.directory.adapters.oidc_issuer import jwt_issuer  # needs memory, only where it is configured

    return jwt_issuer(settings, host.clock)
