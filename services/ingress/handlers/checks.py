"""SPF, DKIM and DMARC of a mail from another server, and ARC where its copies are sealed.

DNS questions are asked as early as possible; the verdicts are computed at the end of the message.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import NamedTuple

from services.ingress.domain.authorship import Authorship
from services.ingress.domain.client import SmtpClient
from services.ingress.domain.evidence import arc_check, dkim_check, dmarc_check, spf_check
from shared.clock import Clock
from shared.dns.resolver import Resolver
from shared.dns.run import Used
from shared.events.mail import RecordedCheck
from shared.protocol.address.address import Address
from shared.protocol.arc.payload import arc_result
from shared.protocol.authres.field import MethodResult, build_field
from shared.protocol.authres.verdicts import dkim_results, dmarc_result, spf_result
from shared.protocol.dmarc.evaluate import evaluate, organisational_domain
from shared.protocol.dns.question import Question
from shared.protocol.spf.check import check_host
from shared.protocol.spf.result import SpfResult

SpfAnswer = asyncio.Future[tuple[SpfResult, Used]]
_MOST_AUTHORS = 4


class Checked(NamedTuple):
    """The checks of a message for its event, and the header lines for acceptance to add."""

    checks: tuple[RecordedCheck, ...]
    lines: bytes


class SenderChecks:
    """Evaluates the checks; nothing is enforced here."""

    def __init__(self, resolver: Resolver, clock: Clock, hostname: str, authserv_id: str) -> None:
        self._resolver = resolver
        self._clock = clock
        self._hostname = hostname
        self._authserv_id = authserv_id

    def begin_spf(self, client: SmtpClient, reverse_path: Address | None) -> SpfAnswer:
        """Begin SPF while the message is received, so that the DNS does not delay its end."""
        evaluation = check_host(
            client.address, client.hello, str(reverse_path or ""), receiver=self._hostname, now=self._clock.now()
        )
        return self._resolver.begin(evaluation)

    def prefetch(self, authorship: Authorship) -> None:
        """Ask for DKIM keys and DMARC policies as soon as the header is received."""
        domains = authorship.authors.domains[:_MOST_AUTHORS]
        names = dict.fromkeys(name for domain in domains for name in (domain, organisational_domain(domain)))
        policies = (Question(f"_dmarc.{name}", "TXT") for name in names)
        seals = authorship.chain.questions if authorship.chain is not None else ()
        self._resolver.prefetch((*authorship.verifier.questions, *policies, *seals))

    async def verdicts(
        self, client: SmtpClient, reverse_path: Address | None, authorship: Authorship, spf: SpfAnswer, message_id: str
    ) -> Checked:
        """All verdicts of a complete message, and the Authentication-Results field with them (RFC 8601)."""
        sender, verifier = str(reverse_path or ""), authorship.verifier
        spf_verdict, spf_used = await spf
        dkim_verdicts, dkim_used = await self._resolver.drive(verifier.finish(self._clock.now()))
        dmarc, dmarc_used = await self._resolver.drive(evaluate(authorship.authors, spf_verdict, dkim_verdicts))
        # RFC 7489 §6.6.4: the policy applies to a percentage of messages; a repeat of the message must get the
        # same result.
        disposition = dmarc.disposition(zlib.crc32(message_id.encode()) % 100)
        checks: tuple[RecordedCheck, ...] = (
            spf_check(spf_verdict, client.address, client.hello, sender, spf_used),
            dkim_check(dkim_verdicts, verifier.ignored, dkim_used),
            dmarc_check(dmarc, disposition, authorship.from_values, dmarc_used),
        )
        results: list[MethodResult] = [
            spf_result(spf_verdict, sender or client.hello),
            *dkim_results(dkim_verdicts),
            dmarc_result(dmarc),
        ]
        if authorship.chain is not None:
            chain, chain_used = await self._resolver.drive(authorship.chain.finish(self._clock.now()))
            checks = (*checks, arc_check(chain, chain_used))
            results.append(arc_result(chain))
        return Checked(checks, build_field(self._authserv_id, results))
