"""Answers that are given before the application is asked: short, for programs, ending it. Pure."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus

from service.web.headers import HEADERS


@cache
def refusal(status: int) -> bytes:
    """The whole answer, with the headers that every answer has."""
    body = f"Error {status}\n"
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(f"{name}: {value}" for name, value in HEADERS.items()),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append("Retry-After: 5")
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()
