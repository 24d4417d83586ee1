"""Who stands behind a source: mirrors and sections of one owner are one voice. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from service.config.schema import Source
from service.store.content.story_facts import Teller
from service.text.fold import fold
from service.text.web.sites import site_of

Owner = tuple[str, str]

_WRITTEN, _SITE, _ALONE = "owner", "site", "source"


def owner_of(teller: Teller, sources: Mapping[str, Source]) -> Owner:
    """A key that sources of one owner share.

    The TOML's `owner` if there is one; else the registrable domain of the outlet's home page, or
    of the source's address. A host without a dot, or an address of numbers, tells nothing about its
    owner: such a source stands for itself.
    """
    written = sources.get(teller.name)
    if written is not None and written.owner:
        return _WRITTEN, fold(written.owner)
    for address in (teller.home, teller.url):
        site = site_of(address) if address else ""
        if "." in site and not site.replace(".", "").isdigit():
            return _SITE, site
    return _ALONE, teller.name
