"""What programs put around a text: "Read more" behind it, "Article saved" in front of it. Pure.

A phrase counts only where it stands as no part of a sentence does: at the end behind a full stop or
dots, in brackets, with an arrow, or with a capital of its own. "…để xem thêm." stays.
"""

# ruff: noqa: RUF001 - letters and signs of other scripts are meant

from __future__ import annotations

import re

from service.text.read_on import (
    APPEARED,
    APPEARED_UNPARTED,
    BEFORE_A_TITLE,
    READ_ON,
    READ_ON_UNPARTED,
)

_BREAK = r"(?:(?<=[.!?…\"\u201d\u2019»)\]。！？|>→\u2013\u2014-])\s*|\A\s*)"
_SIGNS = r"[\s.…\[\]()<>«»‹›→➔➜➤▶►↗⇒|:·•*_\u2013\u2014-]*"
_ANY = "|".join(READ_ON)
_UNPARTED = "|".join(READ_ON_UNPARTED)
_APPEARED = "|".join(
    (*(rf"(?:{one})\b.{{1,400}}?\b(?:{other})" for one, other in APPEARED), *APPEARED_UNPARTED)
)
_END = re.compile(
    rf"(?:{_BREAK}(?:{_ANY}){_SIGNS}\Z"
    rf"|\s*[\[(]\s*[.…]*\s*(?:{_ANY}|{_UNPARTED}){_SIGNS}[\])]{_SIGNS}\Z"
    rf"|\s(?:{_ANY})\s*(?:[»›→➔➜➤▶►↗⇒]|>{{1,3}}|\.\.\.|…|\[…\]){_SIGNS}\Z"
    rf"|\s?(?:{_UNPARTED}){_SIGNS}\Z)",
    re.IGNORECASE,
)
_ALONE = re.compile(  # what has matched once is not tried otherwise (*+)
    rf"{_SIGNS}+(?:(?:{_ANY}|{_UNPARTED}){_SIGNS}+|(?:{'|'.join(BEFORE_A_TITLE)})\b.{{0,200}})\Z",
    re.IGNORECASE,
)
_CAPITAL_END = re.compile(rf"\s(?:{_ANY}){_SIGNS}\Z", re.IGNORECASE)
_TITLE_END = re.compile(
    rf"{_BREAK}(?:(?:{'|'.join(BEFORE_A_TITLE)})\b.{{0,200}}"
    r"|(?:read|xem|đọc|see|lire|leia|lea|leggi|lees|czytaj)\s\w+(?:\s\w+)?\s?[:»→>]\s?.{1,200}"
    r"|read (?:more|the rest|it)\s(?:at|on|in|from|about)\s.{1,80})\Z",
    re.IGNORECASE,
)
_APPEARED_END = re.compile(
    rf"(?:{_BREAK}|\s)(?:{_APPEARED}).{{0,200}}\Z", re.IGNORECASE | re.DOTALL
)
_NEAR, _FAR, _FARTHEST = 70, 260, 700
"""Characters at the end of a text in which a program's words may stand."""

_BEFORE_A_TITLE = (
    "read", "continu", "đọc", "xem", "weiterlesen", "lire", "lectur", "ley", "lea",
    "lei", "lendo", "legge", "leggi", "lees", "lezen", "läsa", "czytaj", "okuma",
    "jatka", "чит", "view", "see",
)  # fmt: skip
_IN_READ_ON = (
    *_BEFORE_A_TITLE, "chi tiết", "detail", "more", "full ", "here", "story", "weiter",
    "mehr", "artikel", "savoir", "suite", "leer", "ver más", "lee ", "ler ",
    "saiba", "continua", "lezen", "läs", "les ", "læs", "lue ", "więcej", "číst",
    "čtěte", "článek", "čítať", "tovább", "bővebben", "olvass", "cite", "oku",
    "fazla", "baca", "selengkapnya", "подроб", "далее", "доклад", "деталь",
    "περισσ", "συνέχ", "読む", "見る", "阅读", "查看", "閱讀", "보기", "읽기", "اقرأ", "القراءة",
    "المزيد", "ادامه", "بخوانید", "קרא", "קריאה", "อ่าน", "पढ़ें",
)  # fmt: skip
_IN_APPEARED = (
    "appeared", "published", "erschien", "apparu", "primer", "primeiro", "publicó", "primo",
    "prima", "proviene", "verscheen", "is eerst", "is als", "is oorspr", "pochodzi",
    "dök", "dukket", "udgivet", "ensi", "pochází", "objevil", "zobrazen",
    "bejegyzés", "появи", "впервые", "явився", "εμφανίστηκε", "lần đầu", "đầu tiên",
    "pertama", "ilk önce", "表示", "最先",
)  # fmt: skip

