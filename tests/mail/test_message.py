"""The bytes of a message: headers that survive, bodies that come back, the same bytes twice."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MailError
from service.mail import policy as headers
from service.mail.message import (
    Envelope,
    build,
    edition_message_id,
    inline,
    key_of,
    transactional_message_id,
)
from service.model import DeliveryKind, Parts
from service.render.marks import CLOSE, NAMES, OPEN, mark

SECRET = b"s" * 32
VIETNAMESE = "Điểm tin tuần, 24/11: Học sinh nghỉ học vì bão số 13 – “Chỉ thị 38-CT/TW” 🌀"


def envelope(now, **values):
    row = {
        "kind": DeliveryKind.EDITION,
        "message_id": "k" * 32 + "@tin.example.vn",
        "dated_at": now,
        "sender": ("Tin Khoa giáo, tỉnh", "tin@example.vn"),
        "recipient": "minh@example.vn",
        "reply_to": ("", "bientap@example.vn"),
        "list_id": "tuan.tin.example.vn",
        "unsubscribe_url": "https://tin.example.vn/unsubscribe/" + "a" * 32,
        "archive_url": "https://tin.example.vn/digests/tuan/",
        "feedback_id": "tuan:edition:bantin",
        "language": "vi",
        "segment": bytes(range(32)),
    }
    return Envelope(**{**row, **values})


def read(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def bodies(message: EmailMessage) -> list[str]:
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


def test_it_reads_back_as_it_was_meant(now):
    text, html = "GIÁO DỤC\n\n1. Bão số 13\n", '<html lang="vi"><p>Bão số 13</p></html>\n'
    message = read(build(Parts(VIETNAMESE, text, html), envelope(now)))
    assert message["Subject"] == VIETNAMESE
    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Tin Khoa giáo, tỉnh", "tin@example.vn")
    assert message["Reply-To"].addresses[0].addr_spec == "bientap@example.vn"
    assert message["To"] == "minh@example.vn"
    assert parsedate_to_datetime(message["Date"]) == now
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"
    assert message["Content-Language"] == "vi"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert bodies(message) == [text, html]


def test_a_picture_belongs_to_the_html_part_that_names_it(now):
    picture = inline("logo-1@bantin", "png", bytes(range(256)) * 9)
    html = '<p><img src="cid:logo-1@bantin" alt=""> Bão số 13</p>\n'
    parts = Parts(VIETNAMESE, "Bão số 13\n", html)
    data = build(parts, envelope(now), picture)
    assert data == build(parts, envelope(now), picture)
    message = read(data)
    plain, related = message.iter_parts()
    assert (message.get_content_type(), plain.get_content_type()) == (
        "multipart/alternative", "text/plain",
    )  # fmt: skip
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    shown, image = related.iter_parts()
    assert shown.get_content().replace("\r\n", "\n") == html
    assert (image.get_content_type(), image["Content-ID"]) == ("image/png", "<logo-1@bantin>")
    assert image.get_content_disposition() == "inline"
    assert image.get_content() == bytes(range(256)) * 9
    assert message.get_body(("html",)).get_content() == shown.get_content()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    other = Parts(VIETNAMESE, "x", "<p>x</p>")
    assert build(other, envelope(now), picture) == build(other, envelope(now))


def test_headers_of_lists_stand_raw_on_one_line(now):
    data = build(Parts("x", "x", "x"), envelope(now))
    for line in (
        b"List-Id: <tuan.tin.example.vn>",
        b"List-Unsubscribe: <https://tin.example.vn/unsubscribe/" + b"a" * 32 + b">",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        b"List-Archive: <https://tin.example.vn/digests/tuan/>",
        b"Message-ID: <" + b"k" * 32 + b"@tin.example.vn>",
        b"Feedback-ID: tuan:edition:bantin",
    ):
        assert b"\r\n" + line + b"\r\n" in data


def test_a_letter_is_not_bulk_but_has_its_one_click(now):
    message = read(build(Parts("x", "x", "x"), envelope(now, kind=DeliveryKind.CONFIRM)))
    assert message["Precedence"] is None
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_values_give_the_same_bytes_and_the_zone_of_the_date_does_not_matter(now):
    parts = Parts(VIETNAMESE, "Chào\n", "<p>Chào</p>")
    saigon = now.astimezone(timezone(timedelta(hours=7)))
    assert build(parts, envelope(now)) == build(parts, envelope(saigon))
    other = build(parts, envelope(now, segment=bytes(32)))
    assert other != build(parts, envelope(now))


@pytest.mark.parametrize(
    "name", ["message_id", "list_id", "unsubscribe_url", "archive_url", "recipient", "language"]
)
@pytest.mark.parametrize("evil", ["x\r\nBcc: all@example.vn", "x\nBcc: a", "x\rBcc: a", "x\x00"])
def test_a_header_that_would_break_its_line_is_refused(now, name, evil):
    with pytest.raises(MailError):
        build(Parts("x", "x", "x"), envelope(now, **{name: evil}))


@pytest.mark.parametrize("evil", ["Bão\r\nBcc: all@example.vn", "Storm\nBcc: a@b", "a\u2028b\x85c"])
def test_people_write_what_they_like_into_subject_and_name_and_it_stays_one_header(now, evil):
    data = build(Parts(evil, "x", "x"), envelope(now, sender=(evil, "tin@example.vn")))
    message = read(data)
    assert message["Bcc"] is None
    assert message["Subject"] == " ".join(evil.split())
    assert message["From"].addresses[0].display_name == " ".join(evil.split())


@pytest.mark.parametrize(
    "title",
    [
        "Tin",
        "Tin, tỉnh",
        'Báo "A"',
        "A. B",
        "(A) <b> @",
        "back\\slash",
        "=?utf-8?q?x?=",
        "[=?utf-8?q?x?=]",
    ],
)
def test_any_title_of_a_sender_comes_back(now, title):
    message = read(build(Parts("x", "x", "x"), envelope(now, sender=(title, "tin@example.vn"))))
    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (" ".join(title.split()), "tin@example.vn")


def test_a_long_vietnamese_title_of_a_sender_is_cut_between_characters(now):
    title = "Bộ Giáo dục và Đào tạo, Sở Giáo dục " * 4
    data = build(Parts("x", "x", "x"), envelope(now, sender=(title, "tin@example.vn")))
    name, address = parseaddr(message_from_bytes(data)["From"])
    assert str(make_header(decode_header(name))) == " ".join(title.split())
    assert address == "tin@example.vn"


@given(st.text(max_size=300))
def test_any_subject_is_one_header_of_short_lines(subject):
    data = headers.text("Subject", subject)
    assert data.endswith(b"\r\n")
    lines = data[:-2].split(b"\r\n")
    assert all(len(line) <= headers.LINE_LIMIT for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    clean = headers.one_line(subject).encode("utf-8", "replace").decode()
    if all(len(word) < 900 for word in clean.split()):
        assert read(data + b"\r\n")["Subject"] == clean


@pytest.mark.parametrize("headline", ["=?utf-8?q?x?=", "[=?utf-8?q?x?=]", "Tin=?utf-8?b?eA==?="])
def test_a_headline_that_looks_encoded_arrives_as_it_was_written(now, headline):
    """Some mail programs decode such words wherever they stand: they must not stand there raw."""
    data = build(Parts(headline, "x", "x"), envelope(now, sender=(headline, "tin@example.vn")))
    for name in (b"Subject", b"From"):
        [line] = re.findall(rb"(?m)^" + name + rb": .*", data)
        assert headline.encode() not in line
    assert read(data)["Subject"] == headline
    assert read(data)["From"].addresses[0].display_name == headline


@given(st.text(min_size=1, max_size=300))
def test_no_encoded_word_is_longer_than_it_may_be(title):
    """RFC 2047 2: 75 characters; a line with one, 76 (RFC 2047 2, 5)."""
    for data in (headers.text("Subject", title), headers.mailbox("From", title, "a@example.vn")):
        for word in re.findall(rb"=\?utf-8\?b\?[^?\s]*\?=", data):
            assert len(word) <= 75
            base64 = word[len(b"=?utf-8?b?") : -2]
            assert b64decode(base64).decode()  # whole characters in each


def test_the_words_of_a_long_headline_are_as_full_as_they_may_be():
    words = re.findall(rb"=\?utf-8\?b\?[^?\s]*\?=", headers.text("Subject", "ế" * 200))
    assert len(words) == 14  # fifteen characters of three bytes in each
    assert {len(word) for word in words[:-1]} == {72}


@given(st.text(alphabet=st.characters(exclude_characters=OPEN + CLOSE), max_size=400))
def test_any_text_comes_back_whole_in_short_lines_of_ascii(text):
    data = build(Parts("x", text, text), envelope(datetime(2026, 11, 24, tzinfo=UTC)))
    assert data.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert max(map(len, data.split(b"\r\n"))) <= headers.LINE_LIMIT
    message = message_from_bytes(data, policy=policy.default)
    wanted = re.sub(r"\r\n|\r|\n", "\r\n", text).encode("utf-8", "replace")
    for part in message.iter_parts():
        got = part.get_payload(decode=True)
        # A part that is not base64 ends where its last line does.
        assert got.rstrip(b"\r\n") == wanted.rstrip(b"\r\n")


def test_values_stand_in_place_of_marks_escaped_in_html_alone(now):
    parts = Parts(f"S {mark('topics')}", f"T {mark('topics')}\n", f"<p>{mark('topics')}</p>\n")
    message = read(build(parts, envelope(now), values={"topics": "Y tế & <Giáo dục>"}))
    assert message["Subject"] == "S Y tế & <Giáo dục>"
    assert bodies(message) == ["T Y tế & <Giáo dục>\n", "<p>Y tế &amp; &lt;Giáo dục&gt;</p>\n"]
    with pytest.raises(KeyError):
        build(Parts("", "", mark("since")), envelope(now), values={"address": "a@example.vn"})


COLUMNS = 72

PIECES = st.lists(
    st.sampled_from([*map(mark, NAMES), "a", "b\r\nc", "\n", "ệ", "\n.\n", "x" * 80]),
    max_size=30,
)


@given(PIECES, st.sampled_from(["an@example.vn", "ễn", "", "a\nb"]))
def test_what_is_kept_of_a_text_gives_the_bytes_of_the_whole_text(pieces, value):
    at = datetime(2026, 11, 24, tzinfo=UTC)
    text = "".join(pieces)
    values = dict.fromkeys(NAMES, value)
    whole = text
    for name in NAMES:
        whole = whole.replace(mark(name), "\x00")
    whole = whole.replace("\x00", value)
    expected = b64decode_or_plain(build(Parts("", whole, ""), envelope(at)))
    for _ in range(2):
        got = b64decode_or_plain(build(Parts("", text, ""), envelope(at), values=values))
        assert got.split() == expected.split()
        if all(len(line) <= COLUMNS for line in whole.splitlines()):
            assert got == expected


FOOT = f"""Số tới: thứ Hai.

