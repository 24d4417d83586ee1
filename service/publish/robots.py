"""robots.txt: what search engines have no business with. Pure."""

from __future__ import annotations

from service.render.addresses import on_page

ROBOTS = "/robots.txt"

OURS = "# Written by Bantin: personal links and forms."
"""The first line, by which `publish --out` tells its own file from an admin's."""

_PRIVATE_PATHS = (
    "/confirm/",
    "/preferences/",
    "/me/",
    "/move/",
    "/unsubscribe/",
    "/review/",
    "/subscribe",
    "/admin/",
    "/outbox/",
    "/search",
)
"""Personal links, forms, and answers without end."""


def robots_txt(base_url: str) -> bytes:
    """The whole file (RFC 9309), the same on the web and as a static file.

    `base_url`: where readers reach the site, which may stand below a path.
    """
    closed = (on_page(path, base_url, None) for path in _PRIVATE_PATHS)
    lines = [OURS, "User-agent: *", *(f"Disallow: {path}" for path in closed)]
    return ("\n".join(lines) + "\n").encode()
