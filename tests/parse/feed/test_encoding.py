"""Letters are what the bytes mean, whatever mark, header and declaration say of them."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.parse.document import parse_document
from service.parse.feed import encoding
from service.parse.options import ParseOptions
from service.parse.repair import pipeline
from service.text.plausible import oddness
from tests.levels import table

# Language -> a headline, and charsets in which such feeds are really sent.
TEXTS = {
    "vi": ("Chiều nay, người dân Bắc Ninh đội mưa dự hội nghị trực tuyến", "utf-8 utf-16"),
    "ru": ("Президент подписал закон о новых школах и детях",
           "utf-8 windows-1251 koi8-r iso-8859-5 cp866 utf-16 utf-16-le utf-16-be utf-32"),
    "zh": ("北京今天发布了新的教育政策", "utf-8 gbk gb2312 gb18030 utf-16"),
    "zh-tw": ("臺北市今天發布了新的教育政策", "utf-8 big5"),
    "ja": ("東京都は今日、新しい教育方針を発表した", "utf-8 shift_jis euc-jp iso-2022-jp"),
    "ko": ("서울시는 오늘 새로운 교육 정책을 발표했다", "utf-8 euc-kr"),
    "el": ("Η κυβέρνηση ανακοίνωσε νέα μέτρα", "utf-8 iso-8859-7 windows-1253"),
    "tr": ("Eğitim Bakanlığı yeni şartları açıkladı", "utf-8 iso-8859-9 windows-1254"),
    "pl": ("Zażółć gęślą jaźń, rząd ogłosił", "utf-8 iso-8859-2 windows-1250"),
    "fr": ("L’école à l’été: où êtes-vous, élève naïf", "utf-8 windows-1252"),
    "de": ("Übergrößenträger für Fußgänger", "utf-8 iso-8859-1 windows-1252 iso-8859-15"),
    "he": ("ממשלת ישראל הודיעה היום", "utf-8 windows-1255"),
    "ar": ("أعلنت الحكومة اليوم عن سياسة", "utf-8 windows-1256"),
    "th": ("รัฐบาลประกาศนโยบายใหม่", "utf-8 tis-620"),
}  # fmt: skip
LIES = (None, "utf-8", "iso-8859-1", "us-ascii", "windows-1252", "utf-16", "x-unknown")
WRITTEN = [(text, charset) for text, charsets_ in TEXTS.values() for charset in charsets_.split()]


def feed(text: str, declared: str | None, language: str = "") -> str:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    said = f"<language>{language}</language>" if language else ""
    item = f"<item><title>{text}</title><guid>1</guid></item>"
    return f"{head}<rss version='2.0'><channel>{said}<title>T</title>{item}</channel></rss>"


def header(charset: str | None) -> dict[str, str]:
    return {"content-type": f"application/xml; charset={charset}" if charset else "text/xml"}


def test_one_true_word_among_mark_header_and_declaration_is_enough():
    """UTF-8 and UTF-16 need none; of the others one of the two names must be right."""
    for text, charset in WRITTEN:
        one_is_enough(text, charset)


def one_is_enough(text, charset):
    unicode = charset.startswith("utf")
    for said in (*LIES, charset):
        for declared in (*LIES, charset):
            if not unicode and charset not in {said, declared}:
                continue
            body = feed(text, declared).encode(charset)
            marked = (
                [b"", codecs.BOM_UTF8] if not charset.startswith(("utf-16", "utf-32")) else [b""]
            )
            for mark in marked:
                decoded, _ = encoding.decode(mark + body, header(said))
                known = f"<title>{text}</title>" in decoded
                assert known, (charset, said, declared, mark)


@table(
    ("header_says", "declared", "charset"),
    [
        ("windows-1251", "koi8-r", "koi8-r"),
        ("koi8-r", "windows-1251", "windows-1251"),
        ("windows-1251", "koi8-r", "windows-1251"),
        ("windows-1251", "windows-1252", "windows-1252"),
        ("iso-8859-1", "windows-1251", "iso-8859-1"),
        ("big5", "windows-1252", "windows-1252"),
    ],
)
def test_of_two_names_that_differ_the_one_that_reads_as_people_write(
    header_says, declared, charset
):
    text = next(text for text, name in WRITTEN if name == charset)
    body = feed(text, declared).encode(charset)
    assert f"<title>{text}</title>" in encoding.decode(body, header(header_says))[0]


@table("said", [None, "utf-8", "iso-8859-1"])
@table(
    ("language", "charset"),
    [("ru", "windows-1251"), ("ru-RU", "koi8-r"), ("uk", "windows-1251"), ("zh-cn", "gbk"),
     ("ja", "shift_jis"), ("ja", "euc-jp"), ("ko", "euc-kr"), ("el", "windows-1253"),
     ("tr", "windows-1254"), ("pl", "windows-1250"), ("he", "windows-1255"),
     ("ar", "windows-1256"), ("th", "tis-620")],
)  # fmt: skip
def test_where_nobody_names_it_the_language_of_the_document_does(language, charset, said):
    text = TEXTS["ru" if language == "uk" else language.lower().partition("-")[0]][0]
    body = feed(text, None, language).encode(charset)
    assert f"<title>{text}</title>" in encoding.decode(body, header(said))[0]


@pytest.mark.parametrize("language", TEXTS)
def test_a_document_that_breaks_off_anywhere_keeps_its_letters(language, now):
    """Also within a letter of two, three or four bytes."""
    text, charsets_ = TEXTS[language]
    for charset in charsets_.split():
        breaks_off(text, charset, now)


def breaks_off(text, charset, now):
    body = feed(text, charset).replace("</channel></rss>", f"<item><title>{text}").encode(charset)
    whole = len(feed(text, charset).replace("</channel></rss>", "").encode(charset))
    # Byte by byte at the end, where a letter is not whole, and a step that meets each byte of one.
    for end in [*range(whole, len(body) - 12, 5), *range(len(body) - 12, len(body) + 1)]:
        read = parse_document(
            body[:end], header(charset), "https://a.example/", ParseOptions(), now
        )
        assert [one.title for one in read.entries] == [text], (charset, end)


@table("name", ["unicode_escape", "punycode", "idna", "rot13", "base64", "utf-8\0"])
def test_what_is_no_charset_of_documents_is_not_asked(name):
    body = feed("café", None).encode("windows-1252")
    assert "<title>café</title>" in encoding.decode(body, header(name))[0]


@given(st.binary(max_size=300), st.sampled_from([*LIES, "gbk", "shift_jis", "hz", "utf-7", "vni"]))
def test_any_bytes_become_text(body, name):
    text, _ = encoding.decode(body, header(name))
    assert isinstance(text, str)
    assert isinstance(pipeline.repair(body, header(name)).text, str)


@given(st.text(min_size=1, max_size=80), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_any_text_in_unicode_is_read_as_it_was_written(text, charset):
    text = text.replace("<", "").replace("\x1b", "")
    try:
        body = feed(text, charset).encode(charset)
    except UnicodeEncodeError:  # half of a pair
        return
    decoded, names = encoding.decode(body, {})
    if not any(name.startswith("from-") for name in names):
        assert text in decoded


@table(
    ("text", "odd"),
    [("Путин подписал закон", 0), ("рХФЙО", 1), ("BiergдrtЯen", 1), ("рХФЙО школа", 0.5), ("", 0),
     ("ĐẠI HỌC Bách khoa, Việt Nam", 0), ("iPhone, МВД, École, ÉCOLE", 0), ("naïve®", 0)],
)  # fmt: skip
def test_how_odd_a_text_looks(text, odd):
    assert oddness(text) == odd


@pytest.mark.parametrize("said", [None, "utf-8", "iso-8859-1"])
def test_an_emoji_in_two_halves_is_one_and_spoils_no_other_letter(said):
    body = (
        feed("Việt 😀", None)
        .encode()
        .replace("😀".encode(), "\ud83d\ude00".encode("utf-8", "surrogatepass"))
    )
    decoded, names = encoding.decode(body, header(said))
    assert "<title>Việt 😀</title>" in decoded
    assert "bad-bytes" in names
