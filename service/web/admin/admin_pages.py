"""Pages for the admin: how the service stands, and the mails of the local outbox.

There is no login yet, so they exist for those alone who bring the key that stands in `var`
(service.web.admin.admin_key). To anybody else they are a 404, whatever address or host they claim.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from service.errors import StoreError
from service.mail.outbox import Outbox, html_of
from service.mail.relays import line_names
from service.report.mailing import Beside
from service.report.status import Status, status
from service.web.admin import admin_key, admin_views
from service.web.admin.admin_access import has_cookie, key_of
from service.web.answers import PRIVATE, error, is_unread, page, see, unread
from service.web.context import Context, context_of, visitor_of
from service.web.subscriber.views import OutboxMailView

Handler = Callable[[Request], Awaitable[Response]]

_HEADERS = ("From", "To", "Subject", "Date", "Reply-To", "Message-ID", "List-Id",
            "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted")  # fmt: skip

FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data: 'self'"
)
"""A mail in a frame: its own inline styles, and nothing that could run or call out. A link that is
pressed opens beside it, as it does in a mail program."""

_NEW_TAB = '<base target="_blank">'

_SHOW_FRAME = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}
_IN_FRAME = {
    "Content-Security-Policy": f"{FRAME_POLICY}; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}


def with_key(handler: Handler) -> Handler:
    """404 to everybody who does not bring the key.

    A link's token is exchanged for a cookie and leaves the address bar.
    """

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        context = context_of(request)
        key = await key_of(request)
        if key is None:
            return error(request, 404)
        now, said = context.clock(), request.query_params.get(admin_key.PARAMETER)
        if said is not None and admin_key.opens(key, "link", said, now):
            return _entered(request, key)
        if not has_cookie(request, key):
            return error(request, 404)
        if said is not None:
            return see(context, request.scope["path"])
        try:
            return await handler(request)
        except StoreError as trouble:
            if not is_unread(trouble):
                raise
            return unread(request, trouble, why=True)

    return guarded


def _entered(request: Request, key: str) -> Response:
    context, path = context_of(request), request.scope["path"]
    if request.headers.get("sec-fetch-site") == "cross-site":
        # Pressed on a page of another site (a terminal in a browser): after a redirect from there
        # the browser would keep the Strict cookie back. From a page of ours it does not.
        response = page(context, "admin_enter", path=path)
        response.headers["Refresh"] = f"0; url={context.prefix}{quote(path)}"
    else:
        response = see(context, path)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_cookie(
        admin_key.cookie_name(key),
        admin_key.token(key, "cookie", context.clock()),
        max_age=int(admin_key.LASTS["cookie"].total_seconds()),
        path=f"{context.prefix}/",
        secure=context.is_https or visitor_of(request).scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@with_key
async def admin(request: Request) -> Response:
    """`/admin/`: what `bantin status` says, in the site's language."""
    context = context_of(request)
    found = await asyncio.to_thread(_status, context)
    health = await asyncio.to_thread(context.health)
    titles = {name: one.title for name, one in context.settings.source.items() if one.title}
    teller = admin_views.teller(context.renderer, context.settings.zone, titles, found)
    return page(context, "admin", admin=admin_views.admin_view(found, health, teller))


@with_key
async def outbox(request: Request) -> Response:
    """`/outbox/`: the latest mails, newest first."""
    context = context_of(request)
    mails = await asyncio.to_thread(_outbox(context).listed)
    relays = tuple(relay.host for relay in context.settings.mail.relay.values())
    return page(context, "outbox", mails=mails, relays=relays)


@with_key
async def outbox_mail(request: Request) -> Response:
    """`/outbox/KEY`: headers, the HTML part in a sandboxed frame, the text part."""
    context, key = context_of(request), request.path_params["key"]
    message = await asyncio.to_thread(_message, context, key)
    if message is None:
        return error(request, 404)
    view = OutboxMailView(
        key=key,
        subject=str(message["Subject"] or ""),
        headers=tuple((name, str(message[name])) for name in _HEADERS if message[name]),
        text=_text_of(message),
        html_path=f"/outbox/{key}/html",
    )
    return page(context, "outbox_mail", headers=_SHOW_FRAME, mail=view)


@with_key
async def outbox_mail_html(request: Request) -> Response:
    """`/outbox/KEY/html`: the HTML part as it is, for the frame."""
    message = await asyncio.to_thread(_message, context_of(request), request.path_params["key"])
    if message is None:
        return error(request, 404)
    html = html_of(message).replace("<head>", f"<head>{_NEW_TAB}", 1)
    return HTMLResponse(html, headers={**PRIVATE, **_IN_FRAME})


def _status(context: Context) -> Status:
    with context.store.read() as connection:
        beside = Beside(line_names(context.settings), settings=context.settings)
        return status(connection, context.clock(), beside, context.settings)


def _outbox(context: Context) -> Outbox:
    return Outbox(context.settings.var / "outbox")


def _message(context: Context, key: str) -> EmailMessage | None:
    data = _outbox(context).get(key)
    return None if data is None else BytesParser(policy=policy.default).parsebytes(data)


def _text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return "" if part is None else str(part.get_content())


ROUTES = [
    Route("/admin/", admin),
    Route("/admin", admin),
    Route("/outbox/", outbox),
    Route("/outbox", outbox),
    Route("/outbox/{key}", outbox_mail),
    Route("/outbox/{key}/html", outbox_mail_html),
]
