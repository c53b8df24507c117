"""Who may come in, and how often."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.annotation.entry import (
    TRIES,
    enter_verified,
    log_in,
    log_out,
    person_of,
    redeem,
    set_password,
)
from harness.annotation.errors import AnnotationError, NotAllowedError
from harness.annotation.raters import deactivate, exclude, invite, require
from tests.harness.annotation.conftest import Clock, Sitting

Make = Callable[..., Sitting]
PASSWORD = "correct horse 电池"


def test_an_invitation_works_once_and_only_for_two_weeks(sitting: Make, clock: Clock) -> None:
    session = sitting()
    secret = invite(session.database, session.name, "cai", actor="lead", locale="zh")
    person = redeem(session.database, secret).person
    late = invite(session.database, session.name, "cai", actor="lead")
    clock.pass_by(days=15)

    assert (person.handle, person.role, person.locale) == ("cai", "rater", "zh")
    for used_up in (secret, late, "guess"):
        with pytest.raises(NotAllowedError, match="ask the lead"):
            redeem(session.database, used_up)


def test_a_login_lasts_until_it_is_ended_or_over(sitting: Make, clock: Clock) -> None:
    session = sitting()
    first = redeem(session.database, invite(session.database, session.name, "cai", actor="l"))
    second = redeem(session.database, invite(session.database, session.name, "cai", actor="l"))
    log_out(session.database, first.login)

    assert person_of(session.database, second.login).handle == "cai"
    with pytest.raises(NotAllowedError):
        person_of(session.database, first.login)
    clock.pass_by(days=31)
    with pytest.raises(NotAllowedError):
        person_of(session.database, second.login)


def test_passwords_are_checked_and_guessing_makes_the_account_rest(
    sitting: Make, clock: Clock
) -> None:
    session = sitting()
    set_password(session.database, "ann", PASSWORD)
    for _ in range(TRIES):
        with pytest.raises(NotAllowedError, match="do not fit"):
            log_in(session.database, "ann", "wrong password")

    with pytest.raises(NotAllowedError, match="too many"):
        log_in(session.database, "ann", PASSWORD)
    clock.pass_by(minutes=6)
    assert log_in(session.database, "ann", PASSWORD).person.handle == "ann"


def test_an_unknown_handle_is_told_like_a_wrong_password(sitting: Make) -> None:
    session = sitting()

    with pytest.raises(NotAllowedError, match="handle and password do not fit"):
        log_in(session.database, "nobody", PASSWORD)
    with pytest.raises(NotAllowedError, match="handle and password do not fit"):
        log_in(session.database, "ann", PASSWORD)  # has none
    with pytest.raises(AnnotationError, match="at least 10"):
        set_password(session.database, "ann", "short")


def test_a_provider_lets_in_who_was_invited_by_address(sitting: Make) -> None:
    session = sitting()
    invite(session.database, session.name, "cai", actor="lead", email="Cai@Example.org")

    assert enter_verified(session.database, "cai@example.org ").person.handle == "cai"
    with pytest.raises(NotAllowedError, match="not invited"):
        enter_verified(session.database, "eve@example.org")


def test_roles_are_checked_in_the_service(sitting: Make) -> None:
    session = sitting()
    invite(session.database, session.name, "boss", actor="lead", role="lead")

    require(session.database, "boss", "lead")
    require(session.database, "ann", "rate")
    with pytest.raises(NotAllowedError, match="only lead or admin"):
        require(session.database, "ann", "lead")
    with pytest.raises(AnnotationError, match="is rater already"):
        invite(session.database, session.name, "ann", actor="lead", role="admin")


def test_who_is_deactivated_comes_in_no_more(sitting: Make) -> None:
    session = sitting()
    secret = invite(session.database, session.name, "ann", actor="lead")
    deactivate(session.database, "ann", actor="lead")

    with pytest.raises(NotAllowedError):
        redeem(session.database, secret)


def test_leaving_a_rater_out_needs_a_reason(sitting: Make) -> None:
    session = sitting()

    with pytest.raises(AnnotationError, match="say why"):
        exclude(session.database, session.name, "ann", why=" ", actor="lead")


@pytest.mark.parametrize("handle", ["", "a b", "<script>", "x" * 81])
def test_a_handle_is_letters_and_digits(sitting: Make, handle: str) -> None:
    session = sitting()

    with pytest.raises(AnnotationError, match="a handle is letters"):
        invite(session.database, session.name, handle, actor="lead")


def test_secrets_are_not_in_the_database(sitting: Make) -> None:
    session = sitting()
    secret = invite(session.database, session.name, "cai", actor="lead")
    login = redeem(session.database, secret).login
    set_password(session.database, "cai", PASSWORD)
    open_secret = invite(session.database, session.name, "dia", actor="lead")
    session.database.close()

    folder = next(session.runs[0].path.parents[i] for i in (2,))
    stored = b"".join(file.read_bytes() for file in folder.glob("annotations.db*"))

    assert b"Question 0?" in stored
    for hidden in (secret, login, open_secret, PASSWORD):
        assert hidden.encode() not in stored
