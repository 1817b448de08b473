"""Log-ins with passwords that the server made.

Each tries exactly one fast hash, whether the password is known or not.
"""

from __future__ import annotations

import msgspec

from services.directory.domain.app_passwords import AppPasswordState, AppPasswordUse, refusal_of_use
from services.directory.domain.applications import ApplicationState, refusal_of_application
from services.directory.domain.generated_passwords import GeneratedPassword, fits
from services.directory.domain.login_name import Canonical, LoginName
from services.directory.handlers.credential_rows import stored_app_password, stored_application
from services.directory.handlers.credentials_tried import (
    BAD_CREDENTIALS,
    DISABLED,
    LoginAnswer,
    configuration_position,
    credential_for,
)
from shared.eventstore.connection import Reader
from shared.ids import IdKind

_WRONG = LoginAnswer(BAD_CREDENTIALS)
_DOMAIN = "SELECT id, disabled FROM domain WHERE name = ?"


def generated_answer(
    reader: Reader, name: LoginName, password: GeneratedPassword, use: AppPasswordUse, canonical: Canonical
) -> LoginAnswer:
    """What a generated password opens with this login name."""
    if password.id.startswith(IdKind.APP_PASSWORD):
        return _by_app_password(reader, name, password, use, canonical)
    return _WRONG if name.actor or name.label else _by_application(reader, name.account, password, use)


def _by_app_password(
    reader: Reader, name: LoginName, password: GeneratedPassword, use: AppPasswordUse, canonical: Canonical
) -> LoginAnswer:
    stored = stored_app_password(reader, password.id)
    fitting = fits(stored[1] if stored is not None else "", password.secret)
    if stored is None or not fitting:
        return _WRONG
    return answer_to_app_password(reader, name, stored[0], use, canonical)


def answer_to_app_password(
    reader: Reader, name: LoginName, state: AppPasswordState, use: AppPasswordUse, canonical: Canonical
) -> LoginAnswer:
    """What an app password opens that the client has; its scope is checked last."""
    tried = credential_for(reader, name, state.user, canonical)
    if tried is None or not is_meant(name, state):
        return _WRONG
    if tried.answer.refusal:
        return tried.answer
    refusal = refusal_of_use(state, use)
    return LoginAnswer(refusal) if refusal else msgspec.structs.replace(tried.answer, credential=state.id)


def is_meant(name: LoginName, state: AppPasswordState) -> bool:
    """Whether a login name means this app password: by its name, by its id, or because it names none."""
    return not name.label or name.label == state.id or name.label.casefold() == state.name.casefold()


def _by_application(reader: Reader, key: str, password: GeneratedPassword, use: AppPasswordUse) -> LoginAnswer:
    as_of = configuration_position(reader)
    stored = stored_application(reader, key)
    fitting = fits(stored[1] if stored is not None else "", password.secret)
    if stored is None or not fitting or stored[0].id != password.id:
        return _WRONG
    return answer_to_application(reader, stored[0], use, as_of)


def answer_to_application(
    reader: Reader, application: ApplicationState, use: AppPasswordUse, as_of: int
) -> LoginAnswer:
    """What the password of an application opens."""
    domain = reader.first_row(_DOMAIN, (application.address.rpartition("@")[2],))
    if domain is None or domain[1] or application.disabled:
        return LoginAnswer(DISABLED)
    refusal = refusal_of_application(application, use.protocol)
    if refusal:
        return LoginAnswer(refusal)
    return LoginAnswer(
        account=application.id,
        address=application.address,
        quota_bytes=application.quota_bytes,
        user=application.id,
        user_name=application.address,
        domain=domain[0],
        as_of=as_of,
        mails_an_hour=application.mails_an_hour,
    )
