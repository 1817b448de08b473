"""Translates refusals of the domain to errors of the contract."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from services.directory.adapters.ldap_directory import LdapUnavailable
from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.oidc_claims import IssuerUnavailable
from services.directory.domain.state import DirectoryRefused, Reason
from shared.grpc.errors import AlreadyExists, Invalid, LimitReached, NotFound, NotNow, ServiceError
from shared.secrets import SecretsError
from shared.settings import SettingsError

_KINDS: dict[Reason, type[ServiceError]] = {
    "missing": NotFound,
    "taken": AlreadyExists,
    "invalid": Invalid,
    "not-empty": NotNow,
}


@contextlib.contextmanager
def as_contract_errors() -> Iterator[None]:
    """Raise refusals of the domain as errors of the contract."""
    try:
        yield
    except DirectoryRefused as refused:
        raise _KINDS[refused.reason](str(refused), refused.reason) from refused
    except SettingsError as error:
        raise Invalid(
            "; ".join(f"{mistake.name}: {mistake.message}" for mistake in error.mistakes), "setting"
        ) from error
    except SecretsError as error:
        raise NotNow(str(error), "secrets") from error
    except LdapUnavailable as error:
        raise NotNow(f"the directory that has the people cannot be asked: {error}", "ldap") from error
    except IssuerUnavailable as error:
        raise NotNow(f"the issuer of tokens cannot be asked: {error}", "oidc") from error
    except TooManyWaiting as error:
        raise LimitReached("too many passwords are being hashed; try again in a moment", "busy") from error
