"""The shape of the TOML: the tables with ids, and the whole.

What one table alone can tell wrong is told here, what needs several of them in `crosschecks`.
Defaults that hang on another table (a digest's title is the site's) are filled in by Settings, so
that every room reads the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic.dataclasses import dataclass

from service.config.rules import Combination, NearTerms, RuleLists
from service.config.sections import (
    ID_PATTERN,
    Branding,
    Collect,
    ConfigSection,
    Dates,
    FooterLink,
    Hot,
    Id,
    Imap,
    Interval,
    Language,
    Log,
    Login,
    Mail,
    Metrics,
    Named,
    PerSite,
    Phrase,
    Publish,
    Quiet,
    Relay,
    Signup,
    Site,
    StoreSection,
    StoriesSection,
    StoryJudgement,
    Web,
    Words,
)
from service.config.values import (
    Duration,
    Holiday,
    Line,
    Network,
    ProxyAddress,
    SecretText,
    WebAddress,
    day_of_cut,
)
from service.model import REVIEWS, Cadence, SourceKind

__all__ = [
    "ID_PATTERN",
    "Branding",
    "Collect",
    "Combination",
    "ConfigSection",
    "Dates",
    "Digest",
    "FooterLink",
    "Hot",
    "Id",
    "Imap",
    "Interval",
    "Log",
    "Login",
    "Mail",
    "Metrics",
    "Named",
    "NearTerms",
    "PageSelectors",
    "PerSite",
    "Publish",
    "Relay",
    "Settings",
    "Signup",
    "Site",
    "Source",
    "StoreSection",
    "StoriesSection",
    "Topic",
    "Web",
]

CadenceText = Annotated[
    Phrase,
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [cadence.value for cadence in Cadence]},
                {"type": "string", "pattern": r"^\s*\S+(\s+\S+){4}\s*$"},  # five fields of cron
            ]
        }
    ),
]
"""A name or a cron line; `newsletter` judges it, since only there cron lines are understood."""

WAS = "Its previous id; addresses, history and subscriptions are kept under the new one"


class PageSelectors(ConfigSection):
    """Where the news stands on a page that has no feed, as CSS selectors."""

    entry: Phrase = Field(description="The block of one entry")
    title: Phrase = Field("a", description="In the block: headline, or the link around it")
    link: Phrase | None = Field(None, description="In the block: link; default: that of the title")
    date: Phrase | None = Field(None, description="In the block: date line")
    lead: Phrase | None = Field(None, description="In the block: first sentences")
    image: Phrase | None = Field(None, description="In the block: picture")


class _Known:
    """What a source is called: outside its keys, as `Named` has it for the other tables."""

    __slots__ = ("_id",)

    _id: str

    @property
    def id(self) -> str:
        return getattr(self, "_id", "")


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Source(_Known):
    """A feed, or a page without a feed, that is collected."""

    # No `ConfigSection`, though it reads as one: there may be 10,000 of them, and each takes
    # 0.34 KB of memory like this, as a model with dictionaries of its own 1.43 KB.

    title: Line = Field(
        default="",
        description="The outlet's name as readers see it; default: the feed's own title",
    )
    url: WebAddress = Field(description="The URL of the feed or page")
    kind: SourceKind = Field(
        default=SourceKind.FEED,
        description="feed; page: its list is found by itself, or by selectors; sitemap",
    )
    page: PageSelectors | None = Field(
        default=None,
        description='CSS selectors for kind = "page", if its list is not found automatically',
    )
    pages: int = Field(
        default=1,
        ge=1,
        le=20,
        strict=True,
        description="Pages of its list to read per poll, as long as all their entries are new",
    )
    article_pages: bool | None = Field(
        default=None,
        strict=True,
        description="Complete entries without headline, time or first sentences from their own "
        "pages; default: for page and sitemap, not for feed",
    )
    full_text: bool = Field(
        default=False,
        strict=True,
        description="Fetch the page of each new entry and store its full text",
    )
    topics: tuple[Id, ...] = Field(
        default=(),
        description="Topics for all articles of this source, besides those that match by rules",
    )
    language: Language | None = Field(default=None, description="Default: what the feed says")
    dates: Dates | None = Field(default=None, description="How its dates are written")
    weight: float = Field(
        default=1.0,
        ge=0,
        le=100,
        strict=True,
        description="Higher weight ranks higher in a digest and on the front page",
    )
    owner: Line = Field(
        default="",
        description="Who owns the outlet: sources of one owner count as one where a story is "
        "ranked by how many tell it; default: by the domain of its home page or URL",
    )
    paused: bool = Field(default=False, strict=True, description="Keep it, but do not poll it")
    interval: Interval | None = Field(default=None, description="Overrides [collect] interval")
    per_site: PerSite | None = Field(default=None, description="Overrides [collect] per_site")
    allow_networks: tuple[Network, ...] | None = Field(
        default=None, description="Overrides [collect] allow_networks"
    )
    auth: Login | None = Field(default=None, description="Login for the site (HTTP Basic)")
    headers: dict[str, SecretText] = Field(
        default={},
        description='Headers sent only to this site, such as "X-Key" = { env = "K" }',
    )
    proxy: ProxyAddress | None = Field(
        default=None, description='Overrides [collect] proxy; "none" for no proxy'
    )
    proxy_auth: Login | None = Field(default=None, description="Overrides [collect] proxy_auth")
    tls: Literal["modern", "legacy"] = Field(
        default="modern", description="legacy: also TLS 1.0 and weak ciphers, for old servers"
    )
    ca: Phrase | None = Field(default=None, description="Overrides [collect] ca")
    websub: bool | None = Field(default=None, strict=True, description="Overrides [collect] websub")
    was: Id | None = Field(default=None, description=WAS)


class _Titled(Named):
    title: Line = Field("", description="Title as readers see it; default: its id")


class Topic(RuleLists, _Titled):
    """A selection of articles, by rules: any, all, sources, categories bring in, none keeps out."""

    any_of: tuple[Combination, ...] = Field(
        (),
        description="Combinations, each a table with any, near, regex, all, none: one that holds "
        "is enough, as a word of any is",
    )
    all_of: tuple[Combination, ...] = Field((), description="Combinations that must all hold")
    none_of: tuple[Combination, ...] = Field(
        (), description="Combinations that keep an article out"
    )
    sources: tuple[Id, ...] = Field((), description="Match all articles of these sources")
    not_sources: tuple[Id, ...] = Field((), description="Exclude all articles of these sources")
    categories: Words = Field((), description="Match these categories of sources")
    languages: tuple[Language, ...] = Field((), description="Only articles in these languages")
    learn: bool = Field(
        False,
        strict=True,
        description="Match what a learned model finds as well; see `bantin topics train`",
    )
    threshold: float | None = Field(
        None,
        ge=0.3,
        le=0.99,
        description="How likely the learned model must find an article; default: 0.6",
    )
    was: Id | None = Field(None, description=WAS)
    _synonyms: Mapping[str, Words] = PrivateAttr({})

    @property
    def synonyms(self) -> Mapping[str, Words]:
        """The `[synonyms]` of the whole."""
        return self._synonyms

    @model_validator(mode="after")
    def _is_learned(self) -> Topic:
        if self.threshold is not None and not self.learn:
            raise ValueError("threshold is for learned topics; write learn = true, or leave it out")
        return self


class Digest(Named):
    """A newsletter: topics, cadence, size."""

    title: Line = Field("", description="Title as subscribers see it; default: the site's title")
    topics: tuple[Id, ...] | None = Field(None, description="Default: all topics, also later ones")
    cadence: CadenceText = Field(
        Cadence.WEEKLY.value, description="How often it is mailed: a name, or a cron line"
    )
    cadences: tuple[CadenceText, ...] = Field(
        (),
        description="Cadences that subscribers may choose, with the one above; default: only that",
    )
    day: Annotated[str | int, BeforeValidator(day_of_cut)] | None = Field(
        None, description='Weekly: "monday" …; monthly and longer: 1 to 31 or "last"'
    )
    at: str = Field(
        "07:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of day in the site's time zone",
    )
    holidays: tuple[Holiday, ...] = Field(
        (),
        description="Days without a mail, which comes on the first day after; "
        'days, or "FIRST/LAST"; nothing for immediate and hourly',
    )
    quiet: Quiet | None = Field(
        None, description="What falls into these hours and days is mailed at their end"
    )
    bundle: Duration | None = Field(
        None,
        description="Immediate mails wait for more, at most so long after the first story of each",
    )
    scope: Id = Field(
        "news",
        description="Each article is mailed once per scope; "
        "default of a quarterly or half-yearly digest: its cadence",
    )
    stories: StoriesSection = Field(StoriesSection(), description="Limits on the stories of a mail")
    look: Id = Field(
        "front-page",
        description='How its mails look: "front-page", "letter", or one of your own in '
        "templates/mail/looks/",
    )
    hot: bool = Field(
        False,
        strict=True,
        description='Only hot stories; with cadence = "immediate" each as soon as it is hot',
    )
    review: Duration | None = Field(
        None, description="How long before its hour editors get an edition; default: never"
    )
    review_required: bool = Field(
        False, strict=True, description="An edition that no editor let go waits; default: it goes"
    )
    editors: Words = Field(
        (), description='Who reviews: addresses, such as "lan@example.vn"; for review'
    )
    max_lateness: Duration | None = Field(
        None, description="Editions later than this are not mailed; default: the next cut"
    )
    was: Id | None = Field(None, description=WAS)


class Settings(ConfigSection):
    """The whole configuration, checked. Rooms get the section they need, not this."""

    include: Words = Field(
        (), description="More files, read from this one's folder; patterns such as feeds/*.toml"
    )
    log: Log = Log()
    site: Site = Site()
    branding: Branding = Branding()
    web: Web = Web()
    metrics: Metrics = Metrics()
    store: StoreSection = StoreSection()
    collect: Collect = Collect()
    stories: StoryJudgement = StoryJudgement()
    hot: Hot = Hot()
    publish: Publish = Publish()
    mail: Mail = Mail()
    signup: Signup = Signup()
    source: dict[Id, Source] = Field({}, description="[source.ID]: where news comes from")
    topic: dict[Id, Topic] = Field({}, description="[topic.ID]: selections, each with its feeds")
    synonyms: dict[Phrase, Words] = Field(
        {},
        description='Words that rules of topics find beside one: `"lũ" = ["lụt", "ngập"]`, and '
        "a rule with lũ finds all three",
    )
    digest: dict[Id, Digest] = Field({}, description="[digest.ID]: newsletters")
    _root: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _fill_in_from_the_whole(self) -> Settings:
        """Tables learn their ids, and the defaults that stand in other tables."""
        for tables in (self.topic, self.digest, self.mail.relay):
            for name, table in tables.items():
                table._id = name  # noqa: SLF001 - a table learns its id from the whole
        for name, source in self.source.items():
            object.__setattr__(source, "_id", name)  # as above; it is frozen in this as well
        for topic in self.topic.values():
            _default(topic, "title", topic.id)
            topic._synonyms = self.synonyms  # noqa: SLF001 - as its id
        for digest in self.digest.values():
            _default(digest, "title", self.site.title)
            _default(digest, "cadences", (digest.cadence,))
            if "scope" not in digest.model_fields_set and REVIEWS.issuperset(digest.cadences):
                digest.__dict__["scope"] = digest.cadence  # by the back door as well
        return self

    @property
    def root(self) -> Path:
        """The folder of the main file, absolute; relative paths are read from here."""
        return self._root

    @property
    def var(self) -> Path:
        """What the service writes: database, outbox, pid file."""
        return self._root / "var"

    @property
    def model_file(self) -> Path:
        """Where the model of learned topics is, if the site has one."""
        return self.var / "topics.npz"

    @property
    def zone(self) -> str:
        """The site's zone, an IANA name; `load` fills in the system's where none is written."""
        return self.site.timezone or "UTC"


def _default(section: ConfigSection, key: str, value: object) -> None:
    """Fill in what was left out. By the back door: the section is new and nobody has seen it."""
    if not getattr(section, key):
        section.__dict__[key] = value
