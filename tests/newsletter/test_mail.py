"""How the digest looks, top to bottom: both parts, its size, and hostile headlines."""

from __future__ import annotations

import re

import pytest
from lxml import html as lxml_html

from service.mail import message
from service.mail.outbox import html_of
from service.newsletter.compose import HTML_LIMIT
from service.newsletter.printing import encoded_size
from service.render.engine import shipped_templates
from service.render.icon import png
from service.store.mailing.message_parts import pack, unpack
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

LEAD = (
    "Sáng 22/11, Sở Giáo dục và Đào tạo cho biết học sinh toàn tỉnh được nghỉ học để tránh bão. "
    "Các trường sẽ dạy bù vào cuối tuần sau. Phụ huynh cần theo dõi thông báo của nhà trường."
)


@pytest.fixture
def room(store, tmp_path):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly", "title": "Điểm tin tuần"}})
    room.subscribe()
    return room


def mail_of(room):
    room.run(MONDAY)
    [mail] = room.outbox("minh@example.vn")
    return mail


def text_of(mail):
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def page_of(mail):
    return lxml_html.fromstring(mail.get_body(("html",)).get_content())


def test_the_text_part_is_written(room):
    story, _ = room.story("Học sinh nghỉ học vì bão số 13", at=MONDAY - HOUR, lead=LEAD)
    room.story("Nghỉ học", at=MONDAY - HOUR, source="bao-b", story=story)
    room.story("Bệnh viện ghép thận", "y-te", at=MONDAY - DAY, lead="")
    text = text_of(mail_of(room))
    assert text.startswith("ĐIỂM TIN TUẦN\n23/11/2026\n")
    assert (
        "GIÁO DỤC\n--------\n\n"
        "1. Học sinh nghỉ học vì bão số 13\n"
        "Sáng 22/11, Sở Giáo dục và Đào tạo cho biết học sinh toàn tỉnh được nghỉ\n"
        "học để tránh bão. Các trường sẽ dạy bù vào cuối tuần sau.\n"
        "Bao-A, 06:00\n"
        "https://s1.example/"
    ) in text
    assert re.search(r"\nhttps://s1\S+\nCùng đưa tin:\nBao-B\nhttps://s2\S+\n\nY TẾ\n", text)
    assert "Y TẾ\n----\n\n2. Bệnh viện ghép thận\nBao-A, 07:00 Chủ nhật 22/11\nhttps://" in text
    assert "2 tin: Giáo dục 1, Y tế 1" in text
    assert "https://tin.example.vn/editions/tuan/20261123T000000Z/" in text.splitlines()
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 110


def test_three_other_outlets_are_named_with_links_and_the_rest_is_on_our_page(room):
    story, _ = room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    for name in "bcdef":
        room.story("Nghỉ học", at=MONDAY - HOUR, source=f"bao-{name}", story=story)
    mail = mail_of(room)
    page = page_of(mail)
    (line,) = [one for one in page.xpath("//p[@class='quiet']") if "Bao-A" in one.text_content()]
    links = [(one.text_content(), one.get("href")) for one in line.xpath(".//a")]
    assert [title for title, _ in links] == ["Bao-B", "Bao-C", "Bao-D", "và 2 báo khác"]
    assert [href.partition("example")[0] for _, href in links[:3]] == [
        f"https://s{n}." for n in (2, 3, 4)
    ]
    assert links[3][1].startswith("https://tin.example.vn/stories/")
    assert line.text_content() == "Bao-A, 06:00 · Cùng đưa tin: Bao-B, Bao-C, Bao-D và 2 báo khác"
    text = text_of(mail)
    assert "\nvà 2 báo khác\nhttps://tin.example.vn/stories/" in text
    assert "Bao-E" not in text


def test_the_lead_s_topic_stands_first_and_the_others_in_the_digest_s_order(room):
    for number, topic in enumerate(("van-hoa", "van-hoa", "y-te", "giao-duc")):
        room.story(f"tin {number}", topic, at=MONDAY - (number + 1) * HOUR)
    text = text_of(mail_of(room))
    assert "4 tin: Văn hóa 2, Giáo dục 1, Y tế 1" in text
    told = [line for line in text.splitlines() if re.match(r"\d\. tin|[A-ZÀ-Ỹ ]+$", line)]
    assert told[told.index("VĂN HÓA") :] == [
        "VĂN HÓA", "1. tin 0", "2. tin 1", "GIÁO DỤC", "3. tin 3", "Y TẾ", "4. tin 2",
    ]  # fmt: skip


