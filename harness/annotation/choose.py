"""Which item a rater gets next, and on which side its answers stand.

The order of everything: what the rater had open; training; checks and repeats that are due; items
of higher priority; those with fewest raters; block by block; and inside a block in an order of the
rater's own. All of it follows from the session's seed and what happened before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from harness.annotation.config import SessionConfig
from harness.annotation.counts import counting, has_room, n_taken
from harness.annotation.database import Database
from harness.annotation.draw import ORDER_PRIME, draw, key_of
from harness.annotation.schema.tables import (
    AssignmentRow,
    CandidateRow,
    ItemRow,
    MemberRow,
    RaterRow,
    SessionRow,
)
from harness.annotation.schema.types import OPEN_STATES, ItemKind

MOST_ONE_SIDED = 3
"""Pairs by which a rater's two orders may differ before that counts more than the item's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Chooses for one rater inside one unit of work, which holds the rater's membership."""

    database: Database
    session: Session
    row: SessionRow
    config: SessionConfig
    rater: RaterRow
    member: MemberRow

    def next(self) -> AssignmentRow | None:
        """Return what the rater is to rate now, its lease renewed; None: nothing now."""
        held = self._held()
        if held is not None:
            return self._renewed(held)
        self._expire()
        position = self._count(AssignmentRow.id.is_not(None))
        found = (
            self._offer(self._known("training"))
            or self._offer(self._check_due(position))
            or self._repeat(position, share=self.config.repeats.share)
            or self._offer(self._fresh())
        )
        if found is None and self._repair_counts():
            found = self._offer(self._fresh())
        return found or self._repeat(position, share=None)

    def _held(self) -> AssignmentRow | None:
        """Return what the rater has open; or had, with a draft, when there is room for it."""
        mine = select(AssignmentRow).where(*self._mine()).order_by(AssignmentRow.position)
        held = self.session.scalar(mine.where(AssignmentRow.state.in_(OPEN_STATES)).limit(1))
        if held is not None:
            return held
        lost = self.session.scalars(
            mine.where(AssignmentRow.state == "expired", AssignmentRow.draft.is_not(None))
        )
        for assignment in lost:
            item = self._locked(assignment.item_id)
            if assignment.occurrence == 0 and not has_room(self.session, item):
                continue
            assignment.state = "started"
            assignment.attempt += 1
            self.session.flush()
            item.n_taken = n_taken(self.session, item.id)
            return assignment
        return None

    def _renewed(self, assignment: AssignmentRow) -> AssignmentRow:
        lease = timedelta(minutes=self.config.lease_minutes)
        assignment.lease_until = self.database.now() + lease
        return assignment

    def _expire(self) -> None:
        """Take back what nobody has touched for the time of a lease."""
        over = self.session.scalars(
            select(AssignmentRow)
            .where(
                AssignmentRow.session_id == self.row.id,
                AssignmentRow.state.in_(OPEN_STATES),
                AssignmentRow.lease_until < self.database.now(),
            )
            .order_by(AssignmentRow.item_id)
            .with_for_update(skip_locked=True)
        )
        for assignment in over.all():
            assignment.state = "expired"
            self.session.flush()
            item = self._locked(assignment.item_id)
            item.n_taken = n_taken(self.session, item.id)

    def _known(self, kind: ItemKind) -> ItemRow | None:
        """Return the next training item or check that this rater has not had."""
        query = self._items(kind).order_by(self._own_order())
        found = self.session.scalar(query.limit(1))
        return None if found is None else self._locked(found)

    def _check_due(self, position: int) -> ItemRow | None:
        """Return a check where one is due: spread evenly, not at places that could be foreseen."""
        checks = self.config.checks
        had = self._count(ItemRow.kind == "check")
        within = draw([self.row.seed, self.rater.handle, "check", had]) / ORDER_PRIME
        if position < max(checks.not_before, (had + within) / checks.share):
            return None
        return self._known("check")

    def _repeat(self, position: int, *, share: float | None) -> AssignmentRow | None:
        """Offer an item for the second time, sides swapped.

        Args:
            position: How many items the rater has had.
            share: Of the rated items, how many come back; None: fill up to the least number.
        """
        repeats = self.config.repeats
        if repeats.share == 0:
            return None
        had = self._count(AssignmentRow.occurrence == 1)
        rated = self._count(AssignmentRow.occurrence == 0, AssignmentRow.state == "submitted")
        wanted = repeats.at_least if share is None else int(share * rated)
        if had >= wanted:
            return None
        again = aliased(AssignmentRow)
        first = self.session.scalars(
            select(AssignmentRow)
            .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
            .outerjoin(
                again,
                (again.item_id == AssignmentRow.item_id)
                & (again.rater_id == AssignmentRow.rater_id)
                & (again.occurrence == 1),
            )
            .where(
                *self._mine(),
                ItemRow.kind == "plain",
                AssignmentRow.occurrence == 0,
                AssignmentRow.state == "submitted",
                AssignmentRow.position < position - repeats.gap,
                again.id.is_(None),
            )
            .order_by(self._own_order())
            .limit(1)
        ).first()
        if first is None:
            return None
        item = self.session.get_one(ItemRow, first.item_id)
        return self._add(item, position, occurrence=1, is_flipped=not first.is_flipped)

    def _fresh(self) -> ItemRow | None:
        """Return the best item that needs a rater and that this one has not had, locked."""
        query = self._items("plain").order_by(ItemRow.priority.desc())
        if self.config.raters_per_item != "all":
            query = query.order_by(ItemRow.n_taken)
        query = query.order_by(ItemRow.block, self._own_order()).limit(1)
        # What others are choosing at this moment is passed over, unless nothing else is left.
        for skips in (True, False):
            choice = query.with_for_update(skip_locked=skips)
            while (found := self.session.scalar(choice)) is not None:
                item = self._locked(found)
                taken = n_taken(self.session, item.id)
                if item.target is None or taken < item.target:
                    return item
                item.n_taken = taken
                self.session.flush()
            if self.database.is_sqlite:
                break
        return None

    def _repair_counts(self) -> bool:
        """Count again where an item is said to have enough raters; return whether one has not."""
        counted = (
            select(func.count())
            .select_from(AssignmentRow)
            .where(AssignmentRow.item_id == ItemRow.id, *counting())
            .scalar_subquery()
        )
        wrong = self.session.scalars(
            select(ItemRow)
            .where(
                ItemRow.session_id == self.row.id,
                ItemRow.target.is_not(None),
                ItemRow.n_taken >= ItemRow.target,
                counted < ItemRow.target,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for item in wrong:
            item.n_taken = n_taken(self.session, item.id)
        self.session.flush()
        return bool(wrong)

    def _offer(self, item: ItemRow | None) -> AssignmentRow | None:
        if item is None:
            return None
        before = self.session.scalar(
            select(AssignmentRow).where(
                *self._mine(), AssignmentRow.item_id == item.id, AssignmentRow.occurrence == 0
            )
        )
        if before is not None:  # expired or given back; it keeps its place and its sides
            before.state = "offered"
            before.attempt += 1
            offered = self._renewed(before)
        else:
            position = self._count(AssignmentRow.id.is_not(None))
            offered = self._add(item, position, occurrence=0, is_flipped=self._side(item))
        self.session.flush()
        item.n_taken = n_taken(self.session, item.id)
        return offered

    def _add(
        self, item: ItemRow, position: int, *, occurrence: int, is_flipped: bool
    ) -> AssignmentRow:
        assignment = AssignmentRow(
            key=key_of(self.row.seed, self.row.name, item.key, self.rater.handle, occurrence),
            session_id=self.row.id,
            item_id=item.id,
            rater_id=self.rater.id,
            occurrence=occurrence,
            state="offered",
            position=position,
            is_flipped=is_flipped,
            lease_until=self.database.now(),
            attempt=1,
            is_surplus=False,
            created_at=self.database.now(),
        )
        self.session.add(self._renewed(assignment))
        return assignment

    def _side(self, item: ItemRow) -> bool:
        """Return whether the second answer stands on the left.

        The side that makes the item's two orders even; where they are, the rater's; and the
        rater's first when they differ by MOST_ONE_SIDED.
        """
        n_answers = select(func.count()).where(CandidateRow.item_id == item.id)
        if (self.session.scalar(n_answers) or 0) < 2:
            return False
        is_pair = AssignmentRow.item_id.in_(
            select(CandidateRow.item_id).where(CandidateRow.position == 1)
        )
        own = self._lean(*self._mine(), AssignmentRow.occurrence == 0, is_pair)
        of_item = self._lean(AssignmentRow.item_id == item.id, *counting())
        lean = own if abs(own) >= MOST_ONE_SIDED else of_item or own
        if lean == 0:
            return bool(draw([self.row.seed, item.key, self.rater.handle, "side"]) % 2)
        return lean < 0

    def _lean(self, *which: ColumnElement[bool]) -> int:
        """Return how many assignments are flipped, less those that are not."""
        counted = self.session.execute(
            select(AssignmentRow.is_flipped, func.count())
            .where(*which)
            .group_by(AssignmentRow.is_flipped)
        )
        sides = dict(counted.all())
        return sides.get(True, 0) - sides.get(False, 0)

    def _items(self, kind: ItemKind) -> Select[int]:
        """Return ids of items that need a rater and that this one has not had; no texts yet."""
        had = select(AssignmentRow.item_id).where(
            *self._mine(), AssignmentRow.state.not_in(("expired", "released"))
        )
        return select(ItemRow.id).where(
            ItemRow.session_id == self.row.id,
            ItemRow.kind == kind,
            ItemRow.is_open,
            or_(ItemRow.target.is_(None), ItemRow.n_taken < ItemRow.target),
            ItemRow.id.not_in(had),
        )

    def _own_order(self) -> ColumnElement[int]:
        return (ItemRow.shuffle * self.member.multiplier + self.member.shift) % ORDER_PRIME

    def _mine(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return (
            AssignmentRow.session_id == self.row.id,
            AssignmentRow.rater_id == self.rater.id,
        )

    def _count(self, *which: ColumnElement[bool]) -> int:
        query = (
            select(func.count())
            .select_from(AssignmentRow)
            .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
            .where(*self._mine(), *which)
        )
        return self.session.scalar(query) or 0

    def _locked(self, item_id: int) -> ItemRow:
        query = select(ItemRow).where(ItemRow.id == item_id).with_for_update()
        # As it is now, not as it was when this unit first saw it.
        fresh = query.execution_options(populate_existing=True)
        return self.session.execute(fresh).scalar_one()
