"""The sign-up cookie: random, ours alone, sent with links that are followed from a mail."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from service.audience.signup import LINK_LASTS
from service.audience.tokens import is_token
from service.web.context import Context

_NAME = "bantin"
_LASTS = LINK_LASTS + timedelta(days=1)


def name(context: Context) -> str:
    """`__Host-`: set by this very host over TLS, so that no neighbour can plant one."""
    return f"__Host-{_NAME}" if context.is_https else _NAME


def read(request: Request, context: Context) -> str | None:
    """The cookie's value if it is one that we made."""
    value = request.cookies.get(name(context), "")
    return value if is_token(value) else None


def write(response: Response, context: Context, value: str) -> None:
    """Lax, not Strict: the link in the mail is followed from another site."""
    response.set_cookie(
        name(context),
        value,
        max_age=int(_LASTS.total_seconds()),
        path="/",
        secure=context.is_https,
        httponly=True,
        samesite="lax",
    )
