"""How a source is reached, from what the TOML says, and what is wrong in that.

A header's value may be a secret whatever its name, so none is ever quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yarl import URL

from service.config.schema import Collect, Login, Settings, Source
from service.config.values import NO_PROXY, Secret
from service.errors import FetchError, Finding
from service.net import guard, tls
from service.net.access import DIRECT, Access, Route, basic, origin_of

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_OURS = {
    "user-agent": "says who we are; publishers must find us by it",
    "accept-encoding": "is ours: we take what we can unpack",
    "range": "is ours: half a document is none",
    "expect": "is ours",
} | dict.fromkeys(
    ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
    "is ours: it asks whether the document has changed",
) | dict.fromkeys(
    (
        "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive",
        "te", "trailer", "upgrade", "proxy-connection",
    ),
    "belongs to the connection and is written by us",
)  # fmt: skip
"""Header -> why it cannot be written."""


def access_of(source: Source, collect: Collect) -> Access | None:
    """None: asked like everybody's, which costs nothing. A source's key wins over [collect]'s.

    A login belongs to the proxy that stands beside it: it is never told to another one.
    """
    route = Route(*_proxy(source, collect), source.tls == "legacy", source.ca or collect.ca)
    headers = [(name, value.secret) for name, value in source.headers.items()]
    login = _basic(source.auth)
    if login is not None:
        headers.append(("Authorization", login))
    told = tuple((name, value) for name, value in headers if value is not None)
    if not told and route == DIRECT:
        return None
    return Access(origin_of(URL(source.url)), told, route)


def faults(settings: Settings) -> Iterator[Finding]:
    """What can never work, or would do what nobody meant."""
    collect = settings.collect
    yield from _proxy_faults(("collect",), collect, collect.proxy, collect.allow_networks)
    yield from _ca_faults(("collect",), collect.ca)
    for name, source in settings.source.items():
        path = ("source", name)
        allowed = source.allow_networks
        allowed = collect.allow_networks if allowed is None else allowed
        if source.proxy is not None or source.proxy_auth is not None:
            yield from _proxy_faults(path, source, source.proxy or collect.proxy, allowed)
        yield from _ca_faults(path, source.ca)
        yield from _login_faults((*path, "auth"), source.auth)
        yield from _header_faults((*path, "headers"), source)


def warnings(settings: Settings) -> Iterator[Finding]:
    """What works, but tells secrets to whoever listens."""
    for name, source in settings.source.items():
        url = URL(source.url)
        path = ("source", name)
        if url.user is not None or url.password is not None:
            right = "write auth = { username, password }, which no list of sources shows"
            yield (*path, "url"), "has a login in it", right
        open_ = url.scheme == "http" and not guard.is_loopback(url.host or "")
        if open_ and source.auth is not None:
            yield (*path, "auth"), "the password travels for all to read", "write https in url"
        secret = [key for key in source.headers if key.lower() in {"authorization", "cookie"}]
        for header in secret if open_ else ():
            yield (*path, "headers", header), "travels for all to read", "write https in url"


def _proxy(source: Source, collect: Collect) -> tuple[str | None, Secret | None]:
    beside: Source | Collect = source if source.proxy is not None else collect
    if beside.proxy is None or beside.proxy == NO_PROXY:
        return None, None
    return beside.proxy, _basic(source.proxy_auth or beside.proxy_auth)


def _basic(login: Login | None) -> Secret | None:
    if login is None or login.password.secret is None:
        return None
    return basic(login.username, login.password.secret.reveal())


def _proxy_faults(
    path: tuple[str, ...], told: Source | Collect, proxy: str | None, allow: tuple[str, ...]
) -> Iterator[Finding]:
    """`proxy`: the one in force. It is reached as a source is: by what `allow_networks` opens."""
    if told.proxy_auth is not None and proxy in {None, NO_PROXY}:
        right = 'write proxy = "http://host:port", or take it out'
        yield (*path, "proxy_auth"), "is a login for a proxy, but there is none", right
    yield from _login_faults((*path, "proxy_auth"), told.proxy_auth)
    if told.proxy is None or told.proxy == NO_PROXY:
        return
    host = URL(told.proxy).host or ""
    why = guard.closed(host, guard.networks(allow))
    if why is not None:
        yield (*path, "proxy"), why, guard.opening(host)


def _ca_faults(path: tuple[str, ...], ca: str | None) -> Iterator[Finding]:
    if ca is None:
        return
    try:
        tls.context(legacy=False, ca=ca)
    except FetchError as error:
        yield (*path, "ca"), str(error), "write the path of a PEM file that the service can read"


def _login_faults(path: tuple[str, ...], login: Login | None) -> Iterator[Finding]:
    if login is not None and ":" in login.username:
        yield (*path, "username"), "has a colon in it", "HTTP can carry no such name"


def _header_faults(path: tuple[str, ...], source: Source) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, value in source.headers.items():
        key, secret = name.lower(), value.secret
        if not _NAME.fullmatch(name):
            yield (*path, name), "is not a name of a header", 'write one such as "X-Key"'
        elif key in _OURS:
            yield (*path, name), _OURS[key], "take it out"
        elif key.startswith("proxy-"):
            yield (*path, name), "is for a proxy", "write proxy_auth"
        elif key in seen:
            yield (*path, name), f'stands as "{seen[key]}" too', "keep one of them"
        elif key == "authorization" and source.auth is not None:
            yield (*path, name), "stands beside auth, which says the same", "keep one of them"
        elif secret is not None and _UNSENDABLE.search(secret.reveal()):
            yield (*path, name), "has a line break or control character", "write it on one line"
        seen.setdefault(key, name)
