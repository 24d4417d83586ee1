"""Addresses of editions: plain for what the archive lists, distinct for all others."""

from __future__ import annotations

from datetime import timedelta, timezone

from service.model import Cadence
from service.render.addresses import edition_name, edition_page


def test_the_listed_edition_has_the_plain_address_in_utc(now):
    local = now.astimezone(timezone(timedelta(hours=7)))
    page = edition_page("tuan", local, "weekly", listed=True)
    assert page == "/editions/tuan/20261124T080000Z/"


def test_cadences_cut_at_one_instant_have_pages_of_their_own(now):
    cadences = [*Cadence, "0 7 * * 1", "0 7 * * 1-5", "0 7 * * 1,5", "*/5 7 * * 1", "0 7 1 * *"]
    names = {edition_name(now, cadence, listed=False) for cadence in cadences}
    assert len(names) == len(cadences)
    for name in names:
        assert not set(name) & set(" */,?#%&")
