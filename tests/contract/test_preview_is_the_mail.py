"""Promise 6: a preview renders the exact bytes that go out, and consumes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from service.mail.drain import drain
from service.newsletter.previews.preview import preview
from service.newsletter.run import plan_due
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store
from tests.contract.plug import settings_of
from tests.contract.test_crash_matrix import NO_NEWS, NOW, PEOPLE, prepare
from tests.mail import signed
from tests.mail.relays import Sink


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    wanted = "sqlite_url" if request.param == "sqlite" else "postgres_database"
    found = request.getfixturevalue(wanted)
    prepare(found, tmp_path)
    return found


async def test_a_preview_is_what_the_relay_receives_before_and_after(url, tmp_path):
    settings = signed.with_key(settings_of(tmp_path))
    renderer = Renderer(site_view(settings), None)
    store = Store(url)

    def show(address: str):
        return preview(store, settings, renderer, NOW, "tuan", to=address, at=NOW)

    with store.ledger() as connection:
        facts.secret(connection)  # of Message-IDs: there from the first start on
    before = {address: show(address).message for address in PEOPLE}
    assert show(NO_NEWS).message is None
    with store.read() as connection:
        for table in (t.edition, t.segment, t.delivery, t.told):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
    plan_due(store, settings, renderer, NOW, digest="tuan", at=NOW)
    async with Sink() as sink:
        await drain(store, settings, lambda: NOW, owner="o", digest="tuan", relays=[sink.line()])
    received = {one.recipient: one.data for one in sink.received}
    assert received == before
    assert all(signed.verifies(data) for data in received.values())
    assert {address: show(address).message for address in PEOPLE} == received
    store.close()
