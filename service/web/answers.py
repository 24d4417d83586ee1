"""The kinds of answers: a page made for one person, an error in the site's language, a move."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeGuard

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from service.errors import BantinError, ConflictError, StatementError, StoreError
from service.report.sentence import Sentence
from service.report.trouble import Trouble
from service.web.context import Context, context_of

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""For pages behind a personal link, and for forms: nobody keeps a copy."""

UNREAD_RETRY_S = "30"
"""When to come again where the store cannot be read: somebody may be repairing it."""

_MOVED = {"Cache-Control": "public, max-age=3600"}

_SAID = frozenset({403, 404, 405, 413, 429, 503, 500})
"""Statuses that words know (error.title.N); others are told as one of these."""

_log = logging.getLogger("bantin.web")


def page(
    context: Context,
    name: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    language: str | None = None,
    zone: str | None = None,
    **views: object,
) -> Response:
    """A template as a private page. Raises TemplateError.

    `language` (None, or one without words: the site's) and `zone` (None: the site's) are its
    reader's.
    """
    spoken = context.spoken(language)
    html = context.renderer.page(name, spoken, at=None, zone=zone, **views)
    return HTMLResponse(html, status, {**PRIVATE, **(headers or {})})


def error(
    request: Request, status: int, headers: Mapping[str, str] | None = None, kind: str = ""
) -> Response:
    """A page that says what is wrong and never how: no trace, no inner name.

    `kind`: what words know better than the status (error.title.KIND).
    """
    said = status if status in _SAID else (405 if status < 500 else 500)  # noqa: PLR2004 - HTTP
    return _error(request, status, headers, lambda context: _error_page(context, said, kind))


def is_unread(trouble: Exception) -> TypeGuard[StoreError]:
    """Whether the store cannot be used just now; not where it works and refused what we asked."""
    refused = isinstance(trouble, ConflictError | StatementError)
    return isinstance(trouble, StoreError) and not refused


def unread(request: Request, trouble: StoreError, *, why: bool = False) -> Response:
    """503: the service cannot read its data now. `why`: the page names the reason."""
    structlog.get_logger("bantin").error("the store cannot be read", error=str(trouble))
    said = Trouble("store_read", {"error": str(trouble)}).sentence if why else None
    headers = {"Retry-After": UNREAD_RETRY_S}
    return _error(request, 503, headers, lambda context: _error_page(context, 503, "store", said))


def _error(
    request: Request,
    status: int,
    headers: Mapping[str, str] | None,
    made: Callable[[Context], str],
) -> Response:
    try:
        html = made(context_of(request))
        return HTMLResponse(html, status, {**PRIVATE, **(headers or {})})
    except BantinError:
        _log.exception("the error page cannot be rendered")
        return PlainTextResponse(f"Error {status}\n", status, {**PRIVATE, **(headers or {})})


def _error_page(context: Context, code: int, kind: str = "", reason: Sentence | None = None) -> str:
    """Made once: a thousand requests for missing pages must not render a thousand.

    `kind`: what says more than the code. `reason`: for the admin alone, so never kept. Raises
    TemplateError.
    """
    renderer, language = context.renderer, context.language
    if reason is not None:
        why = renderer.words(language).say(reason.key, **reason.values)
        return renderer.page("error", language, at=None, code=code, kind=kind, reason=why)
    shape, key = (renderer, renderer.page_stamps()), kind or str(code)
    known = context.errors.get(key)
    if known is None or known[0] != shape:
        html = renderer.page("error", language, at=None, code=code, kind=kind, reason="")
        known = context.errors[key] = (shape, html)
    return known[1]


def moved(context: Context, path: str, *, query: str = "") -> Response:
    """301 to a path on the site: the address changed for good, or until its name is used again."""
    behind = f"?{query}" if query else ""
    return RedirectResponse(f"{context.prefix}{path}{behind}", 301, _MOVED)


def see(context: Context, path: str, *, query: str = "") -> Response:
    """303 to a path on the site: the form is done, look there."""
    behind = f"?{query}" if query else ""
    return RedirectResponse(f"{context.prefix}{path}{behind}", 303, PRIVATE)
