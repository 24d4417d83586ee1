"""From the configuration to the site as templates see it."""

from __future__ import annotations

from service.config.schema import Settings
from service.render.logo import logo_of
from service.render.views import LinkView, LogoView, SiteView

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - not bound


def base_url(settings: Settings) -> str:
    """Where readers reach the site, without a slash at its end.

    Without `site.base_url` it is where the service listens, as seen from this machine.
    """
    if settings.site.base_url:
        return settings.site.base_url.rstrip("/")
    return local_url(settings)


def local_url(settings: Settings) -> str:
    """Where the service itself answers, as seen from its own machine: past any proxy.

    Without a slash at its end, and without the prefix of `base_url`, which it needs not.
    """
    host, _, port = settings.web.listen.rpartition(":")
    return f"http://{_ANY_ADDRESS.get(host, host)}:{port}"


def site_view(settings: Settings) -> SiteView:
    """The site for every template. Reads the logo."""
    branding = settings.branding
    logo = logo_of(settings.root, branding.logo)
    return SiteView(
        title=settings.site.title,
        base_url=base_url(settings),
        language=settings.site.language,
        zone=settings.zone,
        contact=settings.site.contact,
        accent=branding.accent,
        address=branding.address,
        legal=branding.legal,
        rights=settings.publish.rights,
        privacy=settings.signup.privacy,
        links=tuple(LinkView(link.title, link.url) for link in branding.links),
        logo=None if logo is None else LogoView(f"cid:{logo.cid}", logo.width, logo.height),
    )
