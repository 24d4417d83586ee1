"""A mail put together of pieces is what inlining the whole gives, byte for byte."""

from __future__ import annotations

import css_inline

from service.render import pieces as pieces_module
from service.render.pieces import Pieces
from tests.levels import table

STYLE = """<style>
body { margin: 0 } /* p + p { color: red } */
.story a, td > p.lead { color: #1f2328; text-decoration: none; }
.story { padding: 1px }
h2.story { padding: 2px }
</style><style>@media screen { .story:hover + p { color: red !important } }</style>"""

STORY = (
    '<h2 class="story" lang="vi"><a href="https://a.vn/?a=1&amp;b=2">Tin {n} &lt;b&gt;</a></h2>\n'
)


class Mails:
    """Inlines mails of one look, some of whose text is given as pieces; counts what it inlined."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self.inlined: list[int] = []
        self._inliner = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True)

    def whole(self, html: str) -> str:
        self.inlined.append(len(html))
        return self._inliner.inline(html)

    def differs(self, parts: list[str], every: int = 2) -> bool:
        """Whether a mail of these parts, each second one a piece, is not what it should be."""
        self.pieces.begin()
        html = "".join(
            self.pieces.once("vi", part, caller=lambda part=part: part) if n % every else part
            for n, part in enumerate(parts)
        )
        return self.pieces.inline(html, self.whole) != self.whole(html)

    def warm(self, before: str, after: str, story: str = STORY) -> None:
        """Until what comes next may be put together, if anything of this look may be."""
        for n in range(4):
            assert not self.differs([before, story.format(n=n), after])


def test_stories_are_inlined_once_for_all_mails_that_tell_them():
    mails = Mails()
    before, after = f"<!DOCTYPE html><html><head>{STYLE}</head><body><p>Chào</p>", "</body></html>"
    mails.warm(before, after)
    stories = [STORY.format(n=n) for n in range(4)]
    mails.inlined.clear()
    assert not mails.differs([before, stories[1], "<p>", "x", "</p>", stories[3], after])
    *own, whole = mails.inlined
    assert max(own) < whole - len(stories[1])
    assert not mails.differs([before, stories[2], f"<div class='story'><p>{'y' * 9}", "z",
                              "</p></div>", stories[1], after])  # fmt: skip


def test_a_mail_that_stays_the_only_one_is_inlined_once():
    mails = Mails()
    head = f"<!DOCTYPE html><html><head>{STYLE}</head><body>"
    assert not mails.differs([head, STORY.format(n=1), "</body></html>"])
    own, whole = mails.inlined
    assert own == whole


@table(
    ("style", "story"),
    [
        ("p + p { color: red }", "<p>một</p>"),
        ("p ~ p { color: red }", "<p>một</p>"),
        ("p:first-child { color: red }", "<p>một</p>"),
        ("p:not(.x) { color: red }", "<p>một</p>"),
        ("[class] { color: red }", "<p class='x'>một</p>"),
        ("a { color: red } @media x { b { c: d } } p:last-child { color: red }", "<p>một</p>"),
    ],
)
def test_a_look_whose_selectors_look_beside_an_element_is_inlined_as_a_whole(style, story):
    mails = Mails()
    before = f"<!DOCTYPE html><html><head><style>{style}</style></head><body><p>Chào</p>"
    mails.warm(before, "<p>hết</p></body></html>", story)
    mails.inlined.clear()
    assert not mails.differs([before, story, "<p>và</p></body></html>"])
    own, whole = mails.inlined
    assert own == whole


CLOSED = "</body></html>"


@table(
    ("around", "piece"),
    [
        (("<p>", "</p>"), "<p class='lead'>trong</p>"),  # a p ends where another begins
        (("<p>", "</p>"), "<div class='story'>trong</div>"),
        (("<table>", "</table>"), "<p class='lead'>không ở trong bảng</p>"),
        (("<table>", "</table>"), "<tr><td><p class='lead'>một</p></td></tr>"),
        (("<table><tr><td>", "</td></tr></table>"), "<p class='lead'>một</p>"),
        (("<table><tr><td class='story'>", "</td></tr></table>"), "<a href='?a>b'>một</a>"),
        (("<div>", "</div>"), "</div><div class='story'>"),
        (("<b>", "</b>"), "<p class='story'><i>một</p></i>"),
        (("<div>", "</div>"), "<b>một<p>hai</p>"),
        (("<p><b><div>", "</div></b></p>"), "một <p>hai</p>"),
        (("<b><p>", "</b></p>"), "một <p>hai</p>"),
        (("<!-- ", " -->"), "<p>một</p>"),
        (("<!--[if mso]>", "<![endif]-->"), "<p class='lead'>một</p>"),
        (("<div title='", "'></div>"), "một &amp; hai"),
        (("<div title='", "'></div>"), "<p>một</p>"),
        (("<title>", "</title>"), "<p>một</p>"),
        (("<style>", "</style>"), ".story { color: red }"),
        (("<textarea>", "</textarea>"), "<p class='story'>một</p>"),
        (("<svg>", "</svg>"), "<p class='story'>một</p>"),
        (("<div>", "</div>"), "<style>.story { color: red }</style>"),
        (("<div>", "</div>"), "<img class='story' src=x><br/>một &nbsp; hai"),
        (("<div>", "</div>"), "<A CLASS='story'>một</A>"),
        (("<div>", "</div>"), "<!--piece 0-->"),
        (("<div><!--piece 0-->", "</div>"), "<p class='story'>một</p>"),
        (("<div>", "</div>"), "<!-- > --><p class='story'>một</p>"),
        (("<div>", "</div>"), "một < hai"),
        (("<div>", "</div>"), "một"),
        (("<div>", "</div>"), ""),
    ],
)
def test_a_piece_that_is_no_tree_of_its_own_changes_nothing(around, piece):
    mails = Mails()
    head = f"<!DOCTYPE html><html><head>{STYLE}</head><body class='story'>"
    mails.warm(head, CLOSED)
    before, after = around
    assert not mails.differs([head + before, piece, after + CLOSED])
    story = STORY.format(n=9)
    assert not mails.differs([head + before, piece, after, story, before, piece, after + CLOSED])
    assert not mails.differs([head, before, "", piece, "<p>x</p>", after, CLOSED])


def test_what_stands_in_several_places_has_the_style_of_each():
    mails = Mails()
    head = f"<html><head>{STYLE}</head><body>"
    mails.warm(head, CLOSED)
    lead = "<p class='lead'>một</p>"
    parts = [head, lead, "<table><tr><td>", lead, "</td></tr></table><table><tr><td><div>", lead]
    assert not mails.differs([*parts, f"</div></td></tr></table>{CLOSED}"])


def test_a_piece_within_a_piece_is_a_part_of_it():
    mails, pieces = Mails(), Pieces()
    inner = STORY.format(n=1)
    head = f"<!DOCTYPE html><html><head>{STYLE}</head><body>"
    for n in range(6):
        pieces.begin()
        outer = pieces.once(
            "vi", "section", n % 2,
            caller=lambda: f"<div>{pieces.once('vi', 1, caller=lambda: inner)}</div>",
        )  # fmt: skip
        html = f"{head}{outer}{inner}{CLOSED}"
        assert pieces.inline(html, mails.whole) == mails.whole(html)


FRAME = (f"<!DOCTYPE html><html><head>{STYLE}</head><body><table><tr><td class='story'>",
         f"</td></tr></table>{CLOSED}")  # fmt: skip


def test_mails_of_one_shape_are_inlined_once_whatever_their_words():
    mails = Mails()
    head, end = FRAME
    stories = [STORY.format(n=n) for n in range(3)]

    def differs(n: int, words: str) -> bool:
        return mails.differs([f"{head}<p>{words}</p>", stories[n % 3], f"<p>{words}</p>{end}"])

    for n in range(4):
        assert not differs(n, f"{n} tin")
    mails.inlined.clear()
    for n in range(9):
        assert not differs(n, f"{n} tin khác")
    assert len(mails.inlined) == 9  # only what each is compared with


@table(
    "words",
    [
        "một", " một ", "\nmột\n hai\n", "một &amp; hai", "&amp;", "&lt;b&gt; một", "a&nbsp;b",
        "một\u00a0hai", "&#34;một&#34; &#39;hai&#39;", "&quot;một&quot;", "&copy; một", "&#233;t",
        "a & b", "a &b; c", "&ampx", "a &#x26; b", "x > y", "x < y", "a\rb", "\u3000một",
        "\ufdd0x\ufdd1", "\ufdd20\ufdd3", "{0}", "\\1", "😀 một", "<i>một</i>hai", "<!-- một -->",
        "<!--piece 0-->",
        "<i title='a > b'>một</i>", "<i title='>một<'>hai</i>", "<title>một</title>",
        "<textarea>một</textarea>", "<svg><p>một</p></svg>", "<pre>\n\nmột</pre>",
        "<b>một<p>hai</b>ba</p>",
        "<table>một<tr><td>hai</table>ba", "<select>một</select>", "<![CDATA[một]]>", "",
    ],
)  # fmt: skip
def test_words_of_every_kind_stand_in_a_known_shape_as_they_would_by_themselves(words):
    mails = Mails()
    head, end = FRAME
    for before, after in (("<p>", "</p>"), ("", ""), ("<div title='", "'>x</div>"), ("<b>", "")):
        for said in ("một", "hai", "ba", "bốn", words, "năm", words):
            parts = [f"{head}{before}{said}{after}", STORY.format(n=1), end]
            assert not mails.differs(parts), (before, said)


def test_where_each_mail_has_a_shape_of_its_own_no_more_than_some_are_known():
    mails = Mails()
    head, end = FRAME
    for n in range(pieces_module._MOST_SHAPES + 10):
        assert not mails.differs([f"{head}<p title='{n}'>x</p>", STORY.format(n=1), end])
    assert len(mails.pieces._shapes) == pieces_module._MOST_SHAPES


def test_what_is_kept_is_bounded():
    pieces = Pieces()
    for n in range(40):
        pieces.begin()
        pieces.once("vi", n, caller=lambda: "x" * 100_000)
    called = []
    pieces.begin()
    pieces.once("vi", 0, caller=lambda: called.append(1) or "y")
    assert called
