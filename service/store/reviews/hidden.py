"""Which editions readers see: none that is under review, or was overtaken there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists

from service.model import ReviewState
from service.store.tables import edition, review


def public() -> ColumnElement[bool]:
    """The condition that an edition has gone, or never had to be reviewed."""
    own = review.alias("own_review")  # a statement may join the reviews for itself
    return ~exists().where(own.c.edition_id == edition.c.id, own.c.state != ReviewState.GONE.value)
