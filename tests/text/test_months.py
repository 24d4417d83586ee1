"""Dates in many languages: every month, as feeds and as pages write it."""
# ruff: noqa: E501 - a table of names is read by line

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from service.text.instants import months
from service.text.instants.dates import parse
from tests.levels import table

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)

# In full as they stand in dates, then as they are cut short.
NAMES = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre|janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember|Jan. Feb. Mär. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre|ene feb mar abr may jun jul ago sep oct nov dic",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro|jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre|gen feb mar apr mag giu lug ago set ott nov dic",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december|jan feb mrt apr mei jun jul aug sep okt nov dec",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря|янв фев мар апр мая июн июл авг сен окт ноя дек",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня|січ лют бер кві тра чер лип сер вер жов лис гру",
    "bg": "януари февруари март април май юни юли август септември октомври ноември декември|яну фев мар апр май юни юли авг сеп окт ное дек",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia|sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince|led úno bře dub kvě červen červenec srp zář říj lis pro",
    "hr": "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca|sij velj ožu tra svi lip srp kol ruj lis stu pro",
    "hu": "január február március április május június július augusztus szeptember október november december|jan. febr. márc. ápr. máj. jún. júl. aug. szept. okt. nov. dec.",
    "ro": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie|ian feb mar apr mai iun iul aug sept oct noi dec",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık|Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember|Jan Feb Mar Apr Mei Jun Jul Agt Sep Okt Nop Des",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december|jan feb mar apr maj jun jul aug sep okt nov dec",
    "da": "januar februar marts april maj juni juli august september oktober november december|jan. feb. mar. apr. maj jun. jul. aug. sep. okt. nov. dec.",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta|tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου|Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ",
    "en": "January February March April May June July August September October November December|Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "vi": "tháng 1,tháng 2,tháng 3,tháng 4,tháng 5,tháng 6,tháng 7,tháng 8,tháng 9,tháng 10,tháng 11,tháng 12|thg 1,thg 2,thg 3,thg 4,thg 5,thg 6,thg 7,thg 8,thg 9,thg 10,thg 11,thg 12",
}
FORMS = (
    "{d} {month} {y} {H}:{M}",
    "{d}. {month} {y}, {H}:{M}",
    "{d} {month}, {y} - {H}:{M}",
    "xx, {d} {month} {y} {H}:{M}:00 +0700",
    "xx, {d} {month} {y} {H}:{M}:00 GMT+7",
)


def spelled(language: str, short: int, month: int) -> str:
    names = NAMES[language].split("|")[short]
    return names.split("," if "," in names else None)[month - 1]


@given(
    st.sampled_from(list(NAMES)),
    st.sampled_from(FORMS),
    st.integers(0, 1),
    st.datetimes(datetime(2000, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - drawn naive
)
def test_what_was_written_in_a_language_is_read_in_it(language, form, short, drawn):
    at = drawn.replace(second=0, microsecond=0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    text = form.format(
        d=at.day, month=spelled(language, short, at.month), y=at.year, H=f"{at:%H}", M=f"{at:%M}"
    )
    assert parse(text, "Asia/Ho_Chi_Minh", None, NOW, f"{language}-XX") == at, text


@table("language", [name for name in NAMES if name not in {"en", "vi"}])
def test_every_month_has_its_number_and_no_other(language):
    for short in (0, 1):
        for month in range(1, 13):
            name = spelled(language, short, month)
            assert months.number(name, language) == month, name
            alone = months.number(name, None)
            assert alone in {None, month} or language in {"hr", "cs"}, name


@table("name", ["marathon", "abc", "ja", "tháng", "", "Uhr"])
def test_what_is_no_month_in_a_language_that_says_otherwise(name):
    assert months.number(name, "en") is None
    assert months.number(name, "vi") is None


@table(
    ("text", "language", "meant"),
    [
        ("2026. 11. 24. 오전 8:05", "ko", "2026-11-24 08:05"),
        ("2026.11.24 (화) 20:05", "ko", "2026-11-24 20:05"),
        ("2026-11-24 下午 8:05", "zh", "2026-11-24 20:05"),
        ("2026年11月24日 上午8:05", "zh", "2026-11-24 08:05"),
        ("2026年11月24日(火) 08時05分", "ja", "2026-11-24 08:05"),
        ("24 พฤศจิกายน 2569 08:05", "th", "2026-11-24 08:05"),
        ("24/11/2569 08:05", "th", "2026-11-24 08:05"),
        ("2026. november 24. 8:05", "hu", "2026-11-24 08:05"),
        ("24.11.2026 klo 8.05", "fi", "2026-11-24 08:05"),
        ("Tue Nov 24 01:05:00 +0000 2026", "en", "2026-11-24 08:05"),
        ("/Date(1795482300000)/", "en", "2026-11-24 08:05"),
        ("/Date(1795482300000+0700)/", None, "2026-11-24 08:05"),
        ("Вт, 24 ноя 2026 04:05:00 +0300", "ru", "2026-11-24 08:05"),
        ("Вт, 24 ноя 2026 04:05:00 +0300", None, "2026-11-24 08:05"),
        ("wt., 24 lis 2026 02:05:00 +0100", "pl", "2026-11-24 08:05"),
        ("24 de noviembre de 2026, 08:05", "es", "2026-11-24 08:05"),
    ],
)
def test_forms_of_the_world(text, language, meant):
    found = parse(text, "Asia/Ho_Chi_Minh", None, NOW, language)
    assert found is not None
    assert f"{found.astimezone(ZoneInfo('Asia/Ho_Chi_Minh')):%Y-%m-%d %H:%M}" == meant
