"""Both looks of a mail: all their parts, what Word can draw, how large they get, own templates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html as lxml_html

from service.model import DeliveryKind
from service.newsletter.choose import limits_of
from service.newsletter.compose import HTML_LIMIT, EditionComposer
from service.newsletter.layout import Frame
from service.newsletter.previews import samples
from service.publish.pages import Pages
from service.render.faults import faults
from service.store.core.database import Store
from tests.levels import table
from tests.newsletter import full_edition
from tests.newsletter.full_edition import LOOKS, NEWS, READER
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

COLUMNS = 72
"""Of the text part."""

EACH_LOOK = pytest.mark.parametrize("look", LOOKS)


def html_of(mail) -> str:
    return mail.get_body(("html",)).get_content()


def page_of(mail):
    return lxml_html.fromstring(html_of(mail))


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


@EACH_LOOK
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_look_has_every_part(store, tmp_path, look, language):
    room = full_edition.newsroom(store, tmp_path, look, language, stories={"max": 15})
    mail = full_edition.mail(room)
    page = page_of(mail)
    told = [one[language][0] for one in NEWS["story"]]
    links = page.xpath("//*[self::h2 or self::h3][@class='headline']/a/text()")
    assert links[0] == told[0]
    assert len(links) == len({*links}) == 15
    assert {*links} < {*told}
    headings = page.xpath("//h2[@class='topic']/text()")
    [lead] = page.xpath("//p[@class='kicker' or @class='topic']/text()")
    assert [lead, *headings] == [one[language] for one in NEWS["topic"].values()][:12]
    said = " ".join(page.text_content().split())
    vietnamese = language == "vi"
    for part in (
        room.settings.site.title,
        "Thứ Hai, 23/11/2026" if vietnamese else "Monday, 23 November 2026",
        "Còn 1 tin trên web" if vietnamese else "1 more story online",
        "Số tới, nếu có tin mới: 07:00 thứ Hai 30/11." if vietnamese
        else "The next edition, if there is news: Monday 30 November, 07:00.",
        f"vì {READER} đã đăng ký" if vietnamese else f"because {READER} signed up",
        full_edition.BRANDING["address"],
        full_edition.BRANDING["legal"],
        "Cùng đưa tin: Cổng thông tin điện tử tỉnh, VnExpress" if vietnamese
        else "Also reported by:",
    ):  # fmt: skip
        assert part in said, part
    assert page.xpath("string(//h1)") == room.settings.digest["tuan"].title
    assert page.xpath("//img/@alt") == [""]
    ways = page.xpath("//a/@href")
    for way in ("/unsubscribe/", "/preferences/", "#pause", "/subscribe/tuan", "/editions/tuan/"):
        assert any(way in one for one in ways), way
    text = text_of(mail)
    assert all(one in text.replace("\n", " ") for one in links)
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= COLUMNS


CONTENTS = [("vi", 5, ""), ("vi", 12, " và 8 chủ đề khác"), ("en", 12, " and 8 more topics")]


@pytest.mark.parametrize(("language", "topics", "rest"), CONTENTS)
def test_the_line_of_contents_names_a_few_topics_and_counts_the_others(
    store, tmp_path, language, topics, rest
):
    """Twelve names and numbers are an inventory, five a line of a newspaper."""
    room = full_edition.newsroom(store, tmp_path, "front-page", language, topics=topics)
    mail = full_edition.mail(room)
    titles = [one[language] for one in NEWS["topic"].values()][:topics]
    [line] = page_of(mail).xpath("//p[@class='quiet contents']")
    shown, written = " ".join(line.text_content().split()), text_of(mail).replace("\n", " ")
    for said, comma in ((shown, " · "), (written, ", ")):
        found = re.findall("|".join(f"{re.escape(one)} [0-9]+" for one in titles), said)
        assert [one.rpartition(" ")[0] for one in found] == titles[: 4 if rest else 5], said
        assert f": {comma.join(found)}{rest} " in f"{said} ", said


@EACH_LOOK
def test_a_digest_called_as_the_site_says_its_name_once(store, tmp_path, look):
    room = full_edition.newsroom(store, tmp_path, look, topics=1, title="Tin Khoa giáo")
    page = page_of(full_edition.mail(room))
    assert page.xpath("string(//h1)") == "Tin Khoa giáo"
    foot = page.xpath("//td[@class='foot']//strong/text()")
    assert page.text_content().count("Tin Khoa giáo") == 1 + 2 + len(foot)  # title, why, heading


WORD_CANNOT = re.compile(
    r"\b(flex|grid|float|position|calc\(|var\(|vh|vw|rem|background-image|url\(|(?<!-)transform|"
    r"object-fit|min-width|gap|animation|linear-gradient|box-shadow|opacity)\b"
)
"""Word draws mails in Outlook for Windows; it drops these, or what stands on them."""


def inline_styles(page):
    for node in page.iter():
        if isinstance(node.tag, str):
            for one in (node.get("style") or "").split(";"):
                name, _, value = one.partition(":")
                yield node, name.strip(), value.strip()


def faults_for_word(html: str) -> list[str]:
    """What of an inlined mail Word would draw otherwise than it is meant."""
    page = lxml_html.fromstring(html)
    found = []
    for node, name, value in inline_styles(page):
        if WORD_CANNOT.search(f"{name}:{value}"):
            found.append(f"{node.tag}: {name}: {value}")
        if name == "max-width" and node.tag == "table" and not node.get("width"):
            found.append("a table with max-width has no width")
        if name == "max-width" and node.tag != "table":
            before = node.getprevious()
            outside = before is not None and before.tag is lxml_html.etree.Comment
            if not outside or not re.search(r'<td width="\d+"[^>]*><!\[endif\]$', before.text):
                found.append(f"{node.tag} with max-width stands in no cell of Word's own")
        if name.startswith("padding") and node.tag == "div":
            found.append("padding of a div")
    needed = {"role", "cellpadding", "cellspacing", "border"}
    if any(needed - {*table.keys()} for table in page.iter("table")):
        found.append("a table that is no layout, or has gaps")
    for image in page.iter("img"):
        if {"width", "height", "alt"} - {*image.keys()}:
            found.append("a picture without a size")
        if not image.get("src").startswith("cid:"):
            found.append("a picture from elsewhere")
    opened = re.findall(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", html, re.DOTALL)
    for tag in ("table", "tr", "td"):
        parts = "".join(opened)
        if len(re.findall(rf"<{tag}\b", parts)) != parts.count(f"</{tag}>"):
            found.append(f"Word's own {tag} is not closed")
    return found


@EACH_LOOK
def test_word_draws_a_look_as_it_is_meant(store, tmp_path, look):
    html = html_of(full_edition.mail(full_edition.newsroom(store, tmp_path, look)))
    assert faults_for_word(html) == []


LAYOUT = 'role="presentation" cellpadding="0" cellspacing="0" border="0"'


@table(
    "broken",
    [
        '<div style="display: flex">',
        '<p style="position: absolute">',
        '<div style="max-width: 288px">',
        f'<table {LAYOUT} style="max-width: 600px">',
        '<div style="padding: 3px">',
        "<table><tr><td>",
        '<img src="cid:x" alt="">',
        '<img src="https://x.example/p.gif" width="1" height="1" alt="">',
        '<!--[if mso]><table role="presentation"><tr><td width="1"><![endif]-->',
    ],
)
def test_what_word_cannot_draw_is_found(broken):
    assert faults_for_word(f"<html><body>{broken}x</body></html>")


@EACH_LOOK
def test_a_mail_program_that_drops_the_style_blocks_still_has_the_look(store, tmp_path, look):
    """Gmail with other providers' accounts does: then a width in pixels would be too wide."""
    html = html_of(full_edition.mail(full_edition.newsroom(store, tmp_path, look)))
    page = lxml_html.fromstring(html)
    styles = page.xpath("//style/text()")
    assert page.xpath("//body//style") == []
    assert all(len(one) < 8192 for one in styles)  # Gmail drops longer blocks
    assert not re.search(r"@import|@font-face|url\(|\[", "".join(styles))
    assert [one for one in styles if "@media" in one and not one.strip().startswith("@media")] == []
    for node, name, value in inline_styles(page):
        if name == "width":
            assert value == "100%", node.tag
    headline = page.xpath("//h2[@class='headline']")[0]
    assert "font-size: " in headline.get("style")
    assert "text-decoration: none" in headline[0].get("style")


