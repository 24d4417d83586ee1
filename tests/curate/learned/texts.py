"""Invented articles of a few topics: enough to learn from within a second."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from service.curate.learned.examples import Example
from service.curate.learned.in_use import needs_extra

LEARNS = pytest.mark.skipif(needs_extra(), reason='needs the extra: pip install "bantin[learn]"')
"""For tests that train. To collect them loads nothing: the extra takes seconds in each worker."""

WORDS = {
    "the-thao": "trận đấu, cầu thủ, bàn thắng, huấn luyện viên, giải vô địch, sân cỏ, trọng tài, "
    "thủ môn, ghi bàn, đội tuyển, vòng loại, tỉ số, hiệp một, phạt đền, cổ động viên",
    "suc-khoe": "bệnh viện, bác sĩ, bệnh nhân, phẫu thuật, thuốc men, vắc xin, dịch bệnh, "
    "điều trị, triệu chứng, xét nghiệm, huyết áp, tim mạch, ung thư, y tá, cấp cứu",
    "kinh-te": "cổ phiếu, ngân hàng, lãi suất, doanh nghiệp, xuất khẩu, tăng trưởng, lạm phát, "
    "thị trường, đầu tư, chứng khoán, tỷ giá, lợi nhuận, hợp đồng, thuế quan, vốn vay",
    "not": "hoa hồng, mùa thu, con đường, bầu trời, quán cà phê, bức tranh, tiếng đàn, mái nhà, "
    "dòng sông, cánh đồng, ngọn núi, buổi sáng, cơn mưa, chiếc thuyền, bài thơ",
}
COMMON = (
    "hôm nay, cho biết, theo đó, tại đây, người dân, năm nay, trong khi, vừa qua, một số, nhiều, "
    "thông tin, Việt Nam, Hà Nội, ngày mai, sáng nay, báo cáo, kết quả, địa phương, các, những"
)
ENGLISH = {
    "sport": "match, striker, goal, coach, league, stadium, referee, keeper, penalty, season",
    "health": "hospital, doctor, patient, surgery, vaccine, disease, treatment, nurse, symptom",
}


def article(topic: str, random_: random.Random, phrases: int = 24) -> tuple[str, str]:
    """A headline and a text in which half of the phrases are the topic's own."""
    own = {**WORDS, **ENGLISH}[topic].split(", ")
    common = ["the", "today", "said", "that", "many"] if topic in ENGLISH else COMMON.split(", ")
    said = [random_.choice(own if place % 2 else common) for place in range(phrases)]
    return " ".join(said[:4]).capitalize(), f"{' '.join(said[4:]).capitalize()}."


def examples(*topics: str, each: int = 24, seed: int = 7, source: str = "bao-a") -> list[Example]:
    """So many of each topic; the topics take turns."""
    random_ = random.Random(seed)
    made = [(topic, *article(topic, random_)) for _ in range(each) for topic in topics]
    return [Example(topic, title, "", text, source) for topic, title, text in made]


def vietnamese(*, each: int = 24, seed: int = 7) -> list[Example]:
    """Articles of all the invented topics, and of none."""
    return examples(*WORDS, each=each, seed=seed)


def as_json(rows: Sequence[Example]) -> str:
    """The lines of a file."""
    return "".join(
        json.dumps({"label": one.label, "title": one.title, "text": one.text}) + "\n"
        for one in rows
    )
