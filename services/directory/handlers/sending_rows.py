"""Loads DKIM keys and relays."""

from __future__ import annotations

from services.directory.domain.dkim import DkimKeyState
from services.directory.domain.relays import RelayState, properties_of
from shared.events.sending import RelaySet
from shared.eventstore.connection import Reader, Row

_KEY = (
    "SELECT dkim_key.id, dkim_key.domain, domain.name, selector, algorithm, record, state, published, since"
    " FROM dkim_key JOIN domain ON domain.id = dkim_key.domain"
)
_KEY_ORDER = "ORDER BY domain.name, algorithm DESC, dkim_key.id"
_RELAY = (
    "SELECT relay.domain, domain.name, preset, host, port, tls, log_in, password, signatures, connections,"
    " messages_per_minute, recipients_per_message, accepts_null_reverse_path"
    " FROM relay LEFT JOIN domain ON domain.id = relay.domain"
)
RELAY_PAGE = _RELAY.replace("SELECT ", "SELECT '.' || relay.domain, ", 1)
"""Relays with a key before them that is not empty, so that pages begin with the default relay."""


def keys_of(reader: Reader, domain: str) -> list[DkimKeyState]:
    """The keys of a domain, by its id; RSA first, and older ones first."""
    return [_key(row) for row in reader.all(f"{_KEY} WHERE dkim_key.domain = ? {_KEY_ORDER}", (domain,))]


def keys_after(reader: Reader, last: str, limit: int, unpublished_only: bool) -> list[DkimKeyState]:
    """The keys of the next domains after `last`, in the order of names; domains without keys are left out."""
    rows = reader.all(
        "SELECT DISTINCT domain.name, domain.id FROM domain JOIN dkim_key ON dkim_key.domain = domain.id"
        " WHERE domain.name > ? AND (NOT published OR NOT ?) ORDER BY domain.name LIMIT ?",
        (last, unpublished_only, limit),
    )
    return [key for _name, domain in rows for key in keys_of(reader, domain)]


def signing_keys(reader: Reader, domain: str) -> list[tuple[DkimKeyState, str]]:
    """The keys that sign for a domain, each with its sealed private key; RSA first."""
    sql = f"{_KEY.replace('since', 'since, private_key', 1)} WHERE dkim_key.domain = ? AND state = ? {_KEY_ORDER}"
    return [(_key(row[:-1]), row[-1]) for row in reader.all(sql, (domain, "signing"))]


def domains_without_keys(reader: Reader, limit: int, last: str = "") -> list[tuple[str, str]]:
    """Ids and names of the next domains without a key that signs, in the order of names."""
    rows = reader.all(
        "SELECT id, name FROM domain WHERE name > ? AND NOT EXISTS (SELECT 1 FROM dkim_key"
        " WHERE dkim_key.domain = domain.id AND state = ?) ORDER BY name LIMIT ?",
        (last, "signing", limit),
    )
    return [(identity, name) for identity, name in rows]


def unpublished(reader: Reader, limit: int) -> list[str]:
    """Names of domains with a key that signs and whose record is not in the DNS."""
    rows = reader.all(
        "SELECT DISTINCT domain.name FROM dkim_key JOIN domain ON domain.id = dkim_key.domain"
        " WHERE state = ? AND NOT published ORDER BY domain.name LIMIT ?",
        ("signing", limit),
    )
    return [name for (name,) in rows]


def count_unpublished(reader: Reader) -> int:
    """The number of domains with such a key."""
    row = reader.first_row(
        "SELECT count(DISTINCT domain) FROM dkim_key WHERE state = ? AND NOT published", ("signing",)
    )
    return int(row[0]) if row else 0


def relay_of(reader: Reader, domain: str) -> RelayState | None:
    """The relay of a domain, by its id; of an empty id the default relay."""
    row = reader.first_row(f"{_RELAY} WHERE relay.domain = ?", (domain,))
    return None if row is None else _relay(row)


def relay_as_given(reader: Reader, domain: str) -> RelaySet | None:
    """The relay of a domain, by its id, as an operator gave it: what is empty is that of the preset."""
    row = reader.first_row(f"{_RELAY} WHERE relay.domain = ?", (domain,))
    return None if row is None else given_relay(row)


def relays(reader: Reader) -> list[RelayState]:
    """All relays, the default relay first."""
    return [_relay(row) for row in reader.all(f"{_RELAY} ORDER BY relay.domain <> '', domain.name")]


def sealed_keys(reader: Reader, last: str, limit: int) -> list[tuple[str, str, str]]:
    """The next DKIM keys: id, id of the domain, and sealed private key."""
    sql = "SELECT id, domain, private_key FROM dkim_key WHERE id > ? ORDER BY id LIMIT ?"
    return [(identity, domain, sealed) for identity, domain, sealed in reader.all(sql, (last, limit))]


def sealed_relays(reader: Reader, last: str | None, limit: int) -> list[RelayState]:
    """The next relays with a password, after the one of this domain id; None begins with the default relay."""
    after = "relay.domain > ?" if last is not None else "relay.domain >= ?"
    rows = reader.all(f"{_RELAY} WHERE password <> '' AND {after} ORDER BY relay.domain LIMIT ?", (last or "", limit))
    return [_relay(row) for row in rows]


def sealed_return_path_secrets(reader: Reader) -> list[tuple[str, str]]:
    """The ids and sealed values of the secrets of return paths; there are few."""
    return [(identity, sealed) for identity, sealed in reader.all("SELECT id, secret FROM return_path_secret")]


def sealed_scram_secrets(reader: Reader) -> list[tuple[str, str]]:
    """The id and sealed value of the secret of the keys of passwords; there is one at most."""
    return [(identity, sealed) for identity, sealed in reader.all("SELECT id, secret FROM scram_secret")]


def uses_of_keys(reader: Reader) -> dict[str, int]:
    """The number of sealed values by the id of their key, which is the second part of such a value."""
    sql = (
        "SELECT substr(sealed, 9, 8), count(*) FROM (SELECT private_key AS sealed FROM dkim_key"
        " UNION ALL SELECT password FROM relay WHERE password <> ''"
        " UNION ALL SELECT secret FROM return_path_secret"
        " UNION ALL SELECT secret FROM scram_secret) AS sealed_value GROUP BY 1"
    )
    return {key: int(count) for key, count in reader.all(sql)}


def has_sealed_values(reader: Reader) -> bool:
    """Whether there is any DKIM key, password of a relay, or secret of return paths or of the keys of passwords."""
    sql = (
        "SELECT 1 FROM dkim_key UNION ALL SELECT 1 FROM relay WHERE password <> ''"
        " UNION ALL SELECT 1 FROM return_path_secret UNION ALL SELECT 1 FROM scram_secret LIMIT 1"
    )
    return reader.first_row(sql) is not None


def _key(row: Row) -> DkimKeyState:
    identity, domain, name, selector, algorithm, record, state, published, since = row
    return DkimKeyState(identity, domain, name, selector, algorithm, record, state, bool(published), since)


def _relay(row: Row) -> RelayState:
    given, name = given_relay(row), row[1]
    return RelayState(
        given.domain,
        name or "",
        given.preset,
        given.host,
        given.port,
        given.tls,
        given.user,
        given.password,
        properties_of(given),
    )


def given_relay(row: Row) -> RelaySet:
    """The relay of a row that begins with the id and the name of its domain."""
    domain, _name, *values, null = row
    return RelaySet(*(domain, *values, None if null is None else bool(null)))
