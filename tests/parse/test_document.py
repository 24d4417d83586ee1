"""From bytes to a Document: every format, identity, dates, and what is not a feed at all."""

from __future__ import annotations

import gzip
import json
import os
import unicodedata
from datetime import UTC, datetime

import pytest

from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.errors import ParseError
from service.model import Enclosure, Image
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from tests.levels import table

URL = "https://bao.example/rss/giao-duc.rss"
VIET = ParseOptions(zone="Asia/Ho_Chi_Minh", language="vi")


def read(text, now, *, headers=None, url=URL, reading=VIET):
    body = text if isinstance(text, bytes) else text.encode()
    return parse_document(body, headers or {}, url, reading, now)


def rss(items, channel="<title>Báo</title><link>https://bao.example/</link>", attributes=""):
    return f'<rss version="2.0"{attributes}><channel>{channel}{items}</channel></rss>'


def item(**fields):
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<item>{inner}</item>"


def atom(entries, head="<title>A</title>", attributes=""):
    return f'<feed xmlns="http://www.w3.org/2005/Atom"{attributes}>{head}{entries}</feed>'


def test_an_rss_item_with_all_its_fields(now):
    ns = (
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    )
    document = read(
        rss(
            """<item><title>Bộ GD&amp;ĐT công bố phương án thi</title>
            <link>
              https://bao.example/thi-1.html
            </link><guid isPermaLink="false">tin-1</guid>
            <description><![CDATA[<a href="x"><img src="/a.jpg" width="500" alt="Ảnh"></a></br>Sapo
            của tin.]]></description>
            <content:encoded><![CDATA[<p>Toàn văn <img src="b.jpg"></p>]]></content:encoded>
            <pubDate>Mon, 04 May 2026 12:05:08 GMT+7</pubDate>
            <dc:creator>Minh Anh</dc:creator><author>bientap@bao.example (Toà soạn)</author>
            <category>Giáo dục</category><category><![CDATA[Thi cử]]></category>
            <enclosure url="/a.jpg" type="image/jpeg" length="1200"/>
            <enclosure url="https://cdn.example/b.mp3" type="audio/mpeg" length="123456"/>
            </item>""",
            "<title>Báo – Giáo dục</title><link>https://bao.example/</link>"
            "<language>vi-VN</language><ttl>30</ttl>",
            ns,
        ),
        now,
    )
    assert (document.title, document.link) == ("Báo – Giáo dục", "https://bao.example/")
    assert (document.language, document.ttl_s, document.repairs) == ("vi-VN", 1800, ())
    (entry,) = document.entries
    assert entry.key == entry.guid == "tin-1"
    assert entry.link == "https://bao.example/thi-1.html"
    assert entry.link_is_key
    assert entry.title == "Bộ GD&ĐT công bố phương án thi"
    assert entry.published == datetime(2026, 5, 4, 5, 5, 8, tzinfo=UTC)
    assert entry.updated is None
    assert entry.content == '<p>Toàn văn <img src="b.jpg"></p>'
    assert "Sapo" in entry.summary
    assert entry.base == entry.link  # relative links of an RSS text are those of its page
    assert set(entry.authors) == {"Minh Anh", "Toà soạn"}
    assert entry.categories == ("Giáo dục", "Thi cử")
    assert entry.enclosures == (
        Enclosure("https://bao.example/a.jpg", "image/jpeg", None),  # 1200 is a width, no length
        Enclosure("https://cdn.example/b.mp3", "audio/mpeg", 123456),
    )
    assert entry.image == Image("https://bao.example/a.jpg")


