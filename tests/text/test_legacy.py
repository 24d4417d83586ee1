"""Vietnamese from before Unicode: found, turned into Unicode, and nothing else is ever touched."""

from __future__ import annotations

import gzip
import json
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.text import old_charsets
from service.text.legacy import guess, named, parts_to_unicode, to_unicode
from service.text.old_charsets import CHARSETS
from tests.levels import table

LETTERS = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
TEXT = (
    "Chiều nay, người dân Bắc Ninh đội mưa dự hội nghị trực tuyến về xây dựng nông thôn mới; "
    "nhiều ý kiến đề nghị tỉnh sớm có kế hoạch hỗ trợ các hộ nghèo ở vùng sâu, vùng xa."
)
TONES = "\u0300\u0301\u0303\u0309\u0323"


def as_cp1258(text: str) -> str:
    """As windows-1258 writes it (letters and tones apart), read as windows-1252."""
    apart = ""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        bare = "".join(part for part in parts if part not in TONES)
        apart += unicodedata.normalize("NFC", bare) + "".join(p for p in parts if p in TONES)
    return apart.encode("cp1258").decode("cp1252")


def written(charset: str, text: str) -> str:
    """The text as it looks when its bytes in that charset are taken for Latin-1."""
    if charset == "cp1258":
        return as_cp1258(text)
    if charset == "utf-8-twice":
        return text.encode().decode("latin-1")
    table = {
        "tcvn3": old_charsets._TCVN3,
        "viscii": old_charsets._VISCII,
        "vni": old_charsets._VNI,
    }[charset]
    back: dict[str, str] = {}
    for sign, letter in table.items():
        if letter not in back or sign[-1].isupper() == letter.isupper():
            back[letter] = sign
    if charset == "tcvn3":  # whose other capitals are those of another font
        back |= {letter.upper(): back[letter] for letter in LETTERS if letter.upper() not in back}
    return "".join(back.get(letter, letter) for letter in text)


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_sentence_is_known_and_read(charset):
    foreign = written(charset, TEXT)
    assert foreign != TEXT
    assert guess(foreign) == charset
    assert to_unicode(foreign, charset) == TEXT


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_letter_has_its_place(charset):
    assert to_unicode(written(charset, LETTERS), charset) == LETTERS
    capitals = LETTERS.upper()
    if charset != "tcvn3":  # whose capitals are another font
        assert to_unicode(written(charset, capitals), charset) == capitals


