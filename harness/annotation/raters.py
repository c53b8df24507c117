"""Who may enter: invitations, passwords, logins by a provider; and what a role allows."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.database import Database
from harness.annotation.dimensions import Locale
from harness.annotation.draw import ORDER_PRIME, draw
from harness.annotation.errors import AnnotationError, NotAllowedError
from harness.annotation.lookup import rater_named, session_named
from harness.annotation.schema.tables import LoginRow, MemberRow, RaterRow, SessionRow
from harness.annotation.schema.types import Role
from harness.annotation.views import Person

INVITE_DAYS = 14
LOGIN_DAYS = 30
SHORTEST_PASSWORD = 10
TRIES = 5
"""Wrong passwords in a row, after which an account rests."""
REST = timedelta(minutes=5)
REFUSED = "this link or login does not exist, was used, or has expired; ask the lead for a new link"
ALLOWS: dict[str, tuple[Role, ...]] = {
    "rate": ("rater", "lead", "admin", "adjudicator"),
    "adjudicate": ("adjudicator", "lead", "admin"),
    "lead": ("lead", "admin"),
}
"""What may be done → by whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Someone has come in."""

    login: str
    """Secret: the page keeps it in a cookie."""
    person: Person


def invite(
    database: Database,
    name: str,
    handle: str,
    *,
    actor: str,
    display_name: str = "",
    role: Role = "rater",
    locale: Locale | None = None,
    email: str | None = None,
) -> str:
    """Invite a person to a session, new or known; return a link's secret, which works once.

    Args:
        database: Where.
        name: The session.
        handle: Short name of the person; raters never see each other's.
        actor: Who invites.
        display_name: How the page greets the person.
        role: What a new person may do.
        locale: Language of the page.
        email: By which a login provider knows the person.

    Raises:
        AnnotationError: no such session; a handle that cannot be one; another role than before.
    """
    if not handle or len(handle) > 80 or not handle.replace("-", "").replace("_", "").isalnum():
        raise AnnotationError(f"{handle!r}: a handle is letters, digits, - and _, at most 80")
    secret = secrets.token_urlsafe(24)

    def work(session: Session) -> None:
        row = session_named(session, name, lock=True)
        person = session.scalar(select(RaterRow).where(RaterRow.handle == handle))
        if person is None:
            person = new_person(database, handle, display_name, role, locale or _locale(row))
            session.add(person)
        elif person.role != role:
            raise AnnotationError(f"{handle!r} is {person.role} already, not {role}")
        person.email = email.strip().lower() if email else person.email
        person.locale = locale or person.locale
        person.is_active = True
        person.invite_hash = _hashed(secret)
        person.invite_until = database.now() + timedelta(days=INVITE_DAYS)
        session.flush()
        join(session, row, person)
        record(database, session, row.id, actor, "invited", handle=handle, role=role)

    database.write(work)
    return secret


def redeem(database: Database, secret: str) -> Entry:
    """Come in by an invitation, which then is used up.

    Raises:
        NotAllowedError: there is no such invitation, or no longer.
    """

    def work(session: Session) -> Entry:
        query = select(RaterRow).where(RaterRow.invite_hash == _hashed(secret)).with_for_update()
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
            .where(LoginRow.token_hash == _hashed(login))
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
        row = session.scalar(select(LoginRow).where(LoginRow.token_hash == _hashed(login)))
        if row is not None:
            row.is_revoked = True

    database.write(work)


def deactivate(database: Database, handle: str, *, actor: str) -> None:
    """Let a person in no more; what they said stays.

    Raises:
        AnnotationError: there is no such person.
    """

    def work(session: Session) -> None:
        person = rater_named(session, handle)
        person.is_active = False
        person.invite_hash = None
        record(database, session, None, actor, "deactivated", handle=handle)

    database.write(work)


def exclude(
    database: Database, name: str, handle: str, *, why: str, actor: str, undo: bool = False
) -> None:
    """Leave a person out of the analysis, with the reason; nothing is deleted.

    Raises:
        AnnotationError: no such person or session, or no reason.
    """
    if not undo and not why.strip():
        raise AnnotationError("say why this person is left out: it goes into the log and report")

    def work(session: Session) -> None:
        row = session_named(session, name)
        person = rater_named(session, handle)
        member = session.scalar(
            select(MemberRow).where(MemberRow.session_id == row.id, MemberRow.rater_id == person.id)
        )
        if member is None:
            raise AnnotationError(f"{handle!r} takes no part in {name!r}")
        member.is_excluded = not undo
        member.excluded_why = None if undo else why.strip()
        what = "included again" if undo else "excluded"
        record(database, session, row.id, actor, what, handle=handle, why=why)

    database.write(work)


def require(database: Database, handle: str, deed: str) -> None:
    """Check that a person may do something (a key of ALLOWS).

    Raises:
        NotAllowedError: the role does not allow it.
    """
    role = database.read(lambda session: rater_named(session, handle).role)
    if role not in ALLOWS[deed]:
        raise NotAllowedError(f"{handle!r} is {role}: only {' or '.join(ALLOWS[deed])} may do this")


def new_person(database: Database, handle: str, name: str, role: Role, locale: Locale) -> RaterRow:
    """Return a person who cannot come in yet."""
    return RaterRow(
        handle=handle,
        name=name or handle,
        role=role,
        locale=locale,
        is_active=True,
        n_failures=0,
        created_at=database.now(),
    )


def join(session: Session, row: SessionRow, person: RaterRow) -> None:
    """Let a person take part in a session, with a pseudonym and an order of the items."""
    is_member = session.scalar(
        select(MemberRow.id).where(MemberRow.session_id == row.id, MemberRow.rater_id == person.id)
    )
    if is_member is not None:
        return
    count = select(func.count()).select_from(MemberRow).where(MemberRow.session_id == row.id)
    number = 1 + (session.scalar(count) or 0)
    session.add(
        MemberRow(
            session_id=row.id,
            rater_id=person.id,
            pseudonym=f"r{number:02d}",
            multiplier=1 + draw([row.seed, person.handle, "multiplier"]) % (ORDER_PRIME - 1),
            shift=draw([row.seed, person.handle, "shift"]),
            is_excluded=False,
        )
    )


def _enter(database: Database, session: Session, person: RaterRow, how: str) -> Entry:
    secret = secrets.token_urlsafe(32)
    session.add(
        LoginRow(
            rater_id=person.id,
            token_hash=_hashed(secret),
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


def _hashed(secret: str) -> str:
    """Secrets of 24 random bytes and more need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_over(database: Database, until: datetime | None) -> bool:
    return until is None or until <= database.now()


def _locale(row: SessionRow) -> Locale:
    chosen = row.config.get("locale") or row.language
    return "zh" if chosen == "zh" else "en"


def _person(row: RaterRow) -> Person:
    return Person(
        handle=row.handle,
        name=row.name,
        role=row.role,  # pyright: ignore[reportArgumentType] - stored from a Role
        locale="zh" if row.locale == "zh" else "en",
    )
