"""The forms of a text: kept (NFC), for matching with accents, for matching without."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.fold import fold, folded_tokens, has_marks, lower, nfc, tokens
from tests.levels import table

VIETNAMESE = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"
SYLLABLES = st.text(VIETNAMESE + "qghnctkl ĐÐðİßΣς\u0301\u0323\u0309<&;가가", max_size=12)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


class TestNfc:
    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            (nfd("Hoà Bình, Đắk Lắk"), "Hoà Bình, Đắk Lắk"),
            ("a\x00b\x08c\x1bd\x7fe\x9ff", "abcdef"),
            ("a\x0bb\x0cc\x85d\x1fe", "a b c d e"),
            ("a\tb\nc\rd", "a\tb\nc\rd"),
            ("\ud800x\udfff", "x"),
            ("a\ufdd0b\ufdefc\ufffed\uffffe\U0001fffef\U0010ffffg", "abcdefg"),
            ("e\x00\u0301", "é"),  # taken out first, composed then
            ("👩\u200d💻 \U0001f600", "👩\u200d💻 \U0001f600"),
        ],
    )
    def test_it_keeps_text_and_nothing_that_xml_or_a_mail_forbids(self, text, kept):
        assert nfc(text) == kept

    @given(st.text(st.characters(codec=None)))
    def test_idempotent_on_anything(self, text):
        once = nfc(text)
        assert nfc(once) == once
        once.encode()  # no surrogate is left
        assert not re.search("[\x00-\x08\x0e-\x1f\ufdd0-\ufdef\ufffe\uffff]", once)


class TestLower:
    @table(
        ("text", "form"),
        [
            # two ways to write an open syllable
            ("hoà", "hòa"), ("Hoá", "hóa"), ("hoả", "hỏa"), ("hoã", "hõa"), ("HOẠ", "họa"),
            ("khoẻ", "khỏe"), ("loè", "lòe"), ("toé", "tóe"), ("xoẹ", "xọe"),
            ("uỷ", "ủy"), ("thuỳ", "thùy"), ("TUÝ", "túy"), ("luỹ", "lũy"), ("thuỵ", "thụy"),
            ("Tỉnh uỷ, tỉnh ủy", "tỉnh ủy, tỉnh ủy"), ("uỷ-ban", "ủy-ban"), ("hoà1", "hòa1"),
            # closed ones have only one
            ("hoàn", "hoàn"), ("khoảng", "khoảng"), ("hoài", "hoài"), ("xoèn", "xoèn"),
            ("thuyền", "thuyền"), ("khuỷu", "khuỷu"), ("huỳnh", "huỳnh"), ("ngoéo", "ngoéo"),
            # after q the u carries no tone
            ("quý", "quý"), ("QUỲ", "quỳ"), ("quá", "quá"), ("que", "que"), ("quỷ", "quỷ"),
            ("qúy", "quý"), ("QỦA", "quả"), ("qùe", "què"), ("qúôc", "quốc"), ("qụyt", "quỵt"),
            # after g the i is part of the consonant when a vowel follows
            ("gì", "gì"), ("gìn", "gìn"), ("gịt", "gịt"), ("già", "già"), ("giếng", "giếng"),
            ("gía", "giá"), ("gìơ", "giờ"), ("gíup", "giúp"), ("gỉai", "giải"), ("gíêng", "giếng"),
            # the rest
            (nfd("Hoà UỶ"), "hòa ủy"), ("ĐẢNG Ðoàn ð", "đảng đoàn đ"), ("Straße", "straße"),
            ("", ""), ("ABC", "abc"), ("Zoë", "zoë"),
        ],
    )  # fmt: skip
    def test_one_placement_of_the_tone(self, text, form):
        assert lower(text) == form

    @given(SYLLABLES | st.text())
    def test_idempotent(self, text):
        once = lower(text)
        assert lower(once) == once
        assert nfc(once) == once

    @given(SYLLABLES | st.text())
    def test_the_same_for_each_normal_form(self, text):
        assert lower(nfd(text)) == lower(text)

    @given(st.text(VIETNAMESE + "qghnct ", max_size=12))
    def test_the_tone_moves_but_no_letter_changes(self, text):
        def bones(form: str) -> str:
            return "".join(
                part for part in nfd(form) if part not in "\u0300\u0301\u0303\u0309\u0323"
            )

        assert bones(lower(text)) == bones(text)
        assert sorted(nfd(lower(text))) == sorted(nfd(text))


class TestFold:
    @pytest.mark.parametrize(
        ("text", "form"),
        [
            ("Tỉnh uỷ Đà Nẵng", "tinh uy da nang"),
            (nfd("TỈNH ỦY ĐÀ NẴNG"), "tinh uy da nang"),
            ("ệ ễ ộ ẵ ự Ợ ð Ð", "e e o a u o d d"),
            ("Straße Ærø Łódź", "strasse ærø łodz"),
            ("İstanbul", "istanbul"),
            ("Ελλάδα Ὀδυσσεύς", "ελλαδα οδυσσευσ"),
            ("가나다", "가나다"),
            ("", ""),
            ("ASCII only", "ascii only"),
        ],
    )
    def test_without_marks_and_case(self, text, form):
        assert fold(text) == form

    @given(SYLLABLES | st.text())
    def test_idempotent(self, text):
        assert fold(fold(text)) == fold(text)

    @given(SYLLABLES | st.text())
    def test_the_same_for_each_normal_form_case_and_placement(self, text):
        assert fold(nfd(text)) == fold(text)
        assert fold(lower(text)) == fold(text)

    @given(st.text(VIETNAMESE + VIETNAMESE.upper()))
    def test_vietnamese_becomes_ascii(self, text):
        assert fold(text).isascii()


class TestTokens:
    def test_words_as_they_stand(self):
        assert tokens("TP.HCM: Nghị định 15/2020/NĐ-CP, “tốt”") == [
            "TP", "HCM", "Nghị", "định", "15", "2020", "NĐ", "CP", "tốt",
        ]  # fmt: skip

    def test_folded_and_joined_so_that_both_databases_search_alike(self):
        assert folded_tokens(nfd("  Nghị định 15/2020/NĐ-CP\n“tốt” ")) == (
            "nghi dinh 15 2020 nd cp tot"
        )
        assert folded_tokens("…") == ""

    @given(SYLLABLES | st.text())
    def test_word_for_word(self, text):
        words = tokens(nfc(text))
        folded = folded_tokens(text).split(" ") if words else []
        assert [fold(word) for word in words] == folded


@table(
    ("text", "marks"),
    [("giao duc", False), ("giáo dục", True), ("đ", True), ("Đ", True), (nfd("é"), True),
     ("Straße", False), ("ABC", False), ("", False), ("Hồ", True), ("가", False), ("İ", True)],
)  # fmt: skip
def test_has_marks(text, marks):
    assert has_marks(text) is marks
