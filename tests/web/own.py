"""What a person does on the page of their address, in one line each."""

from __future__ import annotations

import re

from sqlalchemy import select

from service.store import tables as t
from service.store.mailing.message_parts import unpack
from tests.web.people import newest


def links(web, path):
    """The links of this kind in all mails that were planned, oldest first."""
    with web.store.read() as connection:
        rows = connection.execute(
            select(t.segment.c.parts)
            .join(t.delivery, t.segment.c.id == t.delivery.c.segment_id)
            .order_by(t.delivery.c.id)
        ).scalars()
        texts = [unpack(parts).text for parts in rows if parts]
    return [found for text in texts for found in re.findall(rf"/{path}/[0-9a-f]+", text)]


def own_link(web, token, browser=None):
    """Ask for the signed link on the preferences page, and read it in the mail."""
    answer = (browser or web.client).post(f"/preferences/{token}/link")
    assert answer.status_code == 200
    return links(web, "me")[-1]


def ask_to_move(web, found, to, browser=None):
    """Ask for a change of address. Returns the link in the mail to the new one, None: no mail."""
    link = own_link(web, found.token)
    before = links(web, "move")
    page = (browser or web.client).post(link, data={"do": "move", "address": to})
    assert page.status_code == 200, page.text
    after = links(web, "move")
    return after[-1] if len(after) > len(before) else None


def move(web, found, to):
    """Change the address, with the yes of the new one."""
    link = ask_to_move(web, found, to)
    assert web.browser().post(link).status_code == 200
    return newest(web)