def test_an_atom_entry_with_base_language_and_several_texts(now):
    document = read(
        atom(
            """<entry xml:base="2026/" xml:lang="en"><id>urn:uuid:1</id>
            <title type="text">Using &lt;b> in HTML</title>
            <link rel="alternate" href="one.html"/><link rel="enclosure" href="a.mp3"/>
            <updated>2026-11-24T01:00:00Z</updated><published>2026-11-23T01:00:00+07:00</published>
            <summary>a &lt; b
            c</summary>
            <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Text</p></div>
            </content><author><name>An</name><email>an@x.example</email></author>
            <category term="edu" label="Giáo dục"/></entry>""",
            attributes=' xml:base="https://blog.example/"',
        ),
        now,
        url="https://feeds.example/atom",
    )
    (entry,) = document.entries
    assert entry.link == "https://blog.example/2026/one.html"
    assert entry.base == "https://blog.example/2026/"
    assert entry.title == "Using <b> in HTML"
    assert entry.summary.startswith("a &lt; b<br>")
    assert entry.content == "<p>Text</p>"
    assert entry.published == datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    assert entry.updated == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert (entry.authors, entry.categories) == (("An",), ("Giáo dục",))
    assert entry.enclosures == (Enclosure("https://feeds.example/a.mp3", "text/html", None),) or (
        entry.enclosures[0].url == "https://blog.example/2026/a.mp3"
    )
    assert entry.language == "en"


RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{}"><channel>'
    "<title>T</title></channel>ITEM</rdf:RDF>"
)
ATOM_03 = (
    '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>T</title><entry><title>Tin</title>'
    '<link rel="alternate" type="text/html" href="https://a.example/1"/></entry></feed>'
)


@pytest.mark.parametrize(
    "document",
    [
        '<rss version="0.91"><channel><title>T</title>ITEM</channel></rss>',
        '<rss version="0.92"><channel><title>T</title>ITEM</channel></rss>',
        RDF.format("http://purl.org/rss/1.0/"),
        RDF.format("http://my.netscape.com/rdf/simple/0.9/"),
        ATOM_03,
    ],
)  # fmt: skip
def test_the_old_formats(document, now):
    text = document.replace(
        "ITEM", "<item><title>Tin</title><link>https://a.example/1</link></item>"
    )
    read_ = read(text, now)
    assert read_.title == "T"
    assert [(entry.title, entry.link) for entry in read_.entries] == [
        ("Tin", "https://a.example/1")
    ]


def test_titles_lose_markup_and_double_escapes(now):
    titles = [
        "<![CDATA[Học sinh đ&atilde; c&oacute; đề]]>",
        "&lt;b&gt;Đậm&lt;/b&gt; và thường",
        "R&amp;D và ?a=1&amp;copy=2",
        "Vector&lt;int&gt; &amp; bạn",
        "Hai\n   dòng",
    ]
    document = read(rss("".join(item(title=title, guid=n) for n, title in enumerate(titles))), now)
    assert [entry.title for entry in document.entries] == [
        "Học sinh đã có đề", "Đậm và thường", "R&D và ?a=1&copy=2", "Vector<int> & bạn",
        "Hai dòng",
    ]  # fmt: skip


def test_text_is_nfc_and_free_of_what_marks_personal_values(now):
    decomposed = unicodedata.normalize("NFD", "Hội nghị Bắc Ninh") + "\ufdd0"
    (entry,) = read(rss(item(title=decomposed, guid=decomposed)), now).entries
    assert entry.title == entry.guid == "Hội nghị Bắc Ninh"


