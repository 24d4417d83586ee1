"""The shape of the TOML. A key stands here only once it works; unknown keys are faults.

Field names are the TOML's keys, except where a key is a Python word (`from`, `any`, `all`).
The loader gives every table its id, and the whole its root (the folder of the first file).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from service.config.values import Duration, Rate, Secret, SecretRef
from service.model import Cadence, SourceKind

ID_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"
"""An id stands in addresses, file names and List-Id: lower-case letters, digits, hyphens."""

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Words = tuple[str, ...]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class Section(BaseModel):
    """A table of the TOML: frozen, and an unknown key in it is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Named(Section):
    """A table with an id: `[source.ID]`, `[topic.ID]`, `[digest.ID]`, `[mail] relay.ID`."""

    _id: str = PrivateAttr("")

    @property
    def id(self) -> str:
        return self._id


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, JSON in a pipe"
    )


class Site(Section):
    title: str = Field("Bantin", min_length=1, description="Short: stands behind each feed's title")
    base_url: str | None = Field(None, description="Where readers reach the service, with scheme")
    language: Language = "en"
    timezone: str = Field("", description="IANA zone; empty: the system's")
    contact: str | None = Field(None, description="Address on pages and in the User-Agent")


class Link(Section):
    title: str
    url: str


class Branding(Section):
    accent: str = Field("#0b57a4", description="A colour as #rrggbb, contrast to white >= 4.5:1")
    address: str = ""
    legal: str = ""
    links: tuple[Link, ...] = ()


class Web(Section):
    listen: str = Field("127.0.0.1:8000", description="host:port")
    trusted_proxies: Words = Field((), description="Whose X-Forwarded-* is believed")


class StoreSection(Section):
    url: str = "sqlite:///var/bantin.db"


class Interval(Section):
    min: Duration = dt.timedelta(minutes=15)
    max: Duration = dt.timedelta(hours=12)


class PerSite(Section):
    delay: Duration = dt.timedelta(seconds=2)
    connections: int = Field(1, ge=1, le=16)


class Collect(Section):
    interval: Interval = Interval()
    per_site: PerSite = PerSite()
    allow_networks: Words = Field((), description="Private networks that sources may stand in")


class Publish(Section):
    content: Literal["title", "lead", "full"] = "lead"
    images: Literal["none", "link"] = "link"
    rights: str = ""


class Relay(Named):
    host: str
    port: int | None = Field(None, ge=1, le=65535, description="465 TLS, 587 STARTTLS, 25 either")
    security: Literal["tls", "starttls", "plain"] | None = Field(
        None, description="Default: by the port; plain only on loopback or when written here"
    )
    username: str | None = None
    password: SecretRef | str | None = None
    rate: Rate | None = Field(None, description="Messages, such as 10/s")
    connections: int = Field(4, ge=1, le=50)
    _secret: Secret | None = PrivateAttr(None)

    @property
    def secret(self) -> Secret | None:
        """The password as read from its place; None where there is none."""
        return self._secret


class Mail(Section):
    from_: str | None = Field(None, alias="from", description='"Title <name@example.org>"')
    reply_to: str | None = None
    uncertain: Literal["hold"] = "hold"
    relay: dict[Id, Relay] = {}


class Signup(Section):
    ask: tuple[Literal["topics", "cadence"], ...] = ("topics", "cadence")
    welcome: Literal["last-edition", "none"] = "last-edition"
    privacy: str | None = None


class PageSelectors(Section):
    entry: str = Field(description="CSS selector of one entry's block")
    title: str = Field("a", description="In the block: its headline, or the link that holds it")
    link: str | None = Field(None, description="In the block: the link; default: title's own")
    date: str | None = None
    lead: str | None = None
    image: str | None = None


class Dates(Section):
    order: Literal["dmy", "mdy", "ymd"] | None = None
    zone: str | None = None


class Source(Named):
    title: str = Field("", description="The outlet's name, as readers will see it")
    url: str
    kind: SourceKind = SourceKind.FEED
    page: PageSelectors | None = None
    topics: tuple[Id, ...] = ()
    language: Language | None = None
    dates: Dates | None = None
    weight: float = Field(1.0, ge=0, le=100)
    paused: bool = False
    interval: Interval | None = None
    per_site: PerSite | None = None
    allow_networks: Words | None = None
    was: Id | None = None


class Topic(Named):
    title: str = ""
    any: Words = ()
    all: Words = ()
    none: Words = ()
    sources: tuple[Id, ...] = ()
    not_sources: tuple[Id, ...] = ()
    categories: Words = ()
    languages: tuple[Language, ...] = ()
    was: Id | None = None


class StoriesSection(Section):
    min: int = Field(1, ge=1)
    max: int = Field(20, ge=1, le=100)
    per_source: int | None = Field(None, ge=1)


class Digest(Named):
    title: str = ""
    topics: tuple[Id, ...] | None = Field(None, description="Default: every topic, now and later")
    cadence: str = Cadence.WEEKLY
    cadences: Words | None = None
    day: str | int | None = None
    at: str = Field("07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    scope: Id = "news"
    stories: StoriesSection = StoriesSection()
    max_lateness: Duration | None = None
    was: Id | None = None


class Settings(Section):
    """The whole configuration, checked. Rooms get the section they need, not this."""

    include: Words = ()
    log: Log = Log()
    site: Site = Site()
    branding: Branding = Branding()
    web: Web = Web()
    store: StoreSection = StoreSection()
    collect: Collect = Collect()
    publish: Publish = Publish()
    mail: Mail = Mail()
    signup: Signup = Signup()
    source: dict[Id, Source] = {}
    topic: dict[Id, Topic] = {}
    digest: dict[Id, Digest] = {}
    _root: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _name_the_tables(self) -> Settings:
        for tables in (self.source, self.topic, self.digest, self.mail.relay):
            for name, table in tables.items():
                table._id = name  # noqa: SLF001 - a table learns its id from the whole
        return self

    @property
    def root(self) -> Path:
        """The folder of the main file, absolute; relative paths are read from here."""
        return self._root

    @property
    def var(self) -> Path:
        """What the service writes: database, outbox, pid file."""
        return self._root / "var"
