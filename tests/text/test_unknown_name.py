"""What is said of a name that does not exist."""

from __future__ import annotations

from service.text.unknown_name import no_such
from tests.levels import table


@table(
    ("name", "known", "said"),
    [
        ("dayly", ["daily", "weekly"], """there is no cadence 'dayly'; did you mean "daily"?"""),
        ("DAILY", ["daily"], """there is no cadence 'DAILY'; did you mean "daily"?"""),
        ("x", ["daily"], """there is no cadence 'x'; there is "daily\""""),
        ("x", ["a", "b", "c"], """there is no cadence 'x'; there are "a", "b" and "c\""""),
        ("x", [], "there is no cadence 'x'; there is none at all"),
        ("\x1b[2J", [], "there is no cadence '\\x1b[2J'; there is none at all"),
    ],
)
def test_a_whole_sentence_leads_to_the_right_name(name, known, said):
    assert no_such("cadence", name, known) == said


def test_of_a_thousand_names_ten_are_listed():
    said = no_such("source", "z", (f"bao-{number}" for number in range(1000)))
    assert said.endswith('"bao-8", "bao-9" and 990 more')