class TestIdentity:
    def test_a_repeated_guid_takes_the_link_along(self, now):
        items = "".join(
            item(guid="https://bao.example/", link=f"https://bao.example/{n}", title=n)
            for n in "abc"
        )
        entries = read(rss(items), now).entries
        assert [entry.key for entry in entries] == [
            f"https://bao.example/ https://bao.example/{n}" for n in "abc"
        ]

    def test_without_a_guid_the_link_is_the_key_if_it_is_one(self, now):
        entries = read(
            rss(
                item(link="https://bao.example/1", title="một")
                + item(link="https://bao.example/", title="trang nhà")
                + item(link="https://bao.example/chung", title="hai")
                + item(link="https://bao.example/chung", title="ba")
                + item(title="bốn")
            ),
            now,
        ).entries
        assert entries[0].key == "https://bao.example/1"
        assert [entry.link_is_key for entry in entries] == [True, False, False, False, False]
        assert all(entry.key.startswith("hash:") for entry in entries[1:])
        assert len({entry.key for entry in entries}) == 5

    def test_a_link_that_is_the_key_does_not_move_with_campaigns_or_to_https(self, now):
        before, after = (
            read(rss(item(title="một", link=link)), now).entries[0].key
            for link in ("http://bao.example/1", "https://bao.example/1?utm_source=rss")
        )
        assert before == after

    def test_links_that_differ_only_in_what_a_canonical_address_drops_are_no_keys(self, now):
        entries = read(
            rss("".join(item(guid=n, link=f"https://bao.example/x#{n}") for n in "ab")), now
        ).entries
        assert [entry.link_is_key for entry in entries] == [False, False]

    def test_word_for_word_doubles_count_once_and_others_keep_apart(self, now):
        same = item(guid="1", link="https://bao.example/1", title="một")
        other = item(guid="1", link="https://bao.example/1", title="hai")
        entries = read(rss(same + same + other), now).entries
        assert len(entries) == 2
        assert len({entry.key for entry in entries}) == 2
        (only,) = read(rss(same + same), now).entries
        assert only.key == "1"
        assert only.link_is_key

    def test_keys_do_not_move_when_the_feed_does(self, now):
        text = rss(item(guid="t3_42", title="một") + item(guid="/tin/2", title="hai"))
        here = read(text, now, url="https://old.example/a/rss").entries
        there = read(text, now, url="https://new.example/b/rss").entries
        assert here[0].key == there[0].key == "t3_42"

    def test_an_id_keeps_its_capital_letters(self, now):
        (entry,) = read(
            atom("<entry><id>HTTPS://Bao.example/1</id><title>x</title></entry>"), now
        ).entries
        assert entry.guid == "HTTPS://Bao.example/1"

    def test_a_huge_guid_fits_an_index(self, now):
        entries = read(rss("".join(item(guid="Đ" * 3000 + n, title=n) for n in "ab")), now).entries
        assert all(len(entry.key.encode()) < 2000 for entry in entries)
        assert entries[0].key != entries[1].key


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("Fri, 08 Feb 2019 16:56:21 +0700", "2019-02-08T09:56:21"),
        ("Mon, 05 Oct 2026 11:07:00 +07", "2026-10-05T04:07:00"),
        ("Thứ 5, 28/05/2026 17:00:00 GMT+7", "2026-05-28T10:00:00"),
        ("24/11/2026 08:05", "2026-11-24T01:05:00"),
        ("2026-11-24T08:05:00", "2026-11-24T01:05:00"),
        ("Tue, 24 Nov 2026 09:00:00 GMT", "2026-11-24T09:00:00"),
        ("Thu, 26 Nov 2026 09:00:00 GMT", None),  # more than a day ahead
        ("sắp tới", None),
        ("", None),
    ],
)
def test_dates_are_read_in_the_zone_of_the_source(written, utc, now):
    (entry,) = read(rss(item(title="x", pubDate=written)), now).entries
    assert entry.published == (datetime.fromisoformat(utc + "+00:00") if utc else None)


def test_a_source_may_write_months_first(now):
    reading = ParseOptions(zone="Asia/Ho_Chi_Minh", order="mdy")
    text = rss(item(title="x", pubDate="10/2/2026 9:25:00 AM"))
    (entry,) = read(text, now, reading=reading).entries
    assert entry.published == datetime(2026, 10, 2, 2, 25, tzinfo=UTC)


def test_the_page_of_an_entry_is_never_the_file_that_hangs_on_it(now):
    page = '<link rel="alternate" type="text/html">https://bao.example/1</link>'
    file = '<link rel="enclosure" type="audio/mpeg">https://bao.example/1.mp3</link>'
    for order in (page + file, file + page):
        (entry,) = read(atom(f"<entry><id>1</id>{order}</entry>"), now).entries
        assert entry.link == "https://bao.example/1"


