"""The environment of templates: overrides, a sandbox, and no silent empty string."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from jinja2.exceptions import SecurityError

from service.errors import TemplateError
from service.render.engine import Renderer
from service.render.views import SiteView
from tests.levels import table

SITE = SiteView("Tin Khoa giáo", "https://tin.example.vn", "vi", "Asia/Ho_Chi_Minh")
AT = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)


@pytest.fixture
def page(tmp_path):
    """Renders a template that an admin wrote."""

    def render(source: str, site: SiteView = SITE, at: str | None = None, **views: object) -> str:
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / "web" / "own.html.j2").write_text(source)
        return Renderer(site, tmp_path).page("own", site.language, at=at, **views)

    return render


def test_what_every_template_may_use(page):
    assert page("{{ site.title }} {{ language }}") == "Tin Khoa giáo vi"
    assert page("{{ clock(at_) }}|{{ day(at_) }}|{{ moment(at_) }}", at_=AT) == (
        "07:00|30/11/2026|07:00 thứ Hai 30/11"
    )
    assert page("{{ full(at_) }}|{{ weekday(at_) }}", at_=AT) == (
        "07:00 thứ Hai, 30/11/2026|thứ Hai"
    )
    assert page("{{ say('page.topics') }}") == "Chủ đề"
    assert (
        page("{{ count('page.stories', 1) }}, {{ count('page.stories', 12) }}") == "1 tin, 12 tin"
    )
    assert page("{{ absolute('/topics/x/') }} {{ absolute('https://a.example/') }}") == (
        "https://tin.example.vn/topics/x/ https://a.example/"
    )


def test_values_are_escaped(page):
    assert page("{{ x }} {{ say('page.all_of', topic=x) }}", x="<b>") == (
        "&lt;b&gt; Tất cả tin &lt;b&gt;"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ nothing }}",
        "{% if nothing %}x{% endif %}",
        "{{ site.no_such }}",
        "{% include 'web/none.html.j2' %}",
        "{{ 'x' + 1 }}",
        "{{ 1 / 0 }}",
        "{{ say('page.no_such') }}",
        "{% if %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ clock('yesterday') }}",
    ],
)
def test_a_broken_template_is_an_error_that_names_it(page, source):
    with pytest.raises(TemplateError, match=r"own\.html\.j2|page\.no_such"):
        page(source)


@pytest.mark.parametrize(
    ("fault", "why"),
    [("{{ nothing.at }}", "UndefinedError"), ("{{ 1 / 0 }}", "ZeroDivisionError"),
     ("{% if %}", "TemplateSyntaxError")],
)  # fmt: skip
def test_a_fault_is_named_where_it_stands(tmp_path, fault, why):
    """Which may be another template than the one that was asked for, and a line of it."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "own.html.j2").write_text('{% extends "web/frame.html.j2" %}')
    (tmp_path / "web" / "frame.html.j2").write_text(f"<p>\n</p>\n{fault}\n")
    with pytest.raises(TemplateError, match=rf"^web/frame\.html\.j2:3: {why}: "):
        Renderer(SITE, tmp_path).page("own", "vi")


def test_a_template_that_is_not_there():
    with pytest.raises(TemplateError, match=r"web/none\.html\.j2"):
        Renderer(SITE).page("none", "vi")


def test_a_sandbox_keeps_templates_from_the_machine(page):
    with pytest.raises(TemplateError):
        page("{{ say.__globals__ }}")


@table(
    "source",
    [
        "{{ '{0.__class__}'.format(site) }}",
        "{{ '{a.__class__}'.format_map({'a': site}) }}",
        "{% set f = '{0.__class__}'.format %}{{ f(site) }}",
        "{{ wiped() }}",
        "{{ given.wiped() }}",
        "{{ given.altered() }}",
    ],
)
def test_what_jinja_s_sandbox_refuses_is_refused_by_ours(source):
    class Given:
        def wiped(self):
            return "x"

        def altered(self):
            return "x"

        wiped.unsafe_callable = True
        altered.alters_data = True

    shown = partial(lambda: "x")
    shown.unsafe_callable = True
    environment = Renderer(SITE)._environment
    template = environment.from_string(source)
    for _ in range(2):
        with pytest.raises(SecurityError):
            template.render(site=SITE, wiped=shown, given=Given())


