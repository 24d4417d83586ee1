"""The cheap repairs: what they repair, and what they leave alone."""

from __future__ import annotations

import unicodedata

import pytest

from service.parse.document import parse_document
from service.parse.feed import encoding
from service.parse.options import ParseOptions
from service.parse.repair import pipeline, repair_names
from service.text.old_charsets import CHARSETS
from tests.levels import table
from tests.text.test_legacy import written

XML = {"content-type": "application/xml"}


def rss(items: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return f"{head}<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


def test_a_well_formed_document_is_not_touched():
    body = rss("<item><title>Hội nghị &amp; <![CDATA[a & b <br>]]></title></item>")
    done = pipeline.repair(body, XML)
    assert done.repairs == ()
    assert done.text == body.decode().partition("?>")[2]


@table(
    ("broken", "whole", "name"),
    [
        ("?id=12&cat=3", "?id=12&amp;cat=3", repair_names.BARE_AMPERSANDS),
        ("Sở KH&ĐT", "Sở KH&amp;ĐT", repair_names.BARE_AMPERSANDS),
        ("?p=9&lang=vi", "?p=9&amp;lang=vi", repair_names.BARE_AMPERSANDS),
        ("?a=1&copy=2", "?a=1&amp;copy=2", repair_names.BARE_AMPERSANDS),
        ("a & b && c", "a &amp; b &amp;&amp; c", repair_names.BARE_AMPERSANDS),
        ("x&#;y", "x&amp;#;y", repair_names.BARE_AMPERSANDS),
        ("hai&nbsp;từ &eacute;", "hai&#160;từ &#233;", repair_names.UNKNOWN_ENTITIES),
        ("x &khongco; y", "x &amp;khongco; y", repair_names.UNKNOWN_ENTITIES),
        ("a\x0bb\x00c\x1f", "abc", repair_names.CONTROL_CHARACTERS),
        ("a&#11;b&#1114112;c&#xFFFF;&#65;", "abc&#65;", repair_names.BAD_REFERENCES),
    ],
)
def test_what_is_broken_is_repaired_and_named(broken, whole, name):
    cdata = "<![CDATA[R&D &nbsp; <b>]]><!-- a & b -->"
    done = pipeline.repair(rss(f"<item><title>{broken}{cdata}</title></item>"), XML)
    assert f"<title>{whole}{cdata}</title>" in done.text
    assert done.repairs == (name,)
    assert pipeline.is_well_formed(done.text)


@pytest.mark.parametrize("before", ["\n", "  \r\n\t", "\ufeff\n", "\n\ufeff"])
def test_blanks_before_the_declaration_go(before):
    done = pipeline.repair(before.encode() + rss("<item/>"), XML)
    assert done.repairs == (repair_names.LEADING_BLANKS,)
    assert done.text.startswith("<rss")


def test_a_byte_order_mark_alone_is_no_fault():
    assert pipeline.repair(b"\xef\xbb\xbf" + rss("<item/>"), XML).repairs == ()


def test_entities_that_the_document_declares_are_its_own():
    body = b'<!DOCTYPE rss [<!ENTITY own "x">]><rss><channel>&own; &nbsp;</channel></rss>'
    done = pipeline.repair(body, XML)
    assert "&own; &#160;" in done.text


def test_prefixes_that_nobody_declared_get_their_usual_meaning():
    done = pipeline.repair(rss("<item><content:encoded>x</content:encoded><q:z/></item>"), XML)
    assert 'xmlns:content="http://purl.org/rss/1.0/modules/content/"' in done.text
    assert done.repairs == (repair_names.UNBOUND_PREFIXES,)


WHOLE = "<item><title>Một</title><link>https://a.vn/1</link></item>"


@table(
    ("tail", "kept"),
    [
        ("", [""]),
        ("<item><tit", []),
        ("<item><title>Hai</title><link>https://a.v", []),
        (
            "<item><title>Hai</title><link>https://a.vn/2</link><description><![CDATA[nửa <p",
            ["<title>Hai</title>", "<link>https://a.vn/2</link>"],
        ),
        ("<item><title>Hai</title><media:group><media:x>1</media:x><media", []),
    ],
)
def test_a_document_that_breaks_off_keeps_what_is_whole(tail, kept):
    text = rss(WHOLE + tail).decode().removesuffix("</channel></rss>")
    done = pipeline.repair(text.encode(), XML)
    assert pipeline.is_well_formed(done.text)
    assert repair_names.TRUNCATED_TAIL in done.repairs
    assert WHOLE in done.text
    for piece in kept:
        assert piece in done.text
    assert "a.v</" not in done.text
    if not kept:
        assert done.text.count("<item>") == 1


@pytest.mark.parametrize("end", ["</rss", "</rss \n"])
def test_a_last_tag_without_its_end_hides_nothing(end):
    done = pipeline.repair(rss(WHOLE).removesuffix(b"</rss>") + end.encode(), XML)
    assert pipeline.is_well_formed(done.text)
    assert done.repairs == (repair_names.UNFINISHED_LAST_TAG,)


def test_half_an_entry_is_kept_only_under_the_key_that_it_will_have():
    whole = "<item><guid>1</guid><title>Một</title></item>"
    for begun, kept in (
        ("<item><title>Hai</title><link>https://a.vn/2</link><guid>2", False),
        ("<item><guid>2</guid><title>Hai", False),
        ("<item><guid>2</guid><title>Hai</title><link>https://a.vn", True),
    ):
        text = rss(whole + begun).decode().removesuffix("</channel></rss>")
        assert (pipeline.repair(text.encode(), XML).text.count("<item>") == 2) is kept


@pytest.mark.parametrize(
    "body",
    [
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id></entry><entry><id>2',
        b'<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:id>1</a:id></a:entry><a:en',
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item>1</item><it',
    ],
)
def test_every_kind_of_root_is_closed(body):
    done = pipeline.repair(body, XML)
    assert done.repairs == (repair_names.TRUNCATED_TAIL,)
    assert pipeline.is_well_formed(done.text)


def test_what_no_repair_mends_is_left_to_the_tolerant_parser():
    done = pipeline.repair(rss("<item><title>a < b</title></item>"), XML)
    assert done.repairs == (repair_names.LOOSE,)


@table("body", [b"", b"\0\0\0", b"<", b"&", b"\xff\xfe", b"<rss", b"{}", b"\x80"])
def test_nothing_makes_it_raise(body):
    assert isinstance(pipeline.repair(body, {}), pipeline.Repaired)


VIET = "Thứ Ba, người dân Bắc Ninh đội mưa dự hội nghị trực tuyến"


@table(
    ("body", "headers", "text", "repairs"),
    [
        (VIET.encode(), XML, VIET, ()),
        (VIET.encode(), {"content-type": "text/xml; charset=iso-8859-1"}, VIET, ("wrong-charset",)),
        (VIET.encode(), {"content-type": "text/xml"}, VIET, ()),
        (VIET.encode(), {}, VIET, ()),
        (VIET.encode("utf-16"), XML, VIET, ()),
        ("naïve café".encode("latin-1"), {"content-type": "text/xml; charset=latin-1"},
         "naïve café", ()),
        (b'<?xml version="1.0" encoding="windows-1251"?><a>' + "Привет".encode("cp1251"), XML,
         "Привет", ()),
        ("café".encode("cp1252"), {}, "café", ()),
        (VIET.encode().replace("ắ".encode(), b"\xe1\xba"), XML, VIET.replace("ắ", "\ufffd"),
         ("bad-bytes",)),
        ("日本語".encode("iso-2022-jp"), {"content-type": "text/xml; charset=iso-2022-jp"},
         "日本語", ()),
        (VIET.encode(), {"content-type": "text/xml; charset=no-such-thing"}, VIET,
         ("wrong-charset",)),
    ],
)  # fmt: skip
def test_letters_are_what_the_bytes_mean(body, headers, text, repairs):
    decoded, names = encoding.decode(body, headers)
    assert text in decoded
    assert names == repairs


OLD = "Chiều nay, người dân Bắc Ninh đội mưa dự hội nghị trực tuyến về nông thôn mới"


@table("charset", CHARSETS)
@table("declared", ["", "utf-8", "iso-8859-1", "windows-1252", "windows-1258"])
def test_vietnamese_from_before_unicode_is_read_whatever_it_is_called(charset, declared):
    foreign = written(charset, OLD)
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = f"{head}<rss><channel><item><title>{foreign}</title></item></channel></rss>"
    as_bytes = text.encode("cp1252" if charset == "cp1258" else "latin-1")
    for body in (as_bytes, text.encode()):
        if body is as_bytes and charset == "utf-8-twice":
            continue  # that is UTF-8
        done = pipeline.repair(body, XML)
        assert f"<title>{OLD}</title>" in done.text
        assert f"from-{charset}" in done.repairs or declared == "windows-1258"


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("VISCII", "viscii"), ("TCVN-5712", "tcvn3"), ("x-viet-vni", "vni")],
)
def test_its_own_name_is_believed_even_for_one_word(declared, charset):
    body = f"<rss><channel><title>{written(charset, 'Việt')}</title></channel></rss>"
    headers = {"content-type": f"text/xml; charset={declared}"}
    done = pipeline.repair(body.encode("latin-1"), headers)
    assert "<title>Việt</title>" in done.text
    assert done.repairs == (f"from-{charset}",)


def test_letters_apart_become_whole(now):
    body = rss(f"<item><title>{unicodedata.normalize('NFD', OLD)}</title></item>")
    assert parse_document(body, XML, "https://a.vn/", ParseOptions(), now).entries[0].title == OLD