def test_the_language_comes_from_the_document_and_else_from_its_header(now):
    header = {"content-language": "vi"}
    assert read(rss(""), now, headers=header).language == "vi"
    assert read(rss("", "<language>en</language>"), now, headers=header).language == "en"
    assert read(rss(""), now, headers={"content-language": "vi, en"}).language is None


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["10/2/2026 9:25:00 AM", "10/22/2026 9:25:00 PM"], "2026-10-02T02:25"),
        (["10/2/2026 9:25", "22/10/2026 9:25"], "2026-02-10T02:25"),
        (["10/2/2026 9:25:00 AM"], "2026-10-02T02:25"),  # as .NET writes it
        (["<![CDATA[ 12/10/2026 08:00 ]]>"], "2026-10-12T01:00"),  # December lies ahead
        (["10/2/2026 9:25", "Tue, 24 Nov 2026 08:05:00 +0700"], "2026-02-10T02:25"),
    ],
)
def test_day_and_month_stand_in_the_order_of_the_whole_document(lines, first, now):
    text = rss("".join(item(title=n, pubDate=line) for n, line in enumerate(lines)))
    assert read(text, now).entries[0].published == datetime.fromisoformat(first + "+00:00")
    config = ParseOptions(zone="Asia/Ho_Chi_Minh", order="dmy")
    assert read(text, now, reading=config).entries[0].published != datetime(
        2026, 10, 2, 2, 25, tzinfo=UTC
    )


def test_dates_of_rdf_and_of_atom_without_published(now):
    ns = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    text = rss(item(title="x", **{"dc:date": "2026-11-20T10:00:00+07:00"}), attributes=ns)
    (entry,) = read(text, now).entries
    assert entry.published == datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    text = atom("<entry><id>1</id><title>x</title><updated>2026-11-20T03:00:00Z</updated></entry>")
    (entry,) = read(text, now).entries
    assert entry.published == entry.updated == datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@table(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "HTML page"),
        (b"<!-- x -->\n<HTML><head>", "HTML page"),
        (b"custom feed", "not a feed; it begins with 'custom feed'"),
        (b"<note><to>x</to></note>", "not a feed"),
        (b"%PDF-1.7 \x00\xff\xfe", "not a feed"),
        (b"<rss version='2.0'><channel><title>Half a fee", "breaks off"),
        (b"<rss version='2.0'><channel><item><title>Half", "breaks off"),
        (b"<rss version='2.0'><channel><title>a < b</title></channel></rss>", "broken"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "no JSON Feed"),
        (b'{"items": []}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "JSON is broken"),
        (b"[1, 2]", "no JSON Feed"),
        (b"[" * 100_000, "nested too deeply|broken"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"9" * 5000 + b"]}",
         "JSON is broken"),
    ],
)  # fmt: skip
def test_what_is_no_feed_has_a_reason_in_plain_words(body, reason, now):
    with pytest.raises(ParseError, match=reason):
        read(body, now)


def test_a_feed_without_entries_is_a_feed(now):
    assert read("<CHANNEL><TITLE>Báo</TITLE></CHANNEL>", now).title == "Báo"
    assert read(rss("").removesuffix(">"), now).title == "Báo"
    assert read(rss(""), now).entries == ()
    assert read(atom(""), now).entries == ()


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        (b"<!DOCTYPE a [<!ENTITY d '\\d'>]><rss><channel><item><title>&d;</title></item></channel>",
         ["&d;"]),
        (b"<rss version='2.0'><channel><item><title>&#1114112;</title></item></channel></rss>",
         [""]),
        (b"<rss xmlns:a='http://x y/'><channel><item><a:b c='d'/></item></channel></rss>", [""]),
    ],
)  # fmt: skip
def test_what_makes_feedparser_raise_is_read_another_way(body, titles, now):
    assert [entry.title for entry in read(body, now).entries] == titles


def test_what_no_way_reads_has_a_reason(now):
    inside = b"<item><textinput><name>x</name></textinput></item>"
    with pytest.raises(ParseError, match="cannot be understood"):
        read(b"<rss version='2.0'><channel>" + inside + b"</channel>", now)


def test_a_body_that_names_a_local_file_opens_no_file(tmp_path, now, monkeypatch):
    secret = tmp_path / "secret.xml"
    secret.write_text(rss(item(title="bí mật")))
    monkeypatch.chdir(tmp_path)
    for body in (b"secret.xml", os.fsencode(secret), b"file://" + os.fsencode(secret)):
        with pytest.raises(ParseError, match="not a feed"):
            read(body, now)


def test_entities_open_no_file_and_do_not_explode(tmp_path, now):
    secret = tmp_path / "secret.txt"
    secret.write_text("bí mật")
    external = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]>' + rss(item(title="a&x;b"))
    assert "bí mật" not in str(read(external, now))
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE rss [<!ENTITY e0 "aaaaaaaaaa">{lines}]>' + rss(item(title="&e9;"))
    (entry,) = read(bomb, now).entries
    assert entry.title == "&e9;"