def hostile(room: Newsroom, stories: int) -> None:
    outlet = "Báo điện tử của một tòa soạn có cái tên dài không dứt " * 9
    with room.at_once():
        for number in range(stories):
            title = f"{number:03d} " + "tiêu đề dài của một tòa soạn không biết dừng " * 200
            lead = "Câu này dài và còn dài nữa vì không ai ngắt nó ở đâu cả " * 90
            topic = list(room.settings.topic)[number % len(room.settings.topic)]
            at = MONDAY - HOUR - number * timedelta(minutes=9)
            story, _ = room.story(title, topic, at=at, lead=lead, source="bao-a")
            if number % 10 == 0:
                for other in "bcdef":
                    room.story(title, topic, at=at, source=f"bao-{other}", story=story)
    with room.store.write() as connection:
        connection.exec_driver_sql("UPDATE source SET title = title || ?", (outlet,))
        connection.exec_driver_sql(
            "UPDATE article SET link = 'https://a.example/' || ?", ("đường/" * 3000,)
        )


@EACH_LOOK
@pytest.mark.parametrize("stories", [1, 60])
def test_a_mail_is_whole_and_under_its_limit_whatever_sources_send(store, tmp_path, look, stories):
    """So is what is personal in it: a long address, and many topics with long titles."""
    topics = {
        f"chu-de-{number}": {"title": f"Chủ đề thứ {number} với một cái tên rất dài dòng"}
        for number in range(60)
    }
    room = Newsroom(
        store, tmp_path, {"tuan": {"stories": {"max": 100}, "look": look}}, topic=topics
    )
    long = f"{'m' * 64}@{'.'.join(['n' * 60] * 3)}.vn"
    room.subscribe(long)
    hostile(room, stories)
    room.run(MONDAY)
    [mail] = room.outbox(long)
    part = mail.get_body(("html",))
    assert len(part.get_payload()) <= HTML_LIMIT
    html = part.get_content().rstrip()
    assert html.endswith("</html>")
    page = lxml_html.fromstring(html)
    shown = len(page.xpath("//*[@class='headline']"))
    assert shown >= min(stories, 10)
    if shown < stories:
        assert f"Còn {stories - shown} tin trên web" in page.text_content()
    assert "chủ đề khác" in page.xpath("string(//td[@class='foot'])")
    assert {
        one.partition("/stories/")[0] for one in page.xpath("//*[@class='headline']/a/@href")
    } == {
        "https://tin.example.vn"
    }  # such long addresses nobody can follow: our own page has the story


