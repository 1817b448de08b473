"""What sessions of all protocols have in common: the client, its log-in, and the writes in the account's name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from services.access.session.backend import LogInDependencies
from services.access.session.channel import SessionChannel
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import UNKNOWN, act, act_for, acting, with_command
from shared.ids import IdKind
from shared.owner.log_ins import LogInClient
from shared.routing.log_ins import LogIn, RefusedLogIns
from shared.tls.client_certificate import mail_addresses


class AccountSession:
    """The state of a session that does not depend on the protocol. It is used by one task only."""

    def __init__(self, dependencies: LogInDependencies, channel: SessionChannel[Any], address: str) -> None:
        self._dependencies = dependencies
        self._channel = channel
        self.address = address
        """The client's address."""
        self.id = dependencies.ids.new(IdKind.SESSION)
        self.account = ""
        """The account of the log-in; empty without one."""
        settings = dependencies.settings
        self.refused_log_ins = RefusedLogIns(settings.login_failures, settings.login_delay, settings.login_delay_limit)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms of SASL for this connection, under TLS."""
        return self.asking("").mechanisms(self._dependencies.log_in_watch.mechanisms)

    def asking(self, protocol: str) -> LogInClient:
        """The client, as the directory sees it at a log-in."""
        certificate = self._channel.client_certificate()
        return LogInClient(protocol, self.address, None if certificate is None else mail_addresses(certificate))

    async def enter(self, log_in: LogIn) -> None:
        """Log in to an account. The log-in may be revoked later; the session's writes carry it."""
        self.account = log_in.account
        self._dependencies.log_in_watch.enter(self._channel, log_in)
        actor = Actor("user", log_in.user, log_in.credential or log_in.account, self.id, self.address)
        act(Provenance(actor, correlation=self.id))
        act_for(log_in.account)

    async def leave(self) -> None:
        """Release what the log-in holds."""
        self._dependencies.log_in_watch.leave(self._channel)
        if self.account:
            self._dependencies.admission.release_account(self.account)
            self.account = ""
        act(UNKNOWN)
        act_for("")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The context of one write; its command id makes a repeat harmless."""
        with acting(with_command(self._dependencies.ids.new(IdKind.COMMAND))):
            yield
