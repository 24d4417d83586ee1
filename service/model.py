"""What every room speaks in: frozen values and enums. No I/O, no clock.

All instants are aware datetimes in UTC. A None instant means "not said" or "not yet".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum


class SourceKind(StrEnum):
    """How a source is read."""

    FEED = "feed"
    PAGE = "page"
    SITEMAP = "sitemap"


class Scope(StrEnum):
    """What counts as one site: a registrable domain, one host of it, or each source for itself."""

    DOMAIN = "domain"
    HOST = "host"
    SOURCE = "source"


class Refusal(StrEnum):
    """Why an entry did not become an article (promise 1: nothing is silent)."""

    EMPTY = "empty"  # neither title nor text
    UNREADABLE = "unreadable"  # cleaning it failed
    UNREAD = "unread"  # not yet: its page is still to be read
    NO_PAGE = "no_page"  # its list gave no headline, and its page could not be read


class Cadence(StrEnum):
    """The named rhythms of a digest; a cron line is the other kind."""

    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half-yearly"


REVIEWS = frozenset({Cadence.QUARTERLY, Cadence.HALF_YEARLY})
"""Rhythms that look back: what is told in them was told as news before, and is ordered by what
mattered (docs/decisions/080)."""


class DeliveryKind(StrEnum):
    """What a message is for. Only `edition` has an edition behind it."""

    EDITION = "edition"
    CONFIRM = "confirm"
    WELCOME = "welcome"
    CHANGE = "change"
    REPORT = "report"


class DeliveryState(StrEnum):
    """Where one message to one subscription stands (`store.mailing.deliveries`)."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    DROPPED = "dropped"


class ReviewState(StrEnum):
    """Where an edition stands that somebody may look at before it goes (newsletter/review)."""

    WAITING = "waiting"  # nobody has said a word
    HELD = "held"
    APPROVED = "approved"  # it goes at its hour
    RELEASED = "released"  # it goes at once
    GONE = "gone"  # it is being planned, or was; nothing changes it any more
    OVERTAKEN = "overtaken"  # a later edition tells what it had


class ReviewAct(StrEnum):
    """What an editor may do to an edition."""

    HOLD = "hold"
    APPROVE = "approve"
    RELEASE = "release"
    DROP = "drop"
    RESTORE = "restore"
    PIN = "pin"
    UP = "up"
    DOWN = "down"
    OPENING = "opening"
    NOTE = "note"
    COPY = "copy"


OPEN_STATES = frozenset(
    {
        DeliveryState.PLANNED,
        DeliveryState.CLAIMED,
        DeliveryState.SENDING,
        DeliveryState.DEFERRED,
    }
)
"""A delivery in one of these is open: the cuts of its subscription wait."""

UNSETTLED_STATES = OPEN_STATES | {DeliveryState.UNCERTAIN}
"""What may still be sent: the open ones, and uncertain ones, whose reader does not wait
for them (docs/decisions/002)."""


class EndedReason(StrEnum):
    """Why a subscription ended. It is never deleted."""

    ONE_CLICK = "one_click"
    PAGE = "page"
    ALL = "all"
    NOT_CONFIRMED = "not_confirmed"
    DIGEST_REMOVED = "digest_removed"
    ADMIN = "admin"
    FORGOTTEN = "forgotten"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that hangs on an entry. `length` in bytes, None = not said or not believable."""

    url: str
    type: str
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """The picture of an entry. Width and height in pixels, None = not said."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as found in a source. Text is NFC; markup is not cleaned yet.

    `key` is the entry key within its source (`parse.feed.entry_keys`). `link` is absolute, and what
    the document's own link element says. `origin` is the publisher's address where the document
    names it besides, as FeedBurner does, whose links count clicks; None = it names no other. Each
    may be a key of the article or not. `base` is the address against which relative links in
    `summary` and `content` are read. `twins` are the keys of entries that stand beside it in its
    document and tell the same article.
    """

    key: str
    guid: str | None
    link: str | None
    link_is_key: bool
    title: str
    published: datetime | None = None
    updated: datetime | None = None
    summary: str = ""
    content: str = ""
    base: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image: Image | None = None
    language: str | None = None
    origin: str | None = None
    origin_is_key: bool = False
    twins: tuple[str, ...] = ()

    @property
    def address(self) -> str | None:
        """Where people read it: at the publisher's, past services that count clicks in between."""
        return self.origin or self.link


