"""Editions and archives as pages show them: from frozen rows to views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from service.config.schema import Publish
from service.curate.selection.balance import take_turns
from service.curate.selection.score import score
from service.curate.selection.standing import from_json
from service.publish.views import EditionLine, EditionPage, as_published, by_topic
from service.render.addresses import absolute, edition_name, edition_page
from service.render.views import SiteView, StoryView, TopicLink, is_recalled, thaw
from service.store.content import page_queries
from service.store.content.page_queries import PublishedEdition
from service.store.core.database import Connection
from service.store.mailing import editions as edition_rows
from service.store.mailing.editions import Frozen

HEADLINES = 3
"""Headlines of an edition in the archive."""

LATE_COMMITS = timedelta(hours=1)
"""What entered this long before an edition's period may have come too late for the one before."""

_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_CHARS = len("20261123T000000Z")


def find(
    connection: Connection, digest: str, name: str, *, hidden: bool = False
) -> PublishedEdition | None:
    """Finds an edition by its name; the plain name of a cut also leads to an unlisted one.

    `hidden`: also one that has no page before its editors let it go.
    """
    try:
        cut_at = datetime.strptime(name[:_STAMP_CHARS], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    found = page_queries.editions(connection, digest, listed=False, hidden=hidden, cut_at=cut_at)
    for edition in found:
        if edition_name(edition.cut_at, edition.cadence, listed=edition.listed) == name:
            return edition
    return found[0] if found and len(name) == _STAMP_CHARS else None


def path(edition: PublishedEdition) -> str:
    """The path of its page."""
    return edition_page(edition.digest, edition.cut_at, edition.cadence, listed=edition.listed)


def lines(connection: Connection, digest: str) -> list[EditionLine]:
    """The archive of a digest, newest first."""
    listed = page_queries.editions(connection, digest)
    ids = [edition.id for edition in listed]
    titles = page_queries.headlines(connection, ids, HEADLINES)
    sizes = page_queries.sizes(connection, ids)
    return [
        EditionLine(edition.cut_at, path(edition), tuple(titles[edition.id]), sizes[edition.id])
        for edition in listed
    ]


def page(
    connection: Connection,
    edition: PublishedEdition,
    order: Sequence[str],
    publish: Publish,
    site: SiteView,
) -> EditionPage:
    """What entered in its own period and no earlier edition has; the rest stands as earlier.

    `order`: the digest's topics. As in its mails, that of the first story comes before them.
    """
    frozen = edition_rows.stories(connection, edition.id)
    told = page_queries.in_earlier_editions(connection, edition)
    since = edition.period_from - LATE_COMMITS
    own = [one for one in frozen if one.story_id not in told and _entered(one, since)]
    rest = [one for one in frozen if one not in own]
    listed = None if edition.listed else page_queries.listed_with(connection, edition)
    placed: dict[TopicLink, list[Frozen]] = {}
    for one in own:
        placed.setdefault(_topic_of(one, order, since), []).append(one)
    return EditionPage(
        digest=edition.digest,
        title=edition.digest_title,
        cut_at=edition.cut_at,
        sections=by_topic(
            [
                (topic, _shown(one, publish))
                for topic, some in placed.items()
                for one in _in_turn(some)
            ],
            (*(topic.id for topic in islice(placed, 1)), *order),
        ),
        earlier=tuple(_shown(one, publish) for one in rest),
        more=edition.more,
        canonical=None if listed is None else absolute(path(listed), site.base_url),
        opening=edition.opening,
        notes={
            one.view["public_id"]: one.note
            for one in frozen
            if one.note and not is_recalled(one.view)
        },
    )


def _in_turn(stories: list[Frozen]) -> list[Frozen]:
    """A section in the order of the mail for those who follow all topics of the digest.

    Editions of which nobody knows what their order followed from stay as they were frozen.
    """
    scores = {}
    for one in stories:
        names = [name for name, _ in one.topics]
        standing = from_json(one.standing, names)
        if standing is None:
            return stories
        scores[one.story_id] = score(standing, names).total
    return take_turns(
        stories, lambda one: scores[one.story_id], lambda one: one.view["outlet"].casefold()
    )


def _shown(one: Frozen, publish: Publish) -> StoryView:
    return as_published(thaw(one.view), publish)


def _entered(one: Frozen, since: datetime) -> bool:
    return any(at >= since for _topic, at in one.topics)


def _topic_of(one: Frozen, order: Sequence[str], since: datetime) -> TopicLink:
    """Under which a story stands, as in the mails: the digest's first that it entered by then."""
    entered = [name for name, at in one.topics if at >= since]
    known = sorted((name for name in entered if name in order), key=order.index)
    titles = dict(one.view["topics"])
    name = next(iter((*known, *entered)))
    return TopicLink(name, titles.get(name, name))