@pytest.mark.parametrize("charset", CHARSETS)
def test_articles_of_newspapers_are_known_by_their_text(corpus, charset):
    packed = (corpus / "stream" / "vi-2026-01.articles.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    texts = [unicodedata.normalize("NFC", row["text"])[:2000] for row in rows[:40]]
    encodable = [text for text in texts if charset != "cp1258" or _fits(text)]
    known = [guess(written(charset, text)) for text in encodable]
    assert len(encodable) > 20
    assert set(known) <= {charset, None}
    assert known.count(charset) >= 0.99 * len(known)
    assert not any(map(guess, texts))


def _fits(text: str) -> bool:
    try:
        as_cp1258(text)
    except UnicodeError:
        return False
    return True


def test_what_people_have_verified(corpus):
    pairs = json.loads((corpus / "vi_text" / "tcvn3-pairs.json").read_text())["pairs"]
    assert pairs
    for pair in pairs:
        assert guess(pair["raw"]) == "tcvn3", pair
        assert to_unicode(pair["raw"], "tcvn3") == pair["expected"]


@table(
    ("raw", "text"),
    [
        ("HéI NGHÞ TØNH §¶NG Bé", "HỘI NGHỊ TỈNH ĐẢNG BỘ"),  # capitals of another font
        ("§¹i häc", "Đại học"),
        ("UBND tØnh", "UBND tỉnh"),
        ("t\xad v\xadên", "tư vườn"),
        ("To&micro; &#184;n nh&copy;n d&#xA9;n", "Toà án nhân dân"),
    ],
)
def test_tcvn3(raw, text):
    assert to_unicode(raw, "tcvn3") == text


def test_references_for_signs_are_seen_through():
    assert guess("<p>To&micro; &cedil;n nh&copy;n d&copy;n &reg;&atilde; xÐt xö</p>") == "tcvn3"


OTHERS = [
    "Le café est très près de la forêt où l'été a été passé à la plage; déjà vu, garçon, naïf.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Dvořák, Škoda, Plzeň, sníh, děti, přítel, čeština.",
    "Zażółć gęślą jaźń; świat, wróć, łódź, ćma, być, miłość, dziękuję, więcej, człowiek, źle.",
    "Übergrößen für Mädchen; schöne Grüße aus Köln, Düsseldorf, Münster, ähnlich, öffnen, Straße.",
    "¿Qué tal, señor? Está así: más café, también mañana, niño, corazón, último, según, árbol.",
    "Não há coração são; avós, pão, lã, irmã, ações, você, três, português, também, até, já, só.",
    "Å få på två; små öar, kött, fjäll, snö, blå bär, år, mål, höst. Vi må gå så nå, få rød grød.",
    "Þetta er íslenska með þ, ð, æ og ö; það var góð ferð, hún á bók, maður, kona, börn, sól.",
    "Türkçe öğrenmek güç değil; ışık, çocuk, gün, şehir, üç, kız, öğretmen, İstanbul, ağaç.",
    "Windows® © 2024 «Le Monde» · 5½ £20 · §12 · 3×4 · m² · 20°C · «oui» · ®© · ¿no? · ¡sí!",
    "Hyvää yötä, tämä on äiti, pöytä, töitä, käsi, mäki, yö, työ, väärä, häät, pää, sää, jää.",
    "Árvíztűrő tükörfúrógép; öt szép szűzlány őrült írót nyúz, hűtő, kávé, tíz, víz, kéz, láb.",
    "România: ăsta și țară, mâine, pâine, înțeles, băiat, fată, copil, școală, București.",
    "Là và cà phê không có gì; ba má cho bé sô cô la, bà già đi chợ mua rau.",
    "Là bà có xà bông và ca; cha mà cho bé thì bà la to quá.",
]


@table("text", OTHERS)
def test_other_languages_and_unicode_are_left_alone(text):
    for many in (text, f"<item><title>{text}</title></item>", text.upper(), text * 20):
        assert guess(many) is None
        assert parts_to_unicode(many) == (many, ())
    assert all(guess(part) is None for part in text.split(";"))


WORDS = sorted({word.strip(".,;:¿?¡!") for text in OTHERS for word in text.split()})


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join))
def test_no_mixture_of_other_languages_is_taken_for_vietnamese(text):
    assert guess(text) is None
    assert parts_to_unicode(f"<p>{text}</p>") == (f"<p>{text}</p>", ())


@given(st.text(st.characters(max_codepoint=0x24F), max_size=300) | st.text() | st.binary())
@example("b¾")
@example(b"\xc3")
def test_it_never_raises(text):
    name = guess(text)
    assert name is None or name in CHARSETS
    if isinstance(text, str):
        for charset in CHARSETS:
            assert isinstance(to_unicode(text, charset), str)


def test_old_texts_within_a_document_in_unicode():
    old = written("tcvn3", "Đại hội Đảng bộ tỉnh Bắc Ninh lần thứ hai mươi")
    text = f"<title>Tỉnh uỷ</title><a>{old}</a><b>Windows® «oui» · £5</b>"
    repaired, charsets = parts_to_unicode(text)
    assert repaired == text.replace(old, "Đại hội Đảng bộ tỉnh Bắc Ninh lần thứ hai mươi")
    assert charsets == ("tcvn3",)


@table(
    ("name", "charset"),
    [("TCVN-5712:1993", "tcvn3"), ("x-viet-tcvn5712", "tcvn3"), ("VISCII", "viscii"),
     ("csVISCII", "viscii"), ("x-viet-vni", "vni"), ("utf-8", None), ("windows-1258", None)],
)  # fmt: skip
def test_names_that_documents_declare(name, charset):
    assert named(name) == charset


def test_it_is_quick_where_there_is_nothing_to_do():
    texts = ["plain text " * 20_000, TEXT * 1000, OTHERS[0] * 2000, "“quoted” – text… " * 10_000]
    begin = time.process_time()
    for _ in range(10):
        for text in texts:
            guess(text)
    assert time.process_time() - begin < 0.5