def test_beside_the_subject_stand_the_next_three_headlines(room):
    for number in range(6):
        room.story(f"tin {number}", at=MONDAY - (number + 1) * HOUR)
    [hidden] = page_of(mail_of(room)).xpath("//div[contains(@style, 'display: none')]")
    assert hidden.text == "tin 1 · tin 2 · tin 3"


def test_every_address_stands_alone_on_its_line(room):
    room.story("a", at=MONDAY - HOUR)
    lines = [line for line in text_of(mail_of(room)).splitlines() if "://" in line]
    assert len(lines) == 6
    assert all(re.fullmatch(r"https://\S+", line) for line in lines)
    assert any("/preferences/" in line for line in lines)
    assert any("/unsubscribe/" in line for line in lines)
    assert any(line.endswith("/subscribe/tuan") for line in lines)


def test_the_html_part_can_be_read_by_everybody(room):
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR, lead=LEAD)
    room.story("Bệnh viện ghép thận", "y-te", at=MONDAY - 2 * HOUR)
    page = page_of(mail_of(room))
    assert page.get("lang") == "vi"
    [article] = page.xpath("//*[@role='article']")
    assert article.get("lang") == "vi"
    assert article.get("aria-label") == "Điểm tin tuần"
    assert page.xpath("string(//h1)") == "Điểm tin tuần"
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]
    assert "prefers-color-scheme: dark" in "".join(page.xpath("//style/text()"))
    assert all(one.get("role") == "presentation" for one in page.xpath("//table"))
    assert not page.xpath("//img | //script | //link | //iframe")
    hidden = page.xpath("//div[contains(@style, 'display: none')]")
    assert [one.text for one in hidden] == ["Bệnh viện ghép thận"]
    assert page.xpath("//h2/a/text()") == ["Học sinh nghỉ học"]
    assert page.xpath("//h3/a/text()") == ["Bệnh viện ghép thận"]
    assert all("color: " in one.get("style") for one in page.xpath("//a"))  # inlined
    texts = page.xpath("//a/text()")
    assert {"Xem trên web", "Đổi chủ đề, giờ nhận", "Tạm dừng", "Ngừng nhận", "Đăng ký riêng"} <= {
        *texts
    }
    assert "minh@example.vn đã đăng ký Điểm tin tuần (Giáo dục, Y tế, Văn hóa)" in (
        page.text_content()
    )


def test_pause_leads_to_its_place_in_the_preferences(room):
    room.story("a", at=MONDAY - HOUR)
    [pause] = [a for a in page_of(mail_of(room)).xpath("//a") if a.text == "Tạm dừng"]
    assert pause.get("href").endswith("#pause")
    page = (shipped_templates() / "web" / "preferences.html.j2").read_text("utf-8")
    assert 'id="pause"' in page


def test_no_link_counts_readers(room):
    room.story("a", at=MONDAY - HOUR)
    links = page_of(mail_of(room)).xpath("//a/@href")
    own = [one for one in links if "/unsubscribe/" in one or "/preferences/" in one]
    assert len(own) == 3
    assert not [one for one in links if one not in own and ("?" in one or "utm" in one)]


def test_the_subject_is_digest_date_first_headline(room):
    room.story("Học sinh nghỉ học vì bão số 13", at=MONDAY - HOUR)
    room.story("b", at=MONDAY - 2 * HOUR)
    assert mail_of(room)["Subject"] == "Điểm tin tuần 23/11/2026: Học sinh nghỉ học vì bão số 13"


def test_a_hostile_headline_stays_a_headline(room):
    evil = '<script>alert(1)</script> "&amp;" Bcc: x@example.vn {{ site }} \ufdd0'
    room.story(evil + "address", at=MONDAY - HOUR, lead="<b>&</b>" * 3)
    mail = mail_of(room)
    assert mail["Bcc"] is None
    page = page_of(mail)
    assert not page.xpath("//script")
    assert page.xpath("string(//h2/a)").startswith("<script>alert(1)</script>")
    assert "{{ site }}" in mail["Subject"]


def test_another_language_is_marked(room):
    room.story("The bridge is open", at=MONDAY - HOUR)
    with room.store.write() as connection:
        connection.exec_driver_sql("UPDATE article SET language = 'en-GB'")
    page = page_of(mail_of(room))
    assert page.xpath("//h2/a/@lang") == ["en-GB"]


