"""The origin of a page: scheme and host, which decide from where a request came. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

_USUAL = {"http": 80, "https": 443}


def web_origin(value: str) -> str:
    """Scheme and host as a browser's `Origin` header has them: in small letters and in ASCII.

    Raises ValueError, in words for the admin.
    """
    right = 'write scheme and host alone, such as "https://example.org"'
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except (ValueError, UnicodeError):
        raise ValueError(f'"{value}" is not the origin of a page; {right}') from None
    if not host or parts.scheme not in _USUAL or not value.isprintable() or " " in value:
        raise ValueError(f'"{value}" is not the origin of a page; {right}')
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f'"{value}" is more than the origin of a page; {right}')
    shown = f"[{host}]" if ":" in host else host
    written = "" if port in (None, _USUAL[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{written}"
