"""An editor at a desk of the newsroom: their links, and what they press."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from service.model import ReviewAct
from service.newsletter.review.acts import ReviewOutcome, ReviewWish, act
from service.store import tables as t
from service.store.reviews import reviews
from service.store.reviews.reviews import EditionReview
from tests.newsletter.newsroom import Newsroom

LAN, HOA = "lan@example.vn", "hoa@example.vn"
REVIEWED = {"cadence": "daily", "review": "2h", "editors": [LAN, HOA]}


def newest(room: Newsroom) -> EditionReview:
    """The review of the edition that was frozen last."""
    with room.store.read() as connection:
        last = connection.scalar(
            select(t.review.c.edition_id).order_by(t.review.c.edition_id.desc())
        )
        assert last is not None
        found = reviews.of_edition(connection, last)
    assert found is not None
    return found


def token(room: Newsroom, editor: str = LAN, review: EditionReview | None = None) -> str:
    one = review or newest(room)
    with room.store.read() as connection:
        return next(
            link.token
            for link in reviews.links(connection, one.edition_id)
            if link.address == editor
        )


def press(
    room: Newsroom,
    do: str = "",
    story: str = "",
    *,
    editor: str = LAN,
    version: int | None = None,
    review: EditionReview | None = None,
    **words: Any,
) -> ReviewOutcome:
    """What a form does; `story` is a headline. `version` None: the page was opened just now."""
    seen = review or newest(room)
    with room.store.read() as connection:
        seen = reviews.of_edition(connection, seen.edition_id) or seen
    wish = ReviewWish(
        seen.version if version is None else version,
        ReviewAct(do) if do else None,
        public_id(room, story) if story else "",
        words.get("opening"),
        {public_id(room, title): said for title, said in words.get("notes", {}).items()},
    )
    return act(room.store, room.settings, room.renderer, room.now, token(room, editor, seen), wish)


def public_id(room: Newsroom, title: str) -> str:
    with room.store.read() as connection:
        found = connection.scalar(
            select(t.story.c.public_id)
            .join(t.article, t.article.c.id == t.story.c.article_id)
            .where(t.article.c.title == title)
        )
    assert found is not None
    return str(found)


def text(room: Newsroom, address: str = "minh@example.vn") -> str:
    """The text part of the last mail to somebody."""
    part = room.outbox(address)[-1].get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def order(said: str, *titles: str) -> list[str]:
    """Those of the headlines that stand in a text, in its order."""
    return sorted((one for one in titles if one in said), key=said.index)
