"""Come in: by an invitation, a password, or a login provider; and stay in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.database import Database
from harness.annotation.errors import AnnotationError, NotAllowedError
from harness.annotation.lookup import rater_named
from harness.annotation.raters import hashed
from harness.annotation.schema.tables import LoginRow, RaterRow
from harness.annotation.views import Person

LOGIN_DAYS = 30
SHORTEST_PASSWORD = 10
TRIES = 5
"""Wrong passwords in a row, after which an account rests."""
REST = timedelta(minutes=5)
REFUSED = "this link or login does not exist, was used, or has expired; ask the lead for a new link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Someone has come in."""

    login: str
    """Secret: the page keeps it in a cookie."""
    person: Person


def redeem(database: Database, secret: str) -> Entry:
    """Come in by an invitation, which then is used up.

    Raises:
        NotAllowedError: there is no such invitation, or no longer.
    """

    def work(session: Session) -> Entry:
        query = select(RaterRow).where(RaterRow.invite_hash == hashed(secret)).with_for_update()
        person = session.scalar(query)
        if person is None or not person.is_active or _is_over(database, person.invite_until):
            raise NotAllowedError(REFUSED)
        person.invite_hash = None
        person.invite_until = None
        return _enter(database, session, person, "by invitation")

    return database.write(work)


def set_password(database: Database, handle: str, password: str) -> None:
    """Give a person a password.

    Raises:
        AnnotationError: it is too short, or there is no such person.
    """
    from argon2 import PasswordHasher

    if len(password) < SHORTEST_PASSWORD:
        raise AnnotationError(f"a password needs at least {SHORTEST_PASSWORD} characters")
    hashed = PasswordHasher().hash(password)

    def work(session: Session) -> None:
        person = rater_named(session, handle)
        person.password_hash = hashed
        person.n_failures = 0
        record(database, session, None, handle, "set password")

    database.write(work)


def log_in(database: Database, handle: str, password: str) -> Entry:
    """Come in by handle and password.

    Raises:
        NotAllowedError: they do not fit (which of them is not told), or the account rests.
    """

    def find(session: Session) -> tuple[str | None, datetime | None]:
        person = session.scalar(select(RaterRow).where(RaterRow.handle == handle))
        if person is None or not person.is_active:
            return None, None
        return person.password_hash, person.locked_until

    hashed, locked_until = database.read(find)
    if locked_until is not None and locked_until > database.now():
        raise NotAllowedError("too many wrong passwords; try again in a few minutes")
    # The hash takes long on purpose: no writer waits for it.
    if not _fits(hashed, password):
        database.write(lambda session: _count_failure(database, session, handle))
        raise NotAllowedError("handle and password do not fit")

    def work(session: Session) -> Entry:
        person = rater_named(session, handle)
        person.n_failures = 0
        person.locked_until = None
        return _enter(database, session, person, "by password")

    return database.write(work)


def enter_verified(database: Database, email: str) -> Entry:
    """Come in as the person whom a login provider vouches for.

    Args:
        database: Where.
        email: Address that the provider has verified; the caller must have checked that.

    Raises:
        NotAllowedError: nobody with this address was invited.
    """

    def work(session: Session) -> Entry:
        query = select(RaterRow).where(RaterRow.email == email.strip().lower())
        person = session.scalar(query)
        if person is None or not person.is_active:
            raise NotAllowedError(f"{email} is not invited; ask the lead")
        return _enter(database, session, person, "by provider")

    return database.write(work)


def person_of(database: Database, login: str) -> Person:
    """Return who is logged in by a secret from `Entry`.

    Raises:
        NotAllowedError: nobody, or no longer.
    """

    def work(session: Session) -> Person:
        row = session.execute(
            select(LoginRow, RaterRow)
            .join(RaterRow, RaterRow.id == LoginRow.rater_id)
            .where(LoginRow.token_hash == hashed(login))
        ).one_or_none()
        if row is None or not row[1].is_active:
            raise NotAllowedError(REFUSED)
        if row[0].is_revoked or row[0].until <= database.now():
            raise NotAllowedError(REFUSED)
        return _person(row[1])

    return database.read(work)


def log_out(database: Database, login: str) -> None:
    """End a login; nothing happens where there is none."""

    def work(session: Session) -> None:
        row = session.scalar(select(LoginRow).where(LoginRow.token_hash == hashed(login)))
        if row is not None:
            row.is_revoked = True

    database.write(work)


def _enter(database: Database, session: Session, person: RaterRow, how: str) -> Entry:
    secret = secrets.token_urlsafe(32)
    session.add(
        LoginRow(
            rater_id=person.id,
            token_hash=hashed(secret),
            until=database.now() + timedelta(days=LOGIN_DAYS),
            is_revoked=False,
            created_at=database.now(),
        )
    )
    record(database, session, None, person.handle, "entered", how=how)
    return Entry(login=secret, person=_person(person))


def _count_failure(database: Database, session: Session, handle: str) -> None:
    person = session.scalar(select(RaterRow).where(RaterRow.handle == handle).with_for_update())
    if person is None:
        return
    person.n_failures += 1
    if person.n_failures % TRIES == 0:
        person.locked_until = database.now() + REST
    record(database, session, None, handle, "wrong password", n=person.n_failures)


def _fits(hashed: str | None, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    hasher = PasswordHasher()
    try:
        # An unknown handle takes as long as a known one.
        return hasher.verify(hashed or hasher.hash("nobody"), password) and hashed is not None
    except VerificationError:
        return False


def _is_over(database: Database, until: datetime | None) -> bool:
    return until is None or until <= database.now()


def _person(row: RaterRow) -> Person:
    return Person(
        handle=row.handle,
        name=row.name,
        role=row.role,  # pyright: ignore[reportArgumentType] - stored from a Role
        locale="zh" if row.locale == "zh" else "en",
    )