_CUT_MARK = re.compile(r"\s*(?:\[\s*(?:\.{2,}|…)\s*\]|\(\s*(?:\.{3}|…)\s*\))\s*\Z")
_LEFT_OVER = " |→›>\u2013\u2014-[("
_MOST_ROUNDS = 4

_SAVING = frozenset(
    re.findall(
        r"\w+",
        "lưu bài viết thành công bạn có thể xem lại đã ở trang tin trong mục tại các được danh "
        "sách của vào này thêm yêu thích để đọc sau hãy đăng nhập",
    )
)
_NEAR_SAVING = re.compile(
    r"(?i)\A\W*(?:đã )?(?:lưu|thêm vào|bạn có thể xem lại|"
    r"bài viết (?:này )?đã|tin (?:này )?đã|tin bài đã)\b"
)
_WORD = re.compile(r"[^\W_]+")
_LAST_OF_SAVING = frozenset(
    {("đã", "lưu"), ("được", "lưu"), ("thành", "công"), ("lưu", "bài"), ("lưu", "tin")}
)
_NETWORK = (
    "facebook|twitter|zalo|linkedin|pinterest|whatsapp|telegram|messenger|e-?mail|viber|reddit|"
    "google news|print|tweet|copy link|sao chép liên kết|link"
)
_PLAYER = r"\(\d+ min\w*\)|\d{1,2}:\d\d(?:\s*/\s*\d{1,2}:\d\d)?|\d+ min\w*"
_STARTS = (
    (
        r"(?:nghe (?:đọc tin|(?:đọc )?bài(?: viết| báo)?)(?: này)?|"
        r"listen to (?:this )?(?:article|story)|"
        rf"artikel anhören|écouter l[\u2019']article)(?:\s*(?:{_PLAYER}))*"
        r"(?:\s*giọng (?:nam|nữ)(?: miền (?:bắc|nam))?)*"
    ),
    r"(?:article |story )?saved(?: successfully| to your list)?\b(?=\s*[.!:]|\s*\Z)",
    (
        r"(?:chia sẻ|share|teilen|partager|compartir)"
        r"(?: (?:bài(?: viết)?|this(?: article| story| post)?|on|via|qua|lên))?(?:\s*:)?"
        rf"(?:\s*(?:{_NETWORK})(?!\w))+"
    ),
    r"your browser does not support the (?:audio|video|html5 \w+)(?: element| tag)?\.?",
    r"trình duyệt (?:của bạn )?không hỗ trợ[^.]{0,40}(?:audio|video|html5)[^.]{0,20}\.?",
    r"(?:advertisement|quảng cáo|werbung|anzeige|publicité|publicidad)(?=\s*[:|.\u2013-]|\s*\Z)\W*",
    r"image (?:source|caption),\s*(?:getty images|reuters|ap|afp|bbc|pa media)?(?!\w)",
    (
        r"(?:estimated |ước tính )?"
        r"(?:reading time|thời gian đọc|lesezeit|temps de lecture|tiempo de lectura)\s*:?\s*"
        r"(?:ca\. |about |khoảng )?\d+\s*(?:min\w*\.?|phút)"
    ),
    r"\d+\s*(?:min(?:ute)?s?[ -]read|phút đọc|min de lecture|min\.? lesezeit)(?!\w)",
    r"theo dõi (?:[^.]{1,40} )?trên google news",
    r"(?:skip to (?:main )?content|in bài viết|cỡ chữ(?:\s*a[-+]?)*)(?!\w)",
)
_START = re.compile(rf"\A(?:{'|'.join(_STARTS)})\s*[.:|·•\u2013\u2014-]*\s*", re.IGNORECASE)


