"""Bytes with validators: 200, 304, gzip or not, the same for feeds, pages and assets. Pure.

RFC 9110: If-None-Match wins over If-Modified-Since and compares weakly; each encoding has its own
strong ETag; a 304 carries the validators and nothing of the body.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.responses import Response

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_WORTH_PACKING = 1024
"""Bytes under which gzip saves nothing."""

_GZIP = "-gzip"


@dataclass(frozen=True, slots=True)
class Served:
    """A document. `etag` without quotes; `packed` its gzip twin, None where it is not worth it.

    `changed_at`: Last-Modified, None = not known. `gone`: it stands where something was taken back.
    """

    body: bytes
    etag: str
    media_type: str
    cache_control: str
    packed: bytes | None = None
    changed_at: datetime | None = None
    everywhere: bool = False
    gone: bool = False


def made_now(body: bytes, media_type: str, cache_control: str, *, gone: bool = False) -> Served:
    """A document that has no twin yet: its ETag is the hash of its bytes."""
    packed = gzip.compress(body, 5, mtime=0) if len(body) >= _WORTH_PACKING else None
    etag = hashlib.sha256(body).hexdigest()[:32]
    return Served(body, etag, media_type, cache_control, packed, gone=gone)


def answer(document: Served, headers: Mapping[str, str]) -> Response:
    """Answers a GET or HEAD with these headers (names in lower case)."""
    packed = document.packed if takes_gzip(headers.get("accept-encoding", "")) else None
    etag = document.etag + (_GZIP if packed is not None else "")
    said = {
        "ETag": f'"{etag}"',
        "Cache-Control": document.cache_control,
        "Vary": "Accept-Encoding",
    }
    if document.changed_at is not None:
        said["Last-Modified"] = format_datetime(document.changed_at.astimezone(UTC), usegmt=True)
    if document.everywhere:
        said["Access-Control-Allow-Origin"] = "*"  # readers that run in a browser
    if document.gone:
        said["X-Robots-Tag"] = "noindex"
    if not document.gone and is_unchanged(document, headers):
        return Response(status_code=304, headers=said)
    said["Content-Type"] = document.media_type
    if packed is not None:
        said["Content-Encoding"] = "gzip"
    body, status = document.body if packed is None else packed, 410 if document.gone else 200
    return Response(body, status, headers=said)


def is_unchanged(document: Served, headers: Mapping[str, str]) -> bool:
    """Whether the reader has these very bytes already, in whichever encoding."""
    known = headers.get("if-none-match")
    if known is not None:
        tags = {tag.removesuffix(_GZIP) for tag in _TAG.findall(known)}
        return known.strip() == "*" or document.etag in tags
    since = _date(headers.get("if-modified-since", ""))
    if since is None or document.changed_at is None:
        return False
    return document.changed_at.replace(microsecond=0) <= since


def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is listed, or everything, and not with a weight of zero."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return weights.get("gzip", weights.get("*", False))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
