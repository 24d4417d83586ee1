"""What a person does with a browser, in one line each."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from service.store import tables as t
from service.store.audience import subscriptions


def token_in(page: str) -> str:
    """The form's token."""
    found = re.search(r'name="token" value="([0-9a-f]{32})"', page)
    assert found, page
    return found[1]


def fill(web, browser=None, *, address="minh@example.vn", digest="tuan", **fields):
    """Open the sign-up page and send its form. Returns the response."""
    browser = browser or web.client
    token = token_in(browser.get(f"/subscribe/{digest}").text)
    form = {"address": address, "topic": ["giao-duc"], "cadence": "weekly", "token": token}
    return browser.post(f"/subscribe/{digest}", data={**form, **fields})


def newest(web):
    """The subscription that was made last."""
    with web.store.read() as connection:
        tokens = connection.execute(
            select(t.subscription.c.token).order_by(t.subscription.c.id.desc())
        ).scalars()
        token = tokens.first()
        return None if token is None else subscriptions.by_token(connection, token)


def subscribe(web, browser=None, **fields):
    """Sign up and confirm. Returns the active subscription."""
    browser = browser or web.client
    assert fill(web, browser, **fields).status_code == 200
    assert browser.get(f"/confirm/{newest(web).token}").status_code == 200
    return newest(web)


def letters(web):
    with web.store.read() as connection:
        return list(connection.execute(select(t.delivery).order_by(t.delivery.c.id)))


def text(response) -> str:
    """The words of a page, without markup, blanks made one."""
    body = re.sub(r"(?s)<head>.*?</head>", " ", response.text)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
