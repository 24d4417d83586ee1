"""The sections of the TOML that stand once: what a whole site is and does.

Field names are the TOML's keys, except where a key is a Python word (`from`). An unknown key is a
fault, so a key stands here only once it works.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from service.config.values import (
    Duration,
    Line,
    ListenAddress,
    Network,
    ProxyAddress,
    Rate,
    Secret,
    SecretText,
    StoreUrl,
    WebAddress,
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


class Login(ConfigSection):
    """A name and a password."""

    username: Line = Field(description="The name")
    password: SecretText = Field(description="Its place, or the password itself")


class Log(ConfigSection):
    """What the service tells on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines that are still written"
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, JSON in a pipe"
    )


class Site(ConfigSection):
    """What this service is called, where it stands, what it speaks."""

    title: Phrase = Field("Bantin", description="Short: it stands behind each feed's title")
    base_url: WebAddress | None = Field(
        None, description="Where readers reach the service, with scheme"
    )
    language: Language = Field("en", description="Of pages and mails; vi and en are shipped")
    timezone: Annotated[str, AfterValidator(zone_or_none)] = Field(
        "", description="IANA zone of all hours in this file and on pages; default: the system's"
    )
    contact: Line | None = Field(
        None, description="On pages, for complaints, in the collector's User-Agent"
    )


class FooterLink(ConfigSection):
    """A link in the footer of pages."""

    title: Phrase = Field(description="The words that are linked")
    url: WebAddress = Field(description="Where it leads")


class Branding(ConfigSection):
    """How pages and mails look, and who answers for them."""

    accent: str = Field(
        "#0b57a4",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="A colour as #rrggbb with a contrast to white of at least 4.5:1",
    )
    address: str = Field("", description="Postal address, in the footer of pages and mails")
    legal: str = Field("", description="Licence and who is responsible, in the footer")
    links: tuple[FooterLink, ...] = Field((), description="Links in the footer of pages")


class Web(ConfigSection):
    """The web server of `bantin up`."""

    listen: ListenAddress = Field("127.0.0.1:8000", description="host:port")
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="Addresses or networks whose X-Forwarded-* is believed"
    )


class StoreSection(ConfigSection):
    """Where everything is kept."""

    url: StoreUrl = Field(
        "sqlite:///var/bantin.db",
        repr=False,
        description="sqlite:///PATH, read from this file's folder, or postgresql://…",
    )


class Interval(ConfigSection):
    """Between which bounds a source is asked again."""

    min: Duration = Field(dt.timedelta(minutes=15), description="Never sooner, whatever comes")
    max: Duration = Field(
        dt.timedelta(hours=12),
        description="Never later, unless its publisher asks for more rest: by max-age or ttl a day "
        "at most, by Retry-After 28",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Interval:
        if not self.min:
            raise ValueError('min is nothing; write one such as "15m"')
        if self.min > self.max:
            raise ValueError("min is longer than max; exchange them, or write both keys")
        return self


class PerSite(ConfigSection):
    """How gently one site is asked, all of its sources together."""

    delay: Duration = Field(dt.timedelta(seconds=2), description="Between two requests")
    connections: int = Field(1, ge=1, le=16, strict=True, description="At one time")
    scope: Scope = Field(
        Scope.DOMAIN,
        description="What is one site: a domain that can be registered, a host, or a source (for "
        "a bridge such as RSSHub, where one route's trouble is not another's)",
    )


class Collect(ConfigSection):
    """How sources are asked; each key may stand in a [source.ID] too."""

    interval: Interval = Field(Interval(), description="Bounds of the rhythm that a source gets")
    per_site: PerSite = Field(PerSite(), description="How gently one site is asked")
    allow_networks: tuple[Network, ...] = Field(
        (),
        description="Private networks that sources may stand in, as CIDR; a redirect from outside "
        "does not lead into them",
    )
    proxy: ProxyAddress | None = Field(
        None, description='A proxy that is asked instead of the site, "http://host:port"'
    )
    proxy_auth: Login | None = Field(None, description="Where the proxy wants a login")
    ca: Phrase | None = Field(
        None, description="A file of certificates (PEM) that are trusted besides the system's"
    )
    websub: bool | None = Field(
        None,
        strict=True,
        description="Let hubs bring the news (WebSub); default: where base_url is public. true: "
        "also with a base_url of this machine",
    )


class Publish(ConfigSection):
    """What topic feeds carry."""

    content: Literal["title", "lead", "full"] = Field(
        "lead", description="full: where the source's own feed is full, or has full_text"
    )
    images: Literal["none", "link"] = Field("link", description="link: from the outlet's server")
    rights: str = Field("", description="Stands in every feed")


class Relay(Named):
    """A mail server that takes our mails."""

    host: Phrase = Field(description="Its name or address")
    port: int | None = Field(
        None, ge=1, le=65535, strict=True, description="465 TLS, 587 STARTTLS, 25 either"
    )
    security: Literal["tls", "starttls", "plain"] | None = Field(
        None, description="Default: by the port; plain only on loopback or when written here"
    )
    username: Line | None = Field(None, description="Where it wants a login")
    password: SecretText | None = Field(None, description="Its place, or the password itself")
    rate: Rate | None = Field(None, description="At most so many messages, such as 10/s")
    connections: int = Field(4, ge=1, le=50, strict=True, description="At one time")
    _secret: Secret | None = PrivateAttr(None)

    @property
    def secret(self) -> Secret | None:
        """The password as read from its place; None where there is none."""
        return self._secret


class Mail(ConfigSection):
    """The sender of mails and the relays. Without a relay mails stay in var/outbox."""

    from_: Line | None = Field(
        None, alias="from", description='"Title <name@example.org>"; needed with a relay'
    )
    reply_to: Line | None = Field(None, description="Where answers go")
    uncertain: Literal["hold", "resend"] = Field(
        "hold",
        description="What becomes of a mail whose relay never gave its last answer. It is held, or "
        "sent again after a quarter of an hour, three times at most: then it may come twice",
    )
    relay: dict[Id, Relay] = Field({}, description="The mail servers, by id")


class Signup(ConfigSection):
    """What subscribers are asked and told when they sign up."""

    ask: tuple[Literal["topics", "cadence"], ...] = Field(
        ("topics", "cadence"), description="Questions of the form; the rest is a preference"
    )
    welcome: Literal["last-edition", "none"] = Field(
        "last-edition", description="The mail after the confirmation"
    )
    privacy: WebAddress | None = Field(None, description="Your page about privacy")
