"""Real news of ten topics: as well judged as the recipe can."""

from __future__ import annotations

import gzip
from itertools import islice

import pytest

from service.curate.learned import evaluation
from service.curate.learned.examples import read_examples
from service.curate.learned.model_file import from_bytes, to_bytes
from service.curate.learned.training import train
from tests.curate.learned.texts import LEARNS
from tests.levels import WHOLE

pytestmark = LEARNS

SAMPLE = 20
"""One text in so many, where not all are tried."""

FLOORS = {"whole": 0.91, "beginning": 0.84, "unaccented": 0.90}
FLOORS_OF_A_SAMPLE = {"whole": 0.84, "beginning": 0.74, "unaccented": 0.83}
"""A twentieth of the texts teaches less: 60 of each topic."""


@pytest.mark.sampled
def test_news_are_judged_as_well_as_the_recipe_can(corpus):
    path = corpus / "topics" / "vntc10.train.jsonl.gz"
    with gzip.open(path) as lines:
        taken = lines if WHOLE else islice(lines, 0, None, SAMPLE)
        learned, judged = evaluation.split(list(read_examples(path.name, taken)))
    file = to_bytes(train(learned, seed=1))
    model = from_bytes(file)
    scores = {
        name: evaluation.score(evaluation.guesses(model, told), judged)
        for name, told in evaluation.variants(judged).items()
    }
    for name, floor in (FLOORS if WHOLE else FLOORS_OF_A_SAMPLE).items():
        assert scores[name].accuracy >= floor, name
    assert scores["whole"].accuracy_at_80 >= (0.97 if WHOLE else 0.91)
    assert scores["whole"].ece <= (0.03 if WHOLE else 0.1)
    assert len(file) <= 6_000_000
