"""Kinds of values that the TOML has and Python has not: durations, secrets, addresses, zones.

A reader raises ValueError("what is wrong; what would be right"), in words for the admin.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    WithJsonSchema,
)

from service.config.zones import suggestion
from service.model import WEEKDAYS
from service.text.instants import zones
from service.text.references.find import parsed
from service.text.web.origins import web_origin

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdwy])")
_BARE_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/\S*)?")
"""A web address without its beginning."""

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*([smh])")
_DURATIONS = 'write one such as "15m", "12h" or "7d"'
DURATION_EXAMPLES = ["15m", "12h", "7d"]
_RATES = 'write one such as "10/s", "100/m" or "5000/h"'

LONGEST_DURATION = timedelta(days=365 * 100)
"""Beyond it a sum of instants would leave the calendar."""


def parse_duration(value: Any) -> timedelta:
    """Read "15m", "7d", "1h 30m"; a year has 365 days. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a duration is a text in quotes; {_DURATIONS}")  # noqa: TRY004 - pydantic
    rest = _DURATION.sub("", value).strip()
    found = _DURATION.findall(value)
    if rest or not found:
        raise ValueError(f'"{value}" is not a duration; {_DURATIONS}')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in found)
    if seconds > LONGEST_DURATION.total_seconds():
        raise ValueError(f'"{value}" is longer than a hundred years; {_DURATIONS}')
    return timedelta(seconds=seconds)


def write_duration(value: timedelta) -> str:
    """The shortest way to write a duration: "15m", "36h", "1d". The inverse of parse_duration."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return f"{seconds:g}s"


def parse_rate(value: Any) -> float:
    """Read "10/s", "100/m", "5000/h" as messages per second. Raises ValueError otherwise."""
    if isinstance(value, float):
        return value
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"is not a rate; {_RATES}")
    return float(match[1]) / _UNITS[match[2]]


def one_line(value: str) -> str:
    """A text that goes into titles and headers of mails: no line breaks, no control characters."""
    if len(value.splitlines()) > 1 or any(ord(character) < ord(" ") for character in value):
        raise ValueError("has a line break or another control character; write it on one line")
    return value


def phrase(value: str) -> str:
    """One line with something on it."""
    if not value.strip():
        raise ValueError("is empty; write something, or leave it out")
    return one_line(value)


def one_or_more(value: object) -> object:
    """A text alone is a list of one."""
    return [value] if isinstance(value, str) else value


def document_number(value: str) -> str:
    """The number of an official document, in its one spelling."""
    found = parsed(value)
    if found is None:
        right = "write one such as 38-CT/TW or 15/2020/NĐ-CP"
        raise ValueError(f'"{value}" is not the number of an official document; {right}')
    return found


def web_address(value: str) -> str:
    """An absolute http or https address."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    whole = bool(host) and parts.scheme in {"http", "https"}
    if not whole or any(character.isspace() for character in value):
        bare = _BARE_HOST.fullmatch(value)
        right = f"https://{value}" if bare else "https://example.org/rss"
        raise ValueError(f'"{value}" is not a web address; write it whole, such as "{right}"')
    return value


def zone_name(value: str) -> str:
    """A zone of the IANA database."""
    if not zones.exists(value):
        right = suggestion(value)
        raise ValueError(f'there is no zone "{value}"; write one such as "{right}"')
    return value


def zone_or_none(value: str) -> str:
    """A zone, or "" for the system's."""
    return zone_name(value) if value else value


NO_PROXY = "none"
"""Written where a source is asked without the proxy of the others."""


def proxy_address(value: str) -> str:
    """A proxy as `http://host:port`, without a login; or "none"."""
    if value == NO_PROXY:
        return value
    right = 'write one such as "http://proxy.example.org:3128", or "none"'
    if "@" in value:
        raise ValueError("has a login in it; write it as proxy_auth = { username, password }")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    rest = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme != "http" or not host or not port or rest or _has_space(value):
        raise ValueError(f'"{value}" is not a proxy that we can speak to; {right}')
    return value


def _has_space(value: str) -> bool:
    return any(character.isspace() for character in value)


_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of_cut(value: Any) -> Any:
    """A weekday, 1 to 31, or "last". Which of them fits the cadence is judged by the newsletter."""
    if isinstance(value, str) and (value.lower() in {*WEEKDAYS, "last"} or _is_day(value)):
        return value.lower()
    if isinstance(value, int) and not isinstance(value, bool) and _is_day(str(value)):
        return value
    near = get_close_matches(str(value).lower(), WEEKDAYS, 1)
    right = f'write "{near[0]}"' if near else 'write one such as "monday", 15 or "last"'
    raise ValueError(f'"{value}" is not a day; {right}')


DAYS = tuple(name[:3] for name in WEEKDAYS)
"""Monday to Sunday, as they are kept."""


def weekday(value: str) -> str:
    """A day of the week, "sun" or "Sunday"; returns "sun"."""
    said = value.lower()
    if said in {*DAYS, *WEEKDAYS}:
        return said[:3]
    near = get_close_matches(said, [*DAYS, *WEEKDAYS], 1)
    raise ValueError(f'"{value}" is not a day of the week; write "{near[0] if near else "sun"}"')


_HOURS = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d")


def hours_of_day(value: str) -> str:
    """From when until when in a day, over midnight where the end is earlier: "22:00-06:00"."""
    right = 'write them such as "22:00-06:00"'
    if _HOURS.fullmatch(value) is None:
        raise ValueError(f'"{value}" is no hours of a day; {right}')
    begin, _, end = value.partition("-")
    if begin == end:
        raise ValueError(f'"{value}" ends when it begins; write whole days as days = ["sun"]')
    return value


