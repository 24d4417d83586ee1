"""What programs write around a text goes; what a sentence says stays."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.curate.articles import Shaped, shape
from service.model import Entry
from service.text.boilerplate import is_boilerplate, is_read_on, without_boilerplate
from tests.levels import table

SENTENCES = (
    "Chiều 23/11, hội nghị giao ban diễn ra tại thành phố.",
    "The council met on Tuesday and agreed on the plan.",
    "Ngành giáo dục tổng kết năm học…",
    'Ông nói: "Chúng tôi sẽ làm ngay."',
)
READ_ON = (
    "Đọc tiếp", "Xem thêm", "Xem tiếp", "Đọc thêm »", "Xem chi tiết", "Xem chi tiết tại đây",
    "Continue reading", "Continue reading…", "Continue reading →", "Continue Reading The plan",
    "Read more", "Read More...", "Read more »", "[Read more]", "(more…)", "Read the full story",
    "Read the rest of this entry »", "Keep reading", "View full article", "Click here to read more",
    "Read more at Example.com", "Weiterlesen", "Mehr lesen", "Weiterlesen „Der Plan“",
    "Lire la suite", "Continuer la lecture de « Le plan »", "En savoir plus", "Leer más",
    "Seguir leyendo", "Leia mais", "Continue lendo", "Leggi tutto", "Continua a leggere",
    "Lees meer", "Lees verder", "Läs mer", "Les mer", "Læs mere", "Lue lisää",
    "Czytaj więcej", "Czytaj dalej",
    "Číst více", "Tovább olvasom", "Citește mai mult", "Devamını oku", "Baca selengkapnya",
    "Читать далее", "Подробнее", "Читати далі", "Διαβάστε περισσότερα",
    "続きを読む", "阅读全文", "閱讀更多", "더 보기",
    "اقرأ المزيد", "ادامه مطلب", "המשך קריאה", "อ่านต่อ", "और पढ़ें",
    "Xem thêm: Một bài khác của báo này", "Read more: Another story of the day",
)  # fmt: skip
SIGNED = (
    "The post The plan of it appeared first on Example.",
    "The post <b>Plan</b> first appeared on Example.",
    "This article was originally published on Example.",
    "Der Beitrag Der Plan erschien zuerst auf Beispiel.",
    "L’article Le plan est apparu en premier sur Exemple.",
    "La entrada El plan se publicó primero en Ejemplo.",
    "L'articolo Il piano proviene da Esempio.",
    "O post O plano apareceu primeiro em Exemplo.",
    "Het bericht Het plan verscheen eerst op Voorbeeld.",
    "Artykuł Plan pochodzi z serwisu Przykład.",
    "Inlägget Planen dök först upp på Exempel.",
    "Запись План впервые появилась Пример.",
    "Bài viết Kế hoạch đã xuất hiện đầu tiên vào ngày Ví dụ.",
    "Artikel Rencana pertama kali tampil pada Contoh.",
)
SAVED = (
    "Lưu bài viết thành công Bạn có thể xem lại bài viết đã lưu ở trang Tin bài đã lưu",
    "Lưu bài viết thành công. Bạn có thể xem lại bài viết đã lưu ở trangTin bài đã lưu",
    "Đã lưu bài viết.", "Bài viết đã được lưu!", "Tin đã lưu", "Nghe đọc bài 0:00 / 3:20",
    "Share on Facebook Twitter Email", "Chia sẻ Facebook Zalo", "3 min read",
    "Thời gian đọc: 3 phút", "Your browser does not support the audio element.",
    "Theo dõi Báo Tỉnh trên Google News",
)  # fmt: skip


def test_what_stands_behind_a_text_goes():
    cases = product(SENTENCES, [*READ_ON, *SIGNED])
    left = {(text, end): without_boilerplate(f"{text} {end}") for text, end in cases}
    assert {case: found for case, found in left.items() if found != case[0]} == {}


@table("phrase", ["Đọc tiếp", "Continue reading", "Read more", "Leer más"])
@table("mark", ["[…]", "[...]", "(...)", "…"])
def test_a_text_that_was_cut_ends_in_an_ellipsis(phrase, mark):
    assert without_boilerplate(f"Hội nghị nghe báo cáo {mark} {phrase}").replace(" …", "…") == (
        "Hội nghị nghe báo cáo…"
    )


@table(
    "text",
    ["Xem chi tiết", "» Czytaj dalej", "続きを読む", "Details", "View details »", "Weiter",
     "[mehr]", "Continue reading Thị trấn Bích Động có chợ mới"],
)  # fmt: skip
def test_a_link_that_says_read_more_alone_is_nothing_else(text):
    assert is_read_on(text)


@pytest.mark.parametrize(
    "text",
    ["Continue to support farmers, ministry says", "Weiterhin Regen im Norden",
     "Details of the plan are out", "Xem chi tiết máy bay mới nhất"],
)  # fmt: skip
def test_a_headline_that_begins_like_it_is_one(text):
    assert not is_read_on(text)


def test_several_of_them_go_one_after_another():
    text = "Câu một. Đọc tiếp → The post Câu một appeared first on Báo Tỉnh."
    assert without_boilerplate(text) == "Câu một."


def test_what_stands_in_front_of_a_text_goes():
    cases = product(SENTENCES, SAVED)
    left = {(text, before): without_boilerplate(f"{before} {text}") for text, before in cases}
    assert {case: found for case, found in left.items() if found != case[0]} == {}
    assert [one for one in SAVED if not is_boilerplate(one)] == []


@table(
    "text",
    [
        "Mời bạn đọc truy cập trang web để xem thêm.", "Bà chưa cho biết chi tiết.",
        "He wants to read more", "We should read more books this year, he says.",
        "Il veut en savoir plus.", "Das ist mehr.", "Is it more?", "They want more",
        "Lưu ý của bác sĩ khi dùng thuốc.", "Lưu Bị là nhân vật có thật.",
        "Chia sẻ kinh nghiệm học tập với sinh viên.", "Tin vui cho bà con vùng cao.",
        "Quảng cáo sai sự thật, công ty bị phạt 70 triệu đồng.",
        "Saved from the flood, the family tells its story.",
        "Nghe tin bão, ngư dân vào bờ.", "Image is everything, says the coach.",
        "The article that he first published in 2019 was about trees, and it is read to this day.",
        "Der Beitrag der Firma ist hoch.", "Ông bắt đầu đọc và tiếp tục đọc suốt đời.",
        "Bạn có thể xem lại trận đấu tối qua.", "3 min later the train stopped.",
    ],
)  # fmt: skip
def test_what_a_sentence_says_stays(text):
    assert without_boilerplate(text) == text
    assert not is_boilerplate(text)


@given(st.text("abĐđọcxemthê .!…»[]() \u0111", max_size=80))
def test_it_only_takes_away_and_does_so_once(text):
    text = " ".join(text.split())
    short = without_boilerplate(text)
    assert len(short) <= len(text) + 1
    assert without_boilerplate(short) == short


@table("behind", READ_ON[:12] + SIGNED[:4])
def test_the_lead_of_an_article_is_free_of_it(behind):
    sentence = SENTENCES[0]
    for field in ("summary", "content"):
        entry = Entry(key="1", guid="1", link=None, link_is_key=False, title="Tin")
        html = f"<p>{sentence}</p><p><a href='https://x.example/'>{behind}</a></p>"
        made = shape(Entry(**{name: getattr(entry, name) for name in ("key", "guid", "link")},
                           link_is_key=False, title="Tin", **{field: html}))  # fmt: skip
        assert isinstance(made, Shaped)
        assert made.values.lead == sentence


def test_an_entry_that_is_nothing_else_is_kept_as_it_is():
    made = shape(
        Entry(key="1", guid="1", link=None, link_is_key=False, title="", summary="Xem thêm")
    )
    assert isinstance(made, Shaped)
    assert made.values.title == "Xem thêm"


@table("piece", [". continue reading", "the post ", "[ ", "lưu bài ", "xem thêm: ", "read more "])
def test_hostile_texts_cost_little(piece):
    began = time.process_time()
    without_boilerplate(piece * 20_000)
    assert time.process_time() - began < 2
