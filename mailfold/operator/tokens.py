"""The operator's tokens: what the command shows to each service."""

from __future__ import annotations

from shared.places import Places


def read_tokens(places: Places) -> dict[str, str]:
    """Service → token; empty before the first start, and for whoever may not read them."""
    import orjson

    try:
        tokens: dict[str, str] = orjson.loads(places.operator.read_bytes())
    except (OSError, ValueError):
        return {}
    return tokens
