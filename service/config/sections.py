"""The sections of the TOML that stand once: what a whole site is and does.

Field names are the TOML's keys, except where a key is a Python word (`from`). An unknown key is a
fault, so a key stands here only once it works.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from service.config.values import (
    DAYS,
    DomainName,
    Duration,
    HoursOfDay,
    Line,
    ListenAddress,
    Network,
    ProxyAddress,
    Rate,
    Secret,
    SecretText,
    Selector,
    StoreUrl,
    WebAddress,
    WebOrigin,
    Weekday,
    ZoneName,
    phrase,
    zone_or_none,
)
from service.model import Scope

ID_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"
"""An id stands in addresses, file names and List-Id: lower-case letters, digits, hyphens."""

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Phrase = Annotated[str, Field(min_length=1), AfterValidator(phrase)]
Words = tuple[Phrase, ...]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class ConfigSection(BaseModel):
    """A table of the TOML: frozen, and an unknown key in it is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Named(ConfigSection):
    """A table with an id: `[topic.ID]`, `[digest.ID]`, `[mail] relay.ID`; not `[source.ID]`."""

    _id: str = PrivateAttr("")

    @property
    def id(self) -> str:
        return self._id


class Dates(ConfigSection):
    """How a source writes its dates."""

    order: Literal["dmy", "mdy", "ymd"] | None = Field(
        None, description="Order of numeric dates; default: day first"
    )
    zone: ZoneName | None = Field(
        None, description="Zone of times without one; default: the site's"
    )


class Login(ConfigSection):
    """A name and a password."""

    username: Line = Field(description="User name")
    password: SecretText = Field(description="The password, or where it is kept")


