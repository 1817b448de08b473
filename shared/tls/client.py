"""TLS contexts for clients: tests, probes, and calls between our own processes."""

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
    """A context of a client that trusts `authority` alone (None: the roots of the machine).

    With `verify=False` it accepts any certificate.
    """
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