def test_links_are_of_the_web_or_none(now):
    links = ["javascript:alert(1)", "/tin/1", "//cdn.example/x", "mailto:a@b.vn", "http://[bad", ""]
    document = read(
        rss("".join(item(link=link, guid=f"urn:{n}") for n, link in enumerate(links))), now
    )
    assert [entry.link for entry in document.entries] == [
        None, "https://bao.example/tin/1", "https://cdn.example/x", None, None, None,
    ]  # fmt: skip


def test_pictures_come_from_media_files_and_texts(now):
    ns = ' xmlns:media="http://search.yahoo.com/mrss/"'
    items = (
        '<item><guid>1</guid><media:content url="/s.jpg" medium="image" width="100"/>'
        '<media:content url="/l.jpg" medium="image" width="900" height="600"/></item>'
        '<item><guid>2</guid><media:thumbnail url="/t.jpg"/></item>'
        '<item><guid>3</guid><description>&lt;img src="/p.gif" width="1" height="1"&gt;'
        '&lt;img data-src="/lazy.jpg" src="data:image/gif;base64,R0" alt="Cầu"&gt;</description>'
        "</item><item><guid>4</guid><description>chữ</description></item>"
    )
    images = [entry.image for entry in read(rss(items, attributes=ns), now).entries]
    assert images == [
        Image("https://bao.example/l.jpg", "", 900, 600),
        Image("https://bao.example/t.jpg"),
        Image("https://bao.example/lazy.jpg", "Cầu"),
        None,
    ]


def test_a_document_with_repairs_still_gives_its_entries(now):
    text = "\n<?xml version='1.0'?>" + rss(
        item(title="Sở KH&ĐT&nbsp;họp", link="https://bao.example/tin.aspx?id=12&cat=3")
    )
    document = read(text, now)
    assert document.repairs == ("leading-blanks", "bare-ampersands", "unknown-entities")
    (entry,) = document.entries
    assert entry.link == "https://bao.example/tin.aspx?id=12&cat=3"
    assert entry.title == "Sở KH&ĐT họp"


TWICE_AN_HOUR = (
    "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
)


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [
        ("<ttl>60</ttl>", 3600),
        ("<ttl>soon</ttl>", None),
        ("<ttl>0</ttl>", None),
        (
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
            1800,
        ),
        ("", None),
    ],
)
def test_the_rhythm_that_a_document_asks_for(channel, seconds, now):
    assert read(rss("", f"<title>T</title>{channel}"), now).ttl_s == seconds


class TestJsonFeed:
    def feed(self, items, **extra):
        head = {"version": "https://jsonfeed.org/version/1.1", "title": "Báo", **extra}
        return json.dumps({**head, "items": items}, ensure_ascii=False)

    def test_all_its_fields(self, now):
        (entry,) = read(
            "\ufeff"
            + self.feed(
                [
                    {
                        "id": 42, "url": "/tin/1", "title": "Một &amp; hai",
                        "content_html": '<p>Chữ <img src="a.jpg"></p>', "summary": "a < b",
                        "date_published": "2026-11-24T08:00:00+07:00",
                        "date_modified": "2026-11-24T09:00:00+07:00", "tags": ["x", "", 5],
                        "language": "vi", "banner_image": "/b.jpg",
                        "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg",
                                         "size_in_bytes": 99999}, "junk"],
                    }
                ],
                home_page_url="https://bao.example/", authors=[{"name": "Toà soạn"}],
            ),
            now,
        ).entries  # fmt: skip
        assert (entry.key, entry.link) == ("42", "https://bao.example/tin/1")
        assert (entry.title, entry.summary) == ("Một & hai", "a &lt; b")
        assert entry.published == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
        assert entry.updated == datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
        assert (entry.authors, entry.categories) == (("Toà soạn",), ("x",))
        assert entry.image == Image("https://bao.example/b.jpg")
        assert entry.enclosures == (Enclosure("https://bao.example/a.mp3", "audio/mpeg", 99999),)

    def test_version_1_and_strange_shapes(self, now):
        document = read(
            self.feed(
                [
                    {"id": "a", "author": {"name": "An"}, "content_text": "một\nhai <b>"},
                    {"id": None, "url": "https://bao.example/2", "authors": "x", "tags": {"a": 1}},
                    "junk",
                    {"title": 5, "date_published": 7, "attachments": "x", "image": ["x"]},
                ],
                version="https://jsonfeed.org/version/1",
            ),
            now,
        )
        first, second, third = document.entries
        assert (first.authors, first.content) == (("An",), "một<br>\nhai &lt;b&gt;")
        assert (second.key, second.link_is_key) == ("https://bao.example/2", True)
        assert third.title == ""

    def test_it_is_known_by_its_type_or_its_first_letter(self, now):
        headers = {"content-type": "application/feed+json"}
        assert read("  " + self.feed([]), now, headers=headers).title == "Báo"
        with pytest.raises(ParseError, match="JSON is broken"):
            read("not json", now, headers=headers)
        assert read(rss(""), now, headers=headers).title == "Báo"