class Log(ConfigSection):
    """What the service logs on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is written"
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, JSON in a pipe"
    )


class Site(ConfigSection):
    """Name, address and language of the service."""

    title: Phrase = Field("Bantin", description="Keep it short: it follows the title of each feed")
    base_url: WebAddress | None = Field(
        None, description="The public URL of the service, with scheme"
    )
    language: Language = Field("en", description="For pages and mails; vi and en are included")
    timezone: Annotated[str, AfterValidator(zone_or_none)] = Field(
        "",
        description="The IANA time zone for hours in this file and on pages; default: the system's",
    )
    contact: Line | None = Field(
        None, description="Mail address on pages, for complaints, and in the collector's User-Agent"
    )


class FooterLink(ConfigSection):
    """A link in the footer of pages."""

    title: Phrase = Field(description="The words that are linked")
    url: WebAddress = Field(description="Where it leads")


class Branding(ConfigSection):
    """How pages and mails look, and who is responsible for them."""

    accent: str = Field(
        "#0b57a4",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="A colour as #rrggbb with a contrast to white of at least 4.5:1",
    )
    logo: Phrase | None = Field(
        None,
        description="A picture at the head of mails, carried inside them: PNG, JPEG or GIF of at "
        "most 40,000 bytes, best 480 pixels wide or 96 high, and readable on a dark ground as well",
    )
    address: str = Field("", max_length=2000, description="Postal address, in each footer")
    legal: str = Field("", max_length=2000, description="Licence and responsible person, there too")
    links: tuple[FooterLink, ...] = Field((), description="Links in the footer of pages")


class Web(ConfigSection):
    """The web server of `bantin up`."""

    listen: ListenAddress = Field("127.0.0.1:8000", description="host:port")
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="Addresses or networks whose X-Forwarded-* headers are trusted"
    )


class Metrics(ConfigSection):
    """What Prometheus reads, on a socket of its own: docs/monitoring.md."""

    listen: ListenAddress | None = Field(
        None, description='host:port of /metrics, such as "127.0.0.1:9464"; default: there is none'
    )
    key: SecretText | None = Field(
        None,
        description="Who reads it must bring this as a bearer token; needed beyond loopback",
    )


class StoreSection(ConfigSection):
    """The database."""

    url: StoreUrl = Field(
        "sqlite:///var/bantin.db",
        repr=False,
        description="sqlite:///PATH, read from this file's folder, or postgresql://…",
    )


class Interval(ConfigSection):
    """Between which bounds a source is asked again."""

    min: Duration = Field(dt.timedelta(minutes=15), description="Minimum between polls")
    max: Duration = Field(
        dt.timedelta(hours=12),
        description="Maximum, unless its publisher asks for more: by max-age or ttl at most a day, "
        "by Retry-After 28 days",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Interval:
        if not self.min:
            raise ValueError('min is nothing; write one such as "15m"')
        if self.min > self.max:
            raise ValueError("min is longer than max; exchange them, or write both keys")
        return self


class PerSite(ConfigSection):
    """Limits for requests to one site, all of its sources together."""

    delay: Duration = Field(dt.timedelta(seconds=2), description="Delay between two requests")
    connections: int = Field(1, ge=1, le=16, strict=True, description="Connections at one time")
    scope: Scope = Field(
        Scope.DOMAIN,
        description="What counts as one site: a registrable domain, a host, or a source (for "
        "bridges such as RSSHub, whose routes fail independently)",
    )


class Collect(ConfigSection):
    """How sources are polled; a [source.ID] may override each key."""

    interval: Interval = Field(Interval(), description="Bounds of the polling interval")
    per_site: PerSite = Field(PerSite(), description="Limits for requests to one site")
    allow_networks: tuple[Network, ...] = Field(
        (),
        description="Private networks that sources may be in, as CIDR; redirects from outside "
        "cannot enter them",
    )
    proxy: ProxyAddress | None = Field(
        None, description='Proxy for all requests, "http://host:port"'
    )
    proxy_auth: Login | None = Field(None, description="Login for the proxy")
    ca: Phrase | None = Field(
        None, description="File of certificates (PEM) that are trusted besides the system's"
    )
    websub: bool | None = Field(
        None,
        strict=True,
        description="Subscribe to hubs (WebSub); default: if base_url is public. true: also with a "
        "base_url on this machine",
    )


class Hot(ConfigSection):
    """When a story is hot: marked on pages, in feeds/hot.*, and told by digests with hot = true."""

    outlets: int = Field(
        5, ge=2, strict=True, description="Told by so many outlets that do not belong together"
    )
    within: Duration = Field(dt.timedelta(hours=6), description="Within this time")


class Publish(ConfigSection):
    """What topic feeds contain."""

    content: Literal["title", "lead", "full"] = Field(
        "lead", description="full: if the source's own feed has the full text, or full_text is set"
    )
    images: Literal["none", "link"] = Field("link", description="link: on the outlet's server")
    rights: str = Field("", description="Rights statement in every feed")


class StoryJudgement(ConfigSection):
    """Whether what several outlets tell of one event is one story."""

    enabled: bool = Field(True, description="false: each article is a story of its own")
    window: Duration = Field(
        dt.timedelta(days=5), description="How long a story takes articles of other outlets in"
    )


class Relay(Named):
    """A mail server that takes our mails."""

    host: Phrase = Field(description="Host name or address")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        strict=True,
        description="465 for TLS, 587 for STARTTLS, 25 for either",
    )
    security: Literal["tls", "starttls", "plain"] | None = Field(
        None, description="Default: by the port; plain only on loopback or when written here"
    )
    username: Line | None = Field(None, description="User name, if a login is needed")
    password: SecretText | None = Field(None, description="The password, or where it is kept")
    rate: Rate | None = Field(
        None, description="Maximum rate of messages of all machines together, such as 10/s"
    )
    connections: int = Field(10, ge=1, le=50, strict=True, description="Connections of a process")
    priority: int = Field(
        1,
        ge=1,
        le=9,
        strict=True,
        description="Relays of the lowest number take all mail; others only while those take none",
    )
    _secret: Secret | None = PrivateAttr(None)

    @property
    def secret(self) -> Secret | None:
        """The password as read from its place; None where there is none."""
        return self._secret


class Dkim(ConfigSection):
    """The key that signs every mail: `bantin mail keys` makes one."""

    domain: DomainName = Field(description="The domain that signs; it fits that of `from`")
    selector: Selector = Field(
        description="Names the key: its record stands at SELECTOR._domainkey.DOMAIN"
    )
    key: SecretText = Field(
        description="The private key as PEM, or where it is kept: RSA of 2048 bits, or Ed25519"
    )


class Imap(ConfigSection):
    """A mailbox that is read by IMAP, once a minute."""

    host: Phrase = Field(description="Host name or address")
    port: int | None = Field(
        None, ge=1, le=65535, strict=True, description="993 for TLS, 143 for STARTTLS"
    )
    security: Literal["tls", "starttls", "plain"] | None = Field(
        None, description="Default: by the port; plain only on loopback or when written here"
    )
    username: Line = Field(description="User name")
    password: SecretText = Field(description="The password, or where it is kept")
    folder: Line = Field("INBOX", description="The folder where returned mail arrives")


class Bounces(ConfigSection):
    """Where mail that cannot be delivered comes back to."""

    address: Line = Field(
        description="Every mail gets a return path of its own below it: NAME+…@DOMAIN"
    )
    imap: Imap | None = Field(
        None, description="The mailbox of this address, which the service then reads by IMAP"
    )


class Mail(ConfigSection):
    """The sender of mails and the relays. Without a relay mails stay in var/outbox."""

    from_: Line | None = Field(
        None, alias="from", description='"Title <name@example.org>"; needed with a relay'
    )
    reply_to: Line | None = Field(None, description="Address for replies")
    uncertain: Literal["hold", "resend"] = Field(
        "hold",
        description="What happens to a mail whose relay never gave its final answer: it is held, "
        "or sent again after 15 minutes, up to three times: then it may arrive twice",
    )
    rates: dict[DomainName, Rate] = Field(
        {},
        description='Maximum rates by the domain of the address, such as "gmail.com" = "20/s"; the '
        "domains of Gmail, Outlook and Yahoo have one rate each",
    )
    bounces: Bounces | None = Field(
        None, description="Where mail that cannot be delivered comes back to"
    )
    dkim: Dkim | None = Field(None, description="The key that signs every mail (DKIM)")
    relay: dict[Id, Relay] = Field({}, description="The mail servers, by id")


class Signup(ConfigSection):
    """The sign-up form and the mail after it."""

    ask: tuple[Literal["topics", "cadence"], ...] = Field(
        ("topics", "cadence"),
        description="Questions in the form; all others are in the preferences",
    )
    welcome: Literal["last-edition", "none"] = Field(
        "last-edition", description="Mail sent after the confirmation"
    )
    privacy: WebAddress | None = Field(None, description="The URL of your privacy page")
    embed: tuple[WebOrigin, ...] = Field(
        (),
        description="Other sites, by scheme and host, with a sign-up form that works at once, and "
        "to which it may return",
    )


class Quiet(ConfigSection):
    """When a digest is not mailed, in the time zone of each subscriber."""

    hours: HoursOfDay | None = Field(
        None, description='From when until when, such as "22:00-06:00"'
    )
    days: tuple[Weekday, ...] = Field((), description='Whole days, such as ["sat", "sun"]')

    @model_validator(mode="after")
    def _leaves_time(self) -> Quiet:
        if self.hours is None and not self.days:
            raise ValueError(
                'no time is named; write hours = "22:00-06:00", days = ["sun"] or both'
            )
        if len(set(self.days)) == len(DAYS):
            raise ValueError("all days are quiet; leave one out")
        return self


class StoriesSection(ConfigSection):
    """Limits on the stories of a mail."""

    min: int = Field(1, ge=1, strict=True, description="With fewer, they wait for the next edition")
    max: int = Field(20, ge=1, le=100, strict=True, description="More are only counted")
    per_source: int | None = Field(None, ge=1, strict=True, description="Maximum per source")
    per_topic: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="Maximum per topic; topics share max fairly in any case",
    )

    @model_validator(mode="after")
    def _in_order(self) -> StoriesSection:
        if self.min > self.max:
            raise ValueError("min is more than max; exchange them, or write both keys")
        return self