CADENCES = [
    ("weekly", {}, "07:00 thứ Hai 30/11"),
    ("daily", {}, "07:00 thứ Ba 24/11"),
    ("daily", {"holidays": ["2026-11-24/2026-11-26"]}, "07:00 thứ Sáu 27/11"),
    ("0 7 * * 1,4", {}, "07:00 thứ Năm 26/11"),
    ("hourly", {}, ""),
    ("immediate", {}, ""),
]


@pytest.mark.parametrize(("cadence", "written", "due"), CADENCES)
def test_a_mail_says_when_the_next_one_is_due(store, tmp_path, cadence, written, due):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": cadence, **written}}, MONDAY - HOUR / 2)
    room.subscribe()
    room.story("Học sinh nghỉ học")
    room.now += HOUR / 4
    ahead = room.preview(to=READER)
    room.run(MONDAY)
    [mail] = room.outbox(READER)
    said = f"Số tới, nếu có tin mới: {due}." if due else ""
    assert said in text_of(mail)
    assert said in html_of(mail)
    assert ("Số tới" in text_of(mail)) == bool(due)
    if cadence != "immediate":  # what is previewed before the cut says the same
        [path] = (tmp_path / "var" / "outbox" / "new").iterdir()
        assert ahead.message is not None
        assert (
            path.read_bytes().partition(b"MIME-Version")[2]
            == (ahead.message.partition(b"MIME-Version")[2])
        )


def test_it_is_due_by_the_reader_s_own_clock(store, tmp_path):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "daily"}})
    room.subscribe(zone="Europe/Berlin")
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    room.run(MONDAY + DAY / 2)
    [mail] = room.outbox(READER)
    assert "07:00 thứ Ba 24/11" in text_of(mail)


def with_words(room: Newsroom) -> None:
    """A template of somebody's own for the whole mail."""
    own = room.root / "templates" / "mail" / "edition"
    own.mkdir(parents=True)
    (own / "body.html.j2").write_text(
        "<html><body><h1>{{ edition.title }}</h1>{% block greeting %}{% endblock %}"
        "{% call once('mine', edition.lead.story.public_id) %}{{ edition.lead.title }}"
        "{% endcall %}</body></html>"
    )


@EACH_LOOK
def test_a_mail_template_that_somebody_copied_before_there_were_looks_is_used(
    store, tmp_path, look
):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly", "look": look}})
    with_words(room)
    room.load()
    room.subscribe()
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    room.run(MONDAY)
    [mail] = room.outbox(READER)
    [body] = page_of(mail).xpath("//body")
    assert body.text_content() == "Tin Khoa giáoHọc sinh nghỉ học"


def test_a_look_of_one_s_own_is_a_file_and_another_name_is_a_fault(store: Store, tmp_path):
    own = tmp_path / "templates" / "mail" / "looks"
    own.mkdir(parents=True)
    (own / "card.html.j2").write_text("<html><p>{{ edition.lead.title }}</p></html>")
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly", "look": "card"}})
    assert faults(room.settings) == []
    room.subscribe()
    room.story("Học sinh nghỉ học", at=MONDAY - HOUR)
    room.run(MONDAY)
    [mail] = room.outbox(READER)
    assert page_of(mail).text_content() == "Học sinh nghỉ học"
    for wrong, remedy in (("leter", 'did you mean "letter"?'), ("parts", "")):
        room.load(digest={"tuan": {"look": wrong}})
        [(path, problem, right)] = faults(room.settings)
        assert (path, problem) == (("digest", "tuan", "look"), f"there is no look '{wrong}'")
        assert right.startswith(remedy or "there are")