@pytest.mark.parametrize(
    ("zone", "channel", "utc"),
    [
        ("UTC", "<language>vi-vn</language>", "01:05"),
        ("UTC", "<language>ja</language>", "23:05"),
        ("UTC", "<link>https://tuoitre.vn</link>", "01:05"),
        ("UTC", "", "08:05"),
        ("UTC", "<language>en</language>", "08:05"),
        ("Europe/Berlin", "<language>vi</language>", "07:05"),
    ],
)
def test_a_time_without_zone_is_the_sources_or_its_languages(zone, channel, utc, now):
    body = rss(item(guid=1, pubDate="24/11/2026 08:05"), channel=channel)
    (entry,) = read(body, now, reading=ParseOptions(zone=zone)).entries
    assert f"{entry.published:%H:%M}" == utc


def test_a_json_feed_tells_its_zone_by_its_language(now):
    items = [{"id": "1", "date_published": "2026-11-24T08:05:00"}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "language": "vi", "items": items}
    (entry,) = read(json.dumps(feed), now, reading=ParseOptions()).entries
    assert f"{entry.published:%H:%M}" == "01:05"


@pytest.mark.parametrize(
    ("first", "published"),
    [
        ("Invalid Date", datetime(2026, 11, 20, 8, tzinfo=UTC)),  # the other one has the word
        ("Thu, 01 Jan 1970 00:00:00 GMT", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("Thu, 01 Jan 2099 00:00:00 GMT", None),  # it counts from when it was first seen
        ("Thu, 19 Nov 2026 00:00:00 GMT", datetime(2026, 11, 19, tzinfo=UTC)),
    ],
)
def test_a_date_that_says_nothing_hides_no_other(first, published, now):
    ns = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    fields = {"title": "x", "pubDate": first, "dc:date": "2026-11-20T08:00:00Z"}
    (entry,) = read(rss(item(**fields), attributes=ns), now).entries
    assert entry.published == published
    two = {"id": "1", "date_published": first, "date_modified": "2026-11-20T08:00:00Z"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "A", "items": [two]}
    (entry,) = read(json.dumps(feed), now).entries
    assert entry.published == published


@pytest.mark.processes
async def test_a_feed_that_is_packed_as_a_file_is_read(now):
    body = gzip.compress(rss(item(title="Tin", guid="1")).encode())
    async with Parsers(1) as parsers:
        brought = await parsers.read(ParseTask(body, {}, URL, VIET, now))
        with pytest.raises(ParseError, match="gzip is broken"):
            await parsers.read(ParseTask(b"\x1f\x8b" + b"x" * 50, {}, URL, VIET, now))
        torn = await parsers.read(ParseTask(body[:-12], {}, URL, VIET, now))
        plain = gzip.decompress(body)  # in two members, as some servers write on
        halves = gzip.compress(plain[:90]) + gzip.compress(plain[90:])
        joined = await parsers.read(ParseTask(halves, {}, URL, VIET, now))
    assert joined.document == brought.document
    assert [one.title for one in brought.document.entries] == ["Tin"]
    assert [one.title for one in torn.document.entries] == ["Tin"]
