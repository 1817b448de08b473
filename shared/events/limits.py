"""How large an event that travels over the bus may be, in octets. The bus refuses a larger one each time."""

from __future__ import annotations

from typing import Final

MAX_PAYLOAD: Final = 1024 * 1024
"""A message with its header lines: what nats-server allows by default, and what the embedded one is set to."""
_HEADER_LINES: Final = 512
_VERDICT: Final = 128 * 1024
"""What `mail.classified` has around the reception that it carries on."""
LARGEST_EVENT: Final = MAX_PAYLOAD - _HEADER_LINES
LARGEST_RECEPTION: Final = LARGEST_EVENT - _VERDICT
"""`mail.received` or `mail.submitted`, encoded: what is derived from it still fits."""
