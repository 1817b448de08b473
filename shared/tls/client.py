"""TLS contexts for those who connect: tests, probes, calls between our own parts."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from shared.tls.versions import DEFAULT_MINIMUM, TlsMinimum, set_minimum


def client_context(
    authority: Path | None = None,
    *,
    verify: bool = True,
    minimum: TlsMinimum = DEFAULT_MINIMUM,
    alpn: Sequence[str] = (),
) -> ssl.SSLContext:
    """A client that trusts `authority` alone (None: the machine's roots), or, with `verify=False`, whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    set_minimum(context, minimum)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=str(authority))
    return context
