"""What no row may say, refused by the database itself."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from service.errors import ConflictError
from service.store import tables as t
from tests.mail.stock import fill

REFUSED = {
    "a state that is none": update(t.delivery).values(state="lost"),
    "a kind of mail that is none": update(t.delivery).values(kind="editon"),
    "a place in a queue that nobody serves": update(t.delivery).values(priority=2),
    "in hand without a lease": update(t.delivery).values(state="claimed"),
    "a lease of what is in nobody's hands": update(t.delivery).values(
        lease_owner="a", lease_until=t.delivery.c.created_at
    ),
    "an edition's mail without its edition": update(t.delivery).values(edition_id=None),
    "an owner without an end of the lease": update(t.source_poll).values(lease_owner="a"),
    "told by whom it is held, and not until when": update(t.source_poll).values(
        held_by_id=t.source_poll.c.source_id
    ),
    "a pause that ends and never began": update(t.source).values(
        paused_until=t.source.c.created_at
    ),
    "ended without a reason": update(t.subscription).values(ended_at=t.subscription.c.created_at),
    "a redirect of something else": insert(t.redirect).values(
        kind="source", old_name="a", new_name="b"
    ),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_contradicts_itself_is_refused(any_store, now, said):
    fill(any_store, now, ["lan@example.vn"])
    with pytest.raises(ConflictError), any_store.write() as connection:
        connection.execute(REFUSED[said])
