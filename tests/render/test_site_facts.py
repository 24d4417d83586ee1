"""From the configuration to the site that templates see."""

from __future__ import annotations

from service.config.schema import Settings
from service.render.site_facts import base_url, site_view
from tests.levels import table


@table(
    ("site", "listen", "address"),
    [
        ({"base_url": "https://tin.example.vn/"}, "127.0.0.1:8000", "https://tin.example.vn"),
        ({"base_url": "https://example.vn/tin/"}, "127.0.0.1:8000", "https://example.vn/tin"),
        ({}, "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ({}, "0.0.0.0:80", "http://127.0.0.1:80"),
        ({}, "[::]:8000", "http://[::1]:8000"),
    ],
)
def test_where_readers_reach_the_site(site, listen, address):
    settings = Settings.model_validate({"site": site, "web": {"listen": listen}})
    assert base_url(settings) == address
    assert site_view(settings).base_url == address


def test_the_site_is_what_the_toml_says():
    settings = Settings.model_validate(
        {
            "site": {"title": "Tin", "language": "vi", "timezone": "Asia/Ho_Chi_Minh"},
            "branding": {
                "accent": "#b3261e",
                "links": [{"title": "A", "url": "https://a.example"}],
            },
            "publish": {"rights": "R"},
            "signup": {"privacy": "https://a.example/p"},
        }
    )
    view = site_view(settings)
    assert (view.title, view.language, view.zone) == ("Tin", "vi", "Asia/Ho_Chi_Minh")
    assert (view.accent, view.rights, view.privacy) == ("#b3261e", "R", "https://a.example/p")
    assert [(link.title, link.url) for link in view.links] == [("A", "https://a.example")]