def test_calls_get_what_jinja_gives_them(page):
    told = "{% macro a(x, y=2) %}{{ x }}-{{ y }}{% endmacro %}"
    assert page(told + "{{ a('<') }}{% for n in [1] %}{{ a(n, y=3) }}{% endfor %}") == "&lt;-21-3"
    around = "{% macro b(x) %}{{ x }}{{ caller('<') }}{% endmacro %}"
    assert page(around + "{% call(y) b(1) %}<b>{{ y }}{% endcall %}") == "1<b>&lt;"
    assert page("{{ '%s' | format('<') }}{{ ['a'] | join }}{{ 'a'.upper() }}") == "&lt;aA"
    assert page("{{ range(2) | list }}{{ dict(a=1).a }}{{ cycler('x').next() }}") == "[0, 1]1x"


def test_what_was_judged_once_is_refused_each_time(tmp_path):
    (tmp_path / "web").mkdir()
    renderer = Renderer(SITE, tmp_path)
    for n in range(2):
        (tmp_path / "web" / f"own{n}.html.j2").write_text("{{ site.title }}{{ say.__globals__ }}")
        with pytest.raises(TemplateError, match="unsafe"):
            renderer.page(f"own{n}", "vi")
    (tmp_path / "web" / "own.html.j2").write_text("{{ site.title }}")
    assert renderer.page("own", "vi") == SITE.title


@pytest.mark.parametrize(
    ("at", "path", "link"),
    [
        ("/", "/", "./"),
        ("/", "/topics/x/", "topics/x/"),
        ("/topics/x/", "/", "../../"),
        ("/topics/x/", "/feeds/x.atom", "../../feeds/x.atom"),
        ("/subscribe/tuan", "/assets/site.css", "../assets/site.css"),
        (None, "/topics/x/", "/topics/x/"),
        ("/topics/x/", "https://a.example/", "https://a.example/"),
        ("/topics/x/", "//a.example/", "//a.example/"),
        ("/topics/x/", "#top", "#top"),
        ("/topics/x/", "mailto:a@example.vn", "mailto:a@example.vn"),
    ],
)
def test_links_are_relative_to_the_page(page, at, path, link):
    assert page("{{ url(path) }}", at=at, path=path) == link


def test_links_without_a_place_know_a_site_that_is_no_root(page):
    site = SiteView("Tin", "https://example.vn/tin", "vi", "UTC")
    assert page("{{ url('/topics/x/') }}", site) == "/tin/topics/x/"
    assert page("{{ url('/topics/x/') }}", site, at="/a/") == "../topics/x/"


def test_assets_carry_a_version_that_follows_their_bytes(tmp_path, page):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "site.css").write_text("a{}")
    first = page("{{ asset('site.css') }}")
    (tmp_path / "assets" / "site.css").write_text("b{}")
    second = page("{{ asset('site.css') }}")
    assert first.startswith("/assets/site.css?v=")
    assert first != second


def test_an_admins_own_template_wins_and_may_extend_ours(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "own.html.j2").write_text(
        '{% extends "web/layout.html.j2" %}{% block main %}<p>Xin chào</p>{% endblock %}'
    )
    html = Renderer(SITE, tmp_path).page("own", "vi", at="/a/b/")
    assert "<p>Xin chào</p>" in html
    assert '<html lang="vi">' in html
    assert 'href="../../assets/site.css?v=' in html


def test_a_mail_has_three_parts_with_its_styles_inlined(tmp_path):
    folder = tmp_path / "mail" / "own"
    folder.mkdir(parents=True)
    (folder / "subject.txt.j2").write_text("{{ title }}\n  hôm nay\n")
    (folder / "body.txt.j2").write_text("\n\n{{ title }} {{ mark('address') }}\n\n\n")
    (folder / "body.html.j2").write_text(
        "<style>p{color:red}</style><p>{{ title }} {{ mark('address') }}</p>"
    )
    parts = Renderer(SITE, tmp_path).mail("own", "vi", title="R&D")
    assert parts.subject == "R&D hôm nay"
    assert parts.text == "R&D \ufdd0address\ufdd1\n"
    assert '<p style="color: red;">R&amp;D \ufdd0address\ufdd1</p>' in parts.html
