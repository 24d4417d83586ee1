"""Reading OPML from other readers."""

from __future__ import annotations

import pytest

from service.errors import ParseError
from service.parse import opml
from service.parse.opml import Outline
from tests.levels import table

TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Nguồn</title></head><body>
 <outline text="Báo chí"><outline title="Giáo dục">
   <outline type="rss" text="Tuổi Trẻ &amp; bạn" xmlUrl=" https://tuoitre.example/rss "/>
   <outline type="rss" title="Chỉ có title" XMLURL="feed://b.example/rss"/></outline>
  <outline type="rss" xmlUrl="https://c.example/rss" category="/Tin/Nóng, Thể thao"/></outline>
 <outline text="Lặp" xmlUrl="https://tuoitre.example/rss"/>
 <outline text="Hỏng" xmlUrl="javascript:alert(1)"/><outline text="Trang" url="https://d.example/"/>
 <outline text="Kiểu cũ" type="rss" url="https://e.example/rss"/>
</body></opml>"""


def test_titles_addresses_and_folders_each_feed_once():
    assert opml.read(TEXT.encode()) == [
        Outline("Tuổi Trẻ & bạn", "https://tuoitre.example/rss", ("Báo chí", "Giáo dục")),
        Outline("Chỉ có title", "http://b.example/rss", ("Báo chí", "Giáo dục")),
        Outline(
            "https://c.example/rss", "https://c.example/rss", ("Báo chí", "Tin/Nóng", "Thể thao")
        ),
        Outline("Kiểu cũ", "https://e.example/rss", ()),
    ]


@pytest.mark.parametrize(
    ("broken", "count"),
    [
        (TEXT.replace("&amp;", "&"), 4),
        (TEXT.replace("</body></opml>", ""), 4),
        (TEXT.replace('encoding="UTF-8"', 'encoding="UTF-16"'), 4),
        ("\n" + TEXT, 4),
    ],
)
def test_broken_files_are_read_as_far_as_they_go(broken, count):
    assert len(opml.read(broken.encode())) == count


@table("body", [b"", b"x", b"<rss/>", b"<html><body/></html>", b"\xff\xfe"])
def test_what_is_no_opml_is_said(body):
    with pytest.raises(ParseError, match="OPML"):
        opml.read(body)


def test_entities_load_nothing_and_explode_nowhere(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("bí mật")
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE opml [<!ENTITY x SYSTEM "file://{secret}"><!ENTITY e0 "aaaa">{lines}]>'
    text = f'{head}<opml><body><outline text="A" xmlUrl="https://a.example/">&x;&e11;</outline>'
    text += '<outline text="&e11;" xmlUrl="https://b.example/"/></body></opml>'
    try:
        found = opml.read(text.encode())
    except ParseError:
        return
    assert "bí mật" not in str(found)
    assert len(str(found)) < 10_000


def test_every_file_of_the_corpus(corpus):
    files = sorted((corpus / "opml").rglob("*.opml")) + sorted((corpus / "opml").rglob("*.xml"))
    assert files
    for path in files:
        assert opml.read(path.read_bytes()), path