def is_read_on(text: str) -> bool:
    """Whether a line says "Read more" and nothing else, but perhaps a title. Costs microseconds."""
    return _ALONE.match(text) is not None


def without_boilerplate(text: str) -> str:
    """A plain text on one line without what programs put behind and in front of it.

    A mark that it was cut, such as "[…]", becomes "…".
    """
    return without_beginning(without_end(text))


def without_end(text: str) -> str:
    """The same, of its end alone."""
    for _ in range(_MOST_ROUNDS):
        shorter = _without_last(text)
        if shorter == text:
            break
        text = shorter.rstrip(_LEFT_OVER)
    cut = _CUT_MARK.search(text) if text[-1:] in {"]", ")"} else None
    if cut is None:
        return text
    text = text[: cut.start()].rstrip(" ,;:")
    return f"{text} …" if text[-1:] in {".", "!", "?"} else f"{text}…" if text else ""


def _without_last(text: str) -> str:
    small = text[-_FARTHEST:].lower()
    if any(word in small for word in _IN_APPEARED):
        text = _at_the_end(text, _FARTHEST, _APPEARED_END)
    if any(word in small[-_FAR:] for word in _BEFORE_A_TITLE):
        text = _at_the_end(text, _FAR, _TITLE_END)
    small = text[-_NEAR:].lower()
    if not any(word in small for word in _IN_READ_ON):
        return text
    text = _at_the_end(text, _NEAR, _END)
    last = _CAPITAL_END.search(text, max(0, len(text) - _NEAR))
    words = last[0].split() if last else []
    if last and len(words) > 1 and words[0][:1].isupper():
        return text[: last.start()]
    return text


def _at_the_end(text: str, reach: int, pattern: re.Pattern[str]) -> str:
    at = max(0, len(text) - reach)
    found = pattern.search(text[at:])
    return text if found is None else text[: at + found.start()]


def without_beginning(text: str) -> str:
    """The same, of its beginning alone."""
    for _ in range(_MOST_ROUNDS):
        shorter = _START.sub("", _without_saving(text), count=1).lstrip()
        if shorter == text:
            break
        text = shorter
    return text


def is_boilerplate(text: str) -> bool:
    """Whether a line is nothing else."""
    return bool(text) and not _WORD.search(without_boilerplate(text))


def _without_saving(text: str) -> str:
    """Text without buttons: Lưu bài viết thành công. Bạn có thể xem lại ở Tin bài đã lưu."""
    if not _NEAR_SAVING.match(text):
        return text
    words: list[str] = []
    end = 0
    for found in _WORD.finditer(text, 0, 300):
        parts = _parted(found[0])
        words += parts
        if not _SAVING.issuperset(parts):
            break
        if end and found[0].islower() and text[end : found.start()].isspace():
            end = found.end()  # the phrase goes on
        if tuple(words[-2:]) in _LAST_OF_SAVING and len(words) > 2:  # noqa: PLR2004 - a phrase
            end = found.end()
    return text[end:].lstrip(" .!:|\u2013\u2014-") if end else text


def _parted(word: str) -> list[str]:
    """The words in small letters; "trangTin" is two words."""
    at = next((n for n in range(1, len(word)) if word[n - 1].islower() and word[n].isupper()), 0)
    return [word[:at].lower(), word[at:].lower()] if at else [word.lower()]
