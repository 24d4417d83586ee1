"""Addresses: the one that identifies an article, and the one that readers get.

`canonical` is a key and is never shown: http and https are the same, as are the spellings of one
address (case of scheme and host, default ports, percent-encoding, dot segments, an empty path).
Nothing is guessed beyond that: `www.`, a slash at the end, the order of parameters may each mean
another page somewhere. `display_link` changes nothing but the parameters that follow people.
Both are idempotent and never raise.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote_plus, urlsplit

from service.text.web.plain_addresses import PLAINEST_ADDRESS

TRACKING_PREFIXES = (
    "utm_",  # Google Analytics and everyone who imitates it
    "itm_",  # the same, inside a site
    "hsa_",  # HubSpot Ads
    "mtm_",  # Matomo
    "matomo_",
    "pk_",  # Piwik, as Matomo was called
    "piwik_",
    "guce_",  # Yahoo's consent page
    "fb_action_",  # Facebook
    "__cft__",
    "at_custom",  # AT Internet (BBC)
)
TRACKING_NAMES = frozenset(
    {
        # Clicks on advertisements: Google, Microsoft, Yandex, Facebook, Twitter, TikTok, LinkedIn …
        "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "srsltid",
        "msclkid", "yclid", "ysclid", "_openstat", "fbclid", "twclid", "ttclid", "li_fat_id",
        "sccid", "rdt_cid", "epik", "wickedid", "rb_clickid", "dicbo",
        # Shares: Facebook, Instagram, Twitter, Zalo (Viet Nam's messenger), Alibaba
        "fb_source", "fb_ref", "__tn__", "mibextid", "sfnsn", "igshid", "igsh", "ref_src",
        "ref_url", "__twitter_impression", "zarsrc", "gidzl", "zalo_ref", "spm",
        # Newsletters: Mailchimp, HubSpot, Marketo, Vero, Omeda
        "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "vero_conv", "oly_enc_id",
        "oly_anon_id", "ss_email_id", "vgo_ee",
        # Measuring: Google Analytics across sites, AT Internet, Webtrekk, Yahoo, Adobe, the Times
        "_ga", "_gl", "at_medium", "at_campaign", "at_link_id", "at_link_type", "at_format",
        "at_bbc_team", "xtor", "wt_mc", "guccounter", "s_cid", "ncid", "smid", "emc",
    }
)  # fmt: skip
"""Parameters that say who came from where, never which page. Ambiguous ones stay: `ref`, `source`,
`from`, `cid`, `id`, `p`, `partner` select the page on some sites."""

_DEFAULT_PORTS = {80, 443}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_AS_THEY_STAND = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
_NO_HOST = re.compile(r"[\x00-\x1f\x7f\s\"#%/<>?@\\^`{|}]")
_BLANK = re.compile(r"[\x00-\x1f\x7f\s]")
_SLASHES_OF_HOME = 3  # https://example.org/
_BREAKS = re.compile(r"[\t\r\n]")


@lru_cache(maxsize=512)  # asked several times for each address of a document
def canonical(url: str) -> str:
    """The key of an address. What is not an address of the web comes back as it is, stripped."""
    if PLAINEST_ADDRESS.fullmatch(url):
        return f"https://{url.partition('://')[2]}"
    parts = _web(url)
    if parts is None:
        return url.strip()
    route = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    query = "&".join(_kept(parts.query))
    return (
        f"https://{_authority(parts)}{_path(parts.path)}"
        f"{'?' if query else ''}{_encoded(query)}{'#' if route else ''}{_encoded(route)}"
    )


def display_link(url: str) -> str:
    """The address for readers: as the source gave it, less tracking and credentials."""
    if PLAINEST_ADDRESS.fullmatch(url):
        return url
    parts = _web(url)
    if parts is None:
        return url.strip()
    kept = _kept(parts.query)
    query = parts.query if len(kept) == parts.query.count("&") + 1 else "&".join(kept)
    fragment = "" if _is_tracking_fragment(parts.fragment) else parts.fragment
    host = parts.netloc.rpartition("@")[2]
    shown = parts._replace(netloc=host, query=query, fragment=fragment).geturl()
    return _BLANK.sub(_one, shown)  # a blank that stood inside may stand at the end now


def is_web(url: str) -> bool:
    """Whether this is an address that a reader may be sent to: http or https, with a host."""
    return bool(PLAINEST_ADDRESS.fullmatch(url)) or _web(url) is not None


def is_home(url: str) -> bool:
    """Whether this is a site's first page: it never identifies an article."""
    if PLAINEST_ADDRESS.fullmatch(url):
        return url.endswith("/") and url.count("/") == _SLASHES_OF_HOME
    parts = _web(url)
    return parts is not None and canonical(url) == f"https://{_authority(parts)}/"


def _web(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(_BREAKS.sub("", url.strip()))
        _port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return None if _NO_HOST.search(parts.hostname) else parts


def _authority(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = _encoded(host)
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port is None or parts.port in _DEFAULT_PORTS else f"{host}:{parts.port}"


def _path(path: str) -> str:
    kept: list[str] = []
    segments = _encoded(path).split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _kept(query: str) -> list[str]:
    return [pair for pair in query.split("&") if pair and not _is_tracking(pair)]


def _is_tracking(pair: str) -> bool:
    name = unquote_plus(pair.partition("=")[0]).lower()
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES)


def _is_tracking_fragment(fragment: str) -> bool:
    return "=" in fragment and all(map(_is_tracking, fragment.split("&")))


def _encoded(text: str) -> str:
    """Percent-encoding in one spelling: unreserved characters bare, all others as %XX."""
    return _AS_THEY_STAND.sub(_one, text)


def _one(match: re.Match[str]) -> str:
    found = match[0]
    if len(found) == 3:  # noqa: PLR2004 - %XX
        value = int(found[1:], 16)
        return chr(value) if value in _UNRESERVED else found.upper()
    return "".join(f"%{byte:02X}" for byte in found.encode("utf-8", "replace"))