def test_what_runs_from_right_to_left_disturbs_nothing_beside_it(room):
    title, outlet = "المدينة تفتتح متحفًا جديدًا.", "نشرة النهر"
    room.story(title, at=MONDAY - HOUR)
    with room.store.write() as connection:
        connection.exec_driver_sql("UPDATE source SET title = ?", (outlet,))
    page = page_of(mail_of(room))
    [headline] = page.xpath("//h2")
    assert (headline.text_content(), headline.get("dir")) == (title, "auto")
    assert page.xpath("//p[@class='lead']/@dir") == ["auto"]
    assert outlet in page.xpath("//p[@class='quiet']/bdi/text()")


def test_the_logo_stands_in_the_mail_itself(store, tmp_path):
    (tmp_path / "logo.png").write_bytes(png(96))
    room = Newsroom(store, tmp_path, branding={"logo": "logo.png"})
    room.subscribe()
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    room.now = MONDAY
    expected = room.preview(to="minh@example.vn").message
    room.run()
    [path] = (tmp_path / "var" / "outbox" / "new").iterdir()
    assert path.read_bytes() == expected
    [mail] = room.outbox("minh@example.vn")
    [image] = [one for one in mail.walk() if one.get_content_maintype() == "image"]
    assert image.get_content() == png(96)
    [shown] = page_of(mail).xpath("//img")
    assert shown.get("src") == "cid:" + image["Content-ID"].strip("<>")
    assert (shown.get("width"), shown.get("height"), shown.get("alt")) == ("48", "48", "")
    html = html_of(mail)
    assert "cid:" not in html
    assert 'src="data:image/png;base64,iVBOR' in html


def test_a_logo_that_is_gone_before_the_mail_goes_leaves_no_hole(store, tmp_path):
    (tmp_path / "logo.png").write_bytes(png(96))
    room = Newsroom(store, tmp_path, branding={"logo": "logo.png"})
    room.subscribe()
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    room.plan(MONDAY)
    (tmp_path / "logo.png").unlink()
    room.send()
    [mail] = room.outbox("minh@example.vn")
    assert mail.get_content_type() == "multipart/alternative"
    assert not page_of(mail).xpath("//img")


def test_what_is_over_max_waits_on_the_web(store, tmp_path):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly", "stories": {"max": 3}}})
    room.subscribe()
    for number in range(17):
        room.story(f"story {number}", at=MONDAY - number * HOUR - HOUR)
    mail = mail_of(room)
    assert "Còn 14 tin trên web:\nhttps://tin.example.vn/editions/tuan/" in text_of(mail)
    assert "3 tin: Giáo dục 3" in text_of(mail)
    [more] = [a for a in page_of(mail).xpath("//a") if a.text == "Còn 14 tin trên web"]
    assert "/editions/tuan/20261123T000000Z/" in more.get("href")


def test_a_mail_is_never_so_large_that_it_is_cut_off(store, tmp_path):
    """Whole stories move to "N more online", and they are told by that."""
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly", "stories": {"max": 100}}})
    room.subscribe()
    for number in range(100):
        title = f"{number:03d} " + "tin rất dài của một tòa soạn không biết dừng " * 12
        room.story(title, at=MONDAY - (number + 1) * HOUR / 100, lead=LEAD)
    mail = mail_of(room)
    html = mail.get_body(("html",))
    assert HTML_LIMIT * 0.8 < len(html.get_payload()) < HTML_LIMIT + 1000
    shown = len(page_of(mail).xpath("//h2/a | //h3/a"))
    assert f"Còn {100 - shown} tin trên web" in text_of(mail)
    assert len(room.titles()) == shown
    assert len(room.counted()) == 100 - shown
    assert text_of(mail).count("\n1. 000 ") == 1


@pytest.mark.parametrize("text", ["plain ascii = yes\n" * 200, "tiếng Việt có dấu\n" * 300, ""])
def test_the_size_counted_is_the_size_on_the_way(text):
    encoding, body = message._encode(text, {}, wrapping=False)
    assert abs(encoded_size(text) - len(body)) <= 120, encoding


def test_parts_are_kept_as_they_are(room):
    room.story("Học sinh", at=MONDAY - HOUR)
    room.plan(MONDAY)
    with room.store.read() as connection:
        packed = connection.exec_driver_sql("SELECT parts FROM segment").scalar_one()
    parts = unpack(packed)
    assert pack(parts) == packed
    assert "minh@example.vn" not in parts.html  # personal values are filled in at the last moment
