"""Wrongly written markup loses no link and no text; what is well written stays as it is."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from lxml.html import fromstring

from service.text.clean import MOST_TAGS, clean_html, plain
from service.text.markup import with_closed_ends, with_closed_quotes
from tests.levels import table

BASE = "https://bao.example.vn/tin/"


def links(html: str) -> list[tuple[str, str]]:
    """Addresses and texts of the links that readers get."""
    tree = fromstring(f"<div>{clean_html(html, BASE)}</div>")
    return [(one.get("href"), one.text_content()) for one in tree.iter("a")]


@table(
    "tag",
    [
        '<a href="https://x.vn/y>Chữ</a>',
        "<a href='https://x.vn/y>Chữ</a>",
        "<a href=\"https://x.vn/y'>Chữ</a>",
        '<a href=https://x.vn/y">Chữ</a>',
        '<a href="https://x.vn/y"">Chữ</a>',
        '<a href="https://x.vn/y target="_blank">Chữ</a>',
        '<a href="https://x.vn/y target=_blank>Chữ</a>',
        '<a target="_blank href="https://x.vn/y">Chữ</a>',
        '<a href="https://x.vn/y" title="Họ nói>Chữ</a>',
        "<a href=\u201chttps://x.vn/y\u201d>Chữ</a>",
        '<a href=\\"https://x.vn/y\\">Chữ</a>',
        "<a href=\\'https://x.vn/y\\' target=\\'_blank\\'>Chữ</a>",
        "<a href=&quot;https://x.vn/y&quot;>Chữ</a>",
        '<A HREF="https://x.vn/y>Chữ</A>',
        '<a\nhref="https://x.vn/y\n>Chữ</a>',
    ],
)
@table(
    ("before", "behind"),
    [
        ("", ""),
        ("Trước ", " sau."),
        ("<p class='a'>Trước ", ' "trong ngoặc" <b title="x">sau</b></p>'),
        ('<a href="https://x.vn/1">một</a> ', ' <a href="https://x.vn/2">hai</a>'),
        ("It's ", " and it's <i>over</i>"),
    ],
)
def test_a_link_with_a_lost_quote_is_kept_with_all_around_it(tag, before, behind):
    html = f"{before}{tag}{behind}"
    assert ("https://x.vn/y", "Chữ") in links(html)
    around = [link for link in links(before + behind) if link[0].startswith("https://x.vn/")]
    assert [link for link in links(html) if link[0] != "https://x.vn/y"] == around
    assert plain(html) == " ".join(f"{plain(f'{before}@@{behind}')}".replace("@@", "Chữ").split())


@table(
    "html",
    [
        '<a href="https://x.vn/y" title="a > b">t</a> "q"',
        "<a href='https://x.vn/?q=a>b' class=x>t</a> it's",
        '<a title="<b>Foo</b> bar" href="https://x.vn/">b</a>',
        '<div data-caption="<p class=\'x\'>Ảnh > 2</p>" data-json=\'{"a":">"}\'>t</div>',
        '<a href="#" onclick="if (a > b) { go(\'x\') }">t</a>',
        'Màn hình 5" < 6" và "trong ngoặc" <b>x</b>',
        '<!-- <a href="x> --> <b>t</b>',
        '<script>document.write("<a href=\'" + x + "\'>")</script><p>t</p>',
        '<style>a[href="x>y"] {}</style>',
        "a < b 'c' > d",
        '<p title="He said &quot;no&quot;">x</p>',
        '<img src="data:image/svg+xml,%3Csvg viewBox=\'0 0 1 1\'%3E" alt="">',
    ],
)
def test_what_is_well_written_stays_as_it_is(html):
    assert with_closed_quotes(html) == html


VALUES = st.text("ab \u1ea3 >&;=/.'", max_size=12)
TAGS = st.builds(
    lambda name, values, text: (
        f"<{name}" + "".join(f' data-{n}="{v}"' for n, v in enumerate(values)) + f">{text}</{name}>"
    ),
    st.sampled_from(["p", "b", "td", "span"]),
    st.lists(VALUES, max_size=3),
    st.text("ab \"'>\n", max_size=20),
)


@given(st.lists(TAGS, max_size=6))
def test_quoted_attributes_of_programs_are_never_touched(tags):
    html = "".join(tags)
    assert with_closed_quotes(html) == html


@given(st.data())
def test_whichever_quote_of_a_link_is_lost_every_link_is_there(data):
    texts = st.text("abc \u1ea1'", min_size=1, max_size=12).filter(str.strip)
    told = data.draw(st.lists(texts, min_size=1, max_size=6))
    quote = data.draw(st.sampled_from("\"'")) if not any("'" in one for one in told) else '"'
    extra = data.draw(st.sampled_from(["", " target=_blank", f" class={quote}x{quote}"]))
    written = [
        f"<a href={quote}https://x.vn/{n}{quote}{extra}>{text}</a>" for n, text in enumerate(told)
    ]
    at = data.draw(st.integers(0, len(written) - 1))
    which = data.draw(st.sampled_from(["first", "second"]))
    first = written[at].index(quote)
    second = written[at].index(quote, first + 1)
    lost = first if which == "first" else second
    if which == "first" and extra.endswith(quote):
        return  # the other quotes pair up otherwise: what was meant cannot be told
    written[at] = written[at][:lost] + written[at][lost + 1 :]
    between = data.draw(st.sampled_from([" ", "<br>", " và ", "</p><p>"]))
    found = links(between.join(written))
    assert [href for href, _ in found] == [f"https://x.vn/{n}" for n in range(len(told))]
    assert [text.strip() for _, text in found] == [text.strip() for text in told]


@table(
    ("html", "clean"),
    [
        ("<noscript>Lời <b>dẫn</b></noscript><p>a</p>", "Lời <b>dẫn</b><p>a</p>"),
        ("<noscript>Hãy bật JavaScript để xem bình luận.</noscript>a", "a"),
        ("<noscript>Please enable JavaScript.</noscript>a", "a"),
        ("<iframe src=x>Trình duyệt không hỗ trợ iframe.</iframe>a", "a"),
        ("<iframe src=x></iframe>a", "a"),
        ("<iframe srcdoc='<p>x</p>'></iframe>a", "a"),
        ("<noembed>a</noembed><noframes>b</noframes>", "a b"),
        (
            '<img data-src="https://x.vn/a.jpg"><noscript><img src="https://x.vn/a2.jpg"></noscript>',
            '<img src="https://x.vn/a.jpg">',
        ),
        (
            '<img src="data:x" data-lazy="q"><noscript><img src="https://x.vn/a.jpg"></noscript>',
            '<img src="https://x.vn/a.jpg">',
        ),
        (
            '<noscript><img height="1" width="1" src="https://x.vn/tr?id=1"></noscript>a',
            "a",
        ),
    ],
)  # fmt: skip
def test_what_stands_in_for_frames_and_scripts_is_shown(html, clean):
    assert clean_html(html, BASE) == clean


def test_links_in_a_frame_are_kept():
    html = (
        '<iframe src="https://y.example/embed"><p>Không xem được? '
        '<a href="https://y.example/watch">Mở trang</a> bằng trình duyệt khác</p></iframe>'
    )
    assert links(html) == [("https://y.example/watch", "Mở trang")]


@table(
    "piece",
    [
        '<a href="', '<a href="x>', "<a '\"", "<!--", "<iframe ", '<iframe src="', "<button ",
        "<noscript>", "<noscript><img ", "<noscript><img></noscript>", '<script><a href="',
        '<a title="a > ', "<a href=\u201c", '<a =\\"', '<a href="x y=', "= ",
    ],
)  # fmt: skip
def test_hostile_quotes_cost_time_in_proportion(piece):
    def cost(count: int) -> float:
        best = 1e9
        for _ in range(2):
            began = time.process_time()
            with_closed_ends(piece * count)
            best = min(best, time.process_time() - began)
        return best

    many = MOST_TAGS // 16 // max(piece.count("<"), 1)
    assert cost(2 * many) < 3.5 * cost(many) + 0.05
