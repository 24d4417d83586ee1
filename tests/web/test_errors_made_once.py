"""The pages of errors are made once, until a template or the configuration changes."""

from __future__ import annotations

import os

import pytest

from service.render.engine import Renderer
from service.render.site_facts import site_view


class Counting(Renderer):
    """Counts what it renders."""

    rendered = 0

    def page(self, name, language, *, at=None, **views):
        self.rendered += 1
        return super().page(name, language, at=at, **views)


@pytest.fixture
def counted(web, tmp_path):
    (tmp_path / "templates" / "web").mkdir(parents=True)
    web.renderer = Counting(site_view(web.settings), tmp_path / "templates")
    return web


def test_a_flood_of_pages_that_are_not_there_is_rendered_once(counted):
    found = {counted.client.get(f"/stories/{number}/").text for number in range(20)}
    assert len(found) == 1
    assert counted.renderer.rendered == 1
    assert counted.client.post("/").status_code == 405
    assert counted.renderer.rendered == 2


def test_another_template_or_renderer_makes_it_anew(counted, tmp_path):
    own = tmp_path / "templates" / "web" / "error.html.j2"
    own.write_text("Lỗi {{ code }}", encoding="utf-8")
    assert counted.client.get("/nothing").text == "Lỗi 404"
    own.write_text("Khác {{ code }}", encoding="utf-8")
    os.utime(own, ns=(1, 1))
    assert counted.client.get("/nothing").text == "Khác 404"
    counted.renderer = Renderer(site_view(counted.settings))
    assert "<html" in counted.client.get("/nothing").text
