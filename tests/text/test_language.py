from __future__ import annotations

import gzip
import json

from service.text.language import guess
from tests.levels import table


@table(
    ("text", "language"),
    [
        ("Tỉnh uỷ họp về tuyển sinh", "vi"),
        ("Bão số 3", "vi"),
        ("Giá vàng hôm nay", "vi"),
        ("Tinh uy hop ve tuyen sinh", None),
        ("The storm in Đắk Lắk province has been declared over by the officials", None),
        ("L'été à la plage était très agréable", None),
        ("Über die Straße nach München", None),
        ("Ășțâ România și Moldova ăștia", None),
        ("2026 !", None),
        ("", None),
    ],
)
def test_by_the_letters(text, language):
    assert guess(text) == language


def test_on_real_headlines(corpus):
    with gzip.open(corpus / "topics/dantri8.titles.train.jsonl.gz", "rt", encoding="utf-8") as file:
        titles = [json.loads(line)["title"] for line in file]
    right = sum(guess(title) == "vi" for title in titles)
    assert right / len(titles) > 0.99