LONGEST_HOLIDAY = 366
"""Days from the first to the last of one line of holidays."""


def holiday(value: str) -> str:
    """A day, or the first and the last of several: "2027-09-02", "2027-02-05/2027-02-11"."""
    right = 'write it such as "2027-09-02" or "2027-02-05/2027-02-11"'
    first, _, last = value.partition("/")
    try:
        days = _iso_day(last if "/" in value else first) - _iso_day(first)
    except ValueError:
        raise ValueError(f'"{value}" is no day and no days; {right}') from None
    if not timedelta() <= days <= timedelta(days=LONGEST_HOLIDAY):
        raise ValueError(f'"{value}" ends before it begins, or lasts over a year; {right}')
    return value


def _iso_day(text: str) -> date:
    if not _ISO_DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


Holiday = Annotated[str, AfterValidator(holiday)]
HoursOfDay = Annotated[str, AfterValidator(hours_of_day)]
Weekday = Annotated[str, AfterValidator(weekday)]


def _is_day(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 31  # noqa: PLR2004 - of a month


def network(value: str) -> str:
    """A network as CIDR, or one IP address."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f'"{value}" is not a network; {_right_network(value)}') from None
    return value


def _right_network(value: str) -> str:
    try:
        return f'write "{ipaddress.ip_network(value, strict=False)}" for the whole network'
    except ValueError:
        return 'write it as CIDR, such as "10.0.0.0/8" or "fd00::/8"'


def listen_address(value: str) -> str:
    """host:port, an IPv6 host in brackets."""
    host, colon, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    right_host = bool(bare) and not any(c.isspace() or c == "/" for c in host)
    if not colon or not right_host or (":" in bare and bare == host) or not _is_port(port):
        raise ValueError(f'"{value}" is not an address to listen on; write "127.0.0.1:8000"')
    return value


def domain_name(value: str) -> str:
    """The domain of addresses, in ASCII and lower case."""
    right = 'write one such as "gmail.com"'
    try:
        encoded = value.encode("idna").decode("ascii").lower()
    except UnicodeError:
        encoded = ""
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", encoded):
        raise ValueError(f'"{value}" is not the domain of an address; {right}')
    return encoded


def selector(value: str) -> str:
    """The name of a DKIM key: one label in the DNS. RFC 6376 3.1 allows several; nobody does it."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", value):
        right = "write letters, digits and hyphens, such as tin1"
        raise ValueError(f'"{value}" is not the selector of a key; {right}')
    return value


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 1 << 16


def store_url(value: str) -> str:
    """The address of a database. It may hold a password, so it is never quoted in a fault."""
    right = 'write "sqlite:///var/bantin.db" or "postgresql://user@host/name"'
    scheme, colon, rest = value.partition("://")
    if not colon or scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise ValueError(f"is the address of no database that we know; {right}")
    if scheme == "sqlite" and (len(rest) < 2 or rest[0] != "/" or ":memory:" in rest):  # noqa: PLR2004 - "/" and a name
        raise ValueError(f"names no file; {right}")
    return value


class Secret:
    """A secret that was read. It prints as stars; `reveal()` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class SecretRef(BaseModel):
    """Where a secret stands: an environment variable or a file. It never prints the secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = Field(None, description="Name of the environment variable that holds it")
    file: str | None = Field(None, description="Path of the file that holds it")
    _text: Secret | None = PrivateAttr(None)
    _found: Secret | None = PrivateAttr(None)

    @property
    def secret(self) -> Secret | None:
        """The secret as the loader read it from its place; None before that."""
        return self._found

    @property
    def written(self) -> Secret | None:
        """The secret itself where it stands in the TOML, None where its place is named."""
        return self._text


def parse_secret(value: Any) -> SecretRef:
    """Read `{env = "NAME"}`, `{file = "PATH"}` or the secret itself."""
    if isinstance(value, SecretRef):
        return value
    if isinstance(value, str) and value:
        ref = SecretRef()
        ref._text = Secret(value)  # noqa: SLF001 - no field, so that no dump and no repr shows it
        return ref
    if isinstance(value, dict) and len(value) == 1:
        ((kind, place),) = value.items()
        if kind in {"env", "file"} and isinstance(place, str) and place:
            return SecretRef(**{kind: place})
    raise ValueError('is not a secret; write { env = "NAME" } or { file = "PATH" }')


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": DURATION_EXAMPLES}),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "examples": ["10/s", "100/m", "5000/h"]}),
]
SecretText = Annotated[
    SecretRef,
    BeforeValidator(parse_secret),
    WithJsonSchema(
        {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"env": {"type": "string", "description": "Variable's name"}},
                    "required": ["env"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {"file": {"type": "string", "description": "Path of a file"}},
                    "required": ["file"],
                    "additionalProperties": False,
                },
                {"type": "string", "description": "The secret itself; better not in this file"},
            ]
        }
    ),
]
Line = Annotated[str, AfterValidator(one_line)]
DomainName = Annotated[str, AfterValidator(domain_name)]
Selector = Annotated[str, AfterValidator(selector)]
WebOrigin = Annotated[str, AfterValidator(web_origin)]
WebAddress = Annotated[str, AfterValidator(web_address)]
ProxyAddress = Annotated[str, AfterValidator(proxy_address)]
ZoneName = Annotated[str, AfterValidator(zone_name)]
Network = Annotated[str, AfterValidator(network)]
ListenAddress = Annotated[str, AfterValidator(listen_address)]
StoreUrl = Annotated[str, AfterValidator(store_url)]