Bạn nhận thư này vì {mark("address")} đã đăng ký Điểm tin tuần ({mark("topics")}) ngày
{mark("since")}.

Ngừng nhận:
{mark("unsubscribe_url")}
"""


def test_a_sentence_is_wrapped_with_its_values_and_an_address_stands_alone(now):
    link = "https://tin.example.vn/unsubscribe/" + "0" * 60
    values = {
        "address": "minh@example.vn",
        "topics": "Giáo dục, Y tế, Văn hóa – Di sản, Chuyển đổi số, Môi trường và khí hậu, Nông",
        "since": "20/11/2026",
        "unsubscribe_url": link,
    }
    [text, _] = bodies(read(build(Parts("", FOOT, ""), envelope(now), values=values)))
    assert (
        text
        == f"""Số tới: thứ Hai.

Bạn nhận thư này vì minh@example.vn đã đăng ký Điểm tin tuần (Giáo dục,
Y tế, Văn hóa – Di sản, Chuyển đổi số, Môi trường và khí hậu, Nông) ngày
20/11/2026.

Ngừng nhận:
{link}
"""
    )


def test_lines_that_a_template_did_not_wrap_stay_lines_beside_one_that_is_too_long(now):
    fields = (
        f"Tòa soạn: Tin Khoa giáo\nĐịa chỉ: {mark('address')}\nChủ đề: {mark('topics')}\n  Hết.\n"
    )
    topics = "Giáo dục, Y tế, Văn hóa – Di sản, Chuyển đổi số, Môi trường và khí hậu"
    values = {"address": "minh@example.vn", "topics": topics}
    [text, _] = bodies(read(build(Parts("", fields, ""), envelope(now), values=values)))
    assert text.splitlines() == [
        "Tòa soạn: Tin Khoa giáo",
        "Địa chỉ: minh@example.vn",
        "Chủ đề: Giáo dục, Y tế, Văn hóa – Di sản, Chuyển đổi số, Môi trường và",
        "khí hậu",
        "  Hết.",
    ]


def b64decode_or_plain(data: bytes) -> bytes:
    """The text part of a message, decoded; its line ends as they are."""
    part, _html = message_from_bytes(data).get_payload()
    return bytes(part.get_payload(decode=True))


def test_a_very_long_line_of_ascii_is_broken_softly(now):
    html = "<p>" + "word " * 1000 + "x" * 3000 + "</p>"
    data = build(Parts("x" * 2000, html, html), envelope(now))
    assert max(map(len, data.split(b"\r\n"))) <= headers.LINE_LIMIT
    assert bodies(read(data))[1].strip() == html


def test_ids_follow_from_what_they_are_made_of(now):
    edition = {"digest_id": 1, "cadence": "weekly", "cut_at": now, "subscription_id": 7}
    first = edition_message_id(SECRET, "tin.example.vn", **edition)
    assert re.fullmatch(r"[a-z2-7]{32}@tin\.example\.vn", first)
    assert key_of(first) == first[:32]
    saigon = now.astimezone(timezone(timedelta(hours=7)))
    assert edition_message_id(SECRET, "tin.example.vn", **{**edition, "cut_at": saigon}) == first
    mail = {"kind": DeliveryKind.CONFIRM, "subscription_id": 7, "dated_at": now}
    others = {
        edition_message_id(b"t" * 32, "tin.example.vn", **edition),
        edition_message_id(SECRET, "tin.example.vn", **{**edition, "digest_id": 2}),
        edition_message_id(SECRET, "tin.example.vn", **{**edition, "cadence": "daily"}),
        edition_message_id(SECRET, "tin.example.vn", **{**edition, "subscription_id": 8}),
        edition_message_id(SECRET, "tin.example.vn", **{**edition, "subscription_id": None}),
        transactional_message_id(SECRET, "tin.example.vn", **mail),
        transactional_message_id(
            SECRET, "tin.example.vn", **{**mail, "kind": DeliveryKind.WELCOME}
        ),
        transactional_message_id(
            SECRET, "tin.example.vn", **{**mail, "dated_at": now + timedelta(microseconds=1)}
        ),
        first,
    }
    assert len(others) == 9
