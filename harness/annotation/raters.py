"""Who takes part: invitations, roles and what they allow, who is left out."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.database import Database
from harness.annotation.dimensions import Locale
from harness.annotation.draw import ORDER_PRIME, draw
from harness.annotation.errors import AnnotationError, NotAllowedError
from harness.annotation.lookup import rater_named, session_named
from harness.annotation.schema.tables import MemberRow, RaterRow, SessionRow
from harness.annotation.schema.types import Role

INVITE_DAYS = 14
ALLOWS: dict[str, tuple[Role, ...]] = {
    "rate": ("rater", "lead", "admin", "adjudicator"),
    "adjudicate": ("adjudicator", "lead", "admin"),
    "lead": ("lead", "admin"),
}
"""What may be done → by whom."""


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
        person.invite_hash = hashed(secret)
        person.invite_until = database.now() + timedelta(days=INVITE_DAYS)
        session.flush()
        join(session, row, person)
        record(database, session, row.id, actor, "invited", handle=handle, role=role)

    database.write(work)
    return secret


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


def _locale(row: SessionRow) -> Locale:
    chosen = row.config.get("locale") or row.language
    return "zh" if chosen == "zh" else "en"


def hashed(secret: str) -> str:
    """Secrets of 24 random bytes and more need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