@EACH_LOOK
def test_the_welcome_has_its_greeting_in_either_look(store, tmp_path, look):
    room = full_edition.newsroom(store, tmp_path, look, topics=2)
    room.run(MONDAY)
    room.now = MONDAY + HOUR
    room.subscribe("lan@example.vn", welcome_due=True)
    room.welcome()
    room.send()
    [mail] = room.outbox("lan@example.vn")
    assert mail["Feedback-ID"].split(":")[1] == DeliveryKind.WELCOME
    assert "Trong lúc chờ số đầu tiên" in page_of(mail).text_content()
    assert "Số tới, nếu có tin mới: 07:00 thứ Hai 30/11." in text_of(mail)


def test_looks_are_other_mails_with_other_names(store, tmp_path):
    """A digest whose look was changed between two batches has segments of both."""
    room = full_edition.newsroom(store, tmp_path, "letter", topics=1)
    room.plan(MONDAY)
    with store.read() as connection:
        [before] = connection.exec_driver_sql("SELECT hash FROM segment").scalars()
    room.subscribe("lan@example.vn")
    digest = {"tuan": {**room.written["digest"]["tuan"], "look": "front-page"}}
    room.load(digest=digest)
    room.plan()
    with store.read() as connection:
        hashes = connection.exec_driver_sql("SELECT hash FROM segment").scalars().all()
    assert before in hashes


ON_THE_PAGE = "//*[contains(@class, 'edition')]//*[@class='headline']//a/text()"


def edition_page(room: Newsroom):
    with room.store.read() as connection:
        pages = Pages(connection, room.settings, room.renderer)
        body = pages.edition("tuan", f"{MONDAY:%Y%m%dT%H%M%SZ}")
    assert body is not None
    return lxml_html.document_fromstring(body.decode())


@EACH_LOOK
def test_on_the_web_is_the_same_edition(store, tmp_path, look):
    """Every story of the mail, in its order, and those that it only counts."""
    room = full_edition.newsroom(store, tmp_path, look)
    mail = full_edition.mail(room)
    page = edition_page(room)
    told = page_of(mail).xpath("//*[@class='headline']/a/text()")
    assert page.xpath(ON_THE_PAGE) == told
    assert page.xpath("string(//h1)") == page_of(mail).xpath("string(//h1)")


def test_on_the_web_are_the_stories_that_a_mail_only_counts(store, tmp_path):
    room = full_edition.newsroom(store, tmp_path, "letter", stories={"max": 5})
    told = page_of(full_edition.mail(room)).xpath("//*[@class='headline']/a/text()")
    page = edition_page(room).xpath(
        "//*[contains(@class, 'edition')]//*[@class='headline']//a/text()"
    )
    assert len(told) == 5
    assert {*told} < {*page}
    assert len(page) == len(NEWS["story"])


@EACH_LOOK
def test_an_editor_s_words_have_their_places(store, tmp_path, look):
    """Above the news and below a story, with links made safe, in both parts."""
    room = full_edition.newsroom(store, tmp_path, look)
    topics = tuple(room.settings.topic)
    said = "Chào bạn đọc.\n\nXem https://tin.example.vn/luu-y <b>nhé</b>."
    limits = limits_of(room.settings.digest["tuan"].stories)
    with store.read() as connection:
        frozen = samples.newest(connection, topics, 20)
        noted = [replace(one, note="Có đính chính tối nay.") for one in frozen[:1]]
        choice = samples.choice_of(connection, frozen, topics, limits)
    frame = Frame("tuan", "Điểm tin tuần", MONDAY, "/editions/tuan/1/", {}, "#ff8888", look, said)
    composer = EditionComposer(
        room.renderer, DeliveryKind.EDITION, frame, topics, [*noted, *frozen[1:]]
    )
    mail = composer.compose(choice, "vi")
    parts = composer.render(mail.layout, "vi")
    page = lxml_html.fromstring(parts.html)
    [opening] = page.xpath("//td[@class='opening']")
    assert [one.text_content() for one in opening] == [
        "Chào bạn đọc.", "Xem https://tin.example.vn/luu-y <b>nhé</b>.",
    ]  # fmt: skip
    assert opening.xpath(".//a/@href") == ["https://tin.example.vn/luu-y"]
    [note] = page.xpath("//div[@class='note']/p")
    assert note.text == "Có đính chính tối nay."
    assert "border-left: 3px solid" in note.get("style")
    assert said in parts.text
    assert "\nCó đính chính tối nay.\n" in parts.text
    assert faults_for_word(parts.html) == []
