"""What can go wrong between a rater and a session; each message is fit for the person."""

from __future__ import annotations

from harness.errors import InputError, StoreError


class DatabaseError(StoreError):
    """The database of annotations cannot be used."""


class AnnotationError(InputError):
    """A session, rater or file does not allow what was asked."""


class NotAllowedError(AnnotationError):
    """The person may not do this: wrong link or password, another role, another's item."""


class SessionStateError(AnnotationError):
    """The session is not open, or no longer."""


class SubmissionError(AnnotationError):
    """A rating is incomplete or does not fit the scales; nothing was stored."""