@dataclass(frozen=True, slots=True)
class Further:
    """A document that this one goes on in: a list's next page, a child of a sitemap's index.

    `changed`: when it last changed, as the document says, in UTC; None = it does not say.
    """

    url: str
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What one fetch of a source says, in the order of the document.

    `repairs` names what had to be repaired before it could be read. `ttl_s` is the rhythm that the
    document itself asks for, in seconds; `phase_s` when in it, `skips` when not at all (see
    parse/feed/publisher_hints.py). `further` is where it goes on. `place` is where in a
    page its list was found by itself, None where nothing was searched for. `beyond` counts entries
    that were not taken, since there were more than we take of one document. `hubs` are those that
    it names, `self_url` is what it calls itself (WebSub).
    """

    title: str
    link: str | None
    language: str | None
    entries: tuple[Entry, ...]
    repairs: tuple[str, ...] = ()
    ttl_s: int | None = None
    further: tuple[Further, ...] = ()
    place: str | None = None
    phase_s: int | None = None
    skips: int = 0
    beyond: int = 0
    hubs: tuple[str, ...] = ()
    self_url: str | None = None


@dataclass(frozen=True, slots=True)
class Outlet:
    """The outlet that told the news, as readers see it: title, home, the article's address."""

    source: str
    title: str
    home: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """A topic that a story is in: its id in the TOML, its title, when the story entered it."""

    name: str
    title: str
    entered_at: datetime
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """The articles that tell the same news, as one thing to list. One article represents it.

    `lead` is plain text, `content` clean HTML ("" unless the source's own feed is full).
    `published` is what the outlet says (None = nothing), `updated` moves only when the text changed
    in substance, `entered_at` is when it first entered any topic. `article_ids` are all articles
    that tell it, the representing one first; `others` are the other outlets. `hot`: many outlets
    told it within hours.
    """

    id: int
    public_id: str
    article_ids: tuple[int, ...]
    outlet: Outlet
    title: str
    lead: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    entered_at: datetime | None = None
    first_seen_at: datetime | None = None
    weight: float = 1.0
    image: Image | None = None
    enclosures: tuple[Enclosure, ...] = ()
    others: tuple[Outlet, ...] = ()
    topics: tuple[TopicEntry, ...] = ()
    hot: bool = False

    @property
    def link(self) -> str | None:
        """The original's address, None where the source gave none."""
        return self.outlet.link

    @property
    def sort_at(self) -> datetime:
        """The instant by which stories are ordered: min(published, entered_at)."""
        seen = self.entered_at or self.first_seen_at
        instants = [at for at in (self.published, seen) if at is not None]
        return min(instants)


class StoryActKind(StrEnum):
    """What an admin says by hand about the stories of articles."""

    APART = "apart"  # articles of two sides are never in one story
    TOGETHER = "together"  # all of them are in one story


@dataclass(frozen=True, slots=True)
class StoryAct:
    """One act by hand. `sides`: article -> the side that it is on, from 0; `actor`: who did it."""

    id: int
    kind: StoryActKind
    actor: str
    happened_at: datetime
    sides: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class QuietTime:
    """When no mail is wanted, by the clock of a zone.

    `hours`: from, and until which is not quiet any more, over midnight where the end is earlier.
    `weekdays`: whole days, Monday is 0. `dates`: whole days besides.
    """

    hours: tuple[time, time] | None = None
    weekdays: frozenset[int] = frozenset()
    dates: frozenset[date] = frozenset()


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As a digest's `day` and what feeds skip are written."""


@dataclass(frozen=True, slots=True)
class CadenceRule:
    """When a digest is cut, in civil time of a zone.

    `rhythm` is a Cadence value or a five-field cron line. `day` is "monday".."sunday" for weekly,
    "1".."31" or "last" for monthly and longer, None otherwise. `holidays`: days of that zone
    without a cut (newsletter/holidays.py); immediate and hourly have none. `quiet`: what would be
    cut in it is cut at its end; None = it never is quiet.
    """

    rhythm: str
    at: time = time(7, 0)
    day: str | None = None
    holidays: frozenset[date] = frozenset()
    quiet: QuietTime | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """A rendered message before it is made personal. Personal values stand as marks in it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What a job changed, for the pipeline to follow. The mark in the store is the truth."""

    topics: frozenset[str] = field(default_factory=frozenset)
    articles: int = 0
    deliveries: int = 0
