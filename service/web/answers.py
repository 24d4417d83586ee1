"""The kinds of answers: a page made for one person, an error in the site's language, a move."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from service.errors import BantinError
from service.web.context import Context, context_of

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""For pages behind a personal link, and for forms: nobody keeps a copy."""

_MOVED = {"Cache-Control": "public, max-age=3600"}

_SAID = frozenset({403, 404, 405, 413, 429, 503, 500})
"""Statuses that words know (error.title.N); others are told as one of these."""

_log = logging.getLogger("bantin.web")


def page(
    context: Context,
    name: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **views: object,
) -> Response:
    """A template as a private page. Raises TemplateError."""
    html = context.renderer.page(name, context.language, at=None, **views)
    return HTMLResponse(html, status, {**PRIVATE, **(headers or {})})


def error(request: Request, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A page that says what is wrong and never how: no trace, no inner name."""
    context = context_of(request)
    said = status if status in _SAID else (405 if status < 500 else 500)  # noqa: PLR2004 - HTTP
    try:
        html = _error_page(context, said)
        return HTMLResponse(html, status, {**PRIVATE, **(headers or {})})
    except BantinError:
        _log.exception("the error page cannot be rendered")
        return PlainTextResponse(f"Error {status}\n", status, {**PRIVATE, **(headers or {})})


def _error_page(context: Context, code: int) -> str:
    """Made once: whoever asks for a thousand pages that are not there must not have all rendered.

    Raises TemplateError.
    """
    shape = context.renderer, context.renderer.page_stamps()
    known = context.errors.get(code)
    if known is None or known[0] != shape:
        html = context.renderer.page("error", context.language, at=None, code=code)
        known = context.errors[code] = (shape, html)
    return known[1]


def moved(context: Context, path: str, *, query: str = "") -> Response:
    """301 to a path on the site: the address changed for good, or until its name is used again."""
    behind = f"?{query}" if query else ""
    return RedirectResponse(f"{context.prefix}{path}{behind}", 301, _MOVED)


def see(context: Context, path: str, *, query: str = "") -> Response:
    """303 to a path on the site: the form is done, look there."""
    behind = f"?{query}" if query else ""
    return RedirectResponse(f"{context.prefix}{path}{behind}", 303, PRIVATE)
