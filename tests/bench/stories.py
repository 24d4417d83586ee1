"""How fast stories are judged with a full window, and how much memory it takes.

By hand: `python -m tests.bench.stories [--window 100000]`. The texts are topics/vntc10 of the
folder that BANTIN_CORPUS names (default ../shared/corpus). The window is filled with halves of the
terms of two articles each: real words in as many combinations as it takes. Time is that of the
processor, of the whole way from text to story.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import process_time

import numpy as np

from service.curate.stories.engine import Stories
from service.curate.stories.terms import Terms, read

CORPUS = Path(os.environ.get("BANTIN_CORPUS", Path(__file__).parents[2].parent / "shared/corpus"))
START = datetime(2026, 1, 1, tzinfo=UTC)


def texts(most: int) -> list[tuple[str, str]]:
    """Title and text of real articles."""
    path = CORPUS / "topics/vntc10.train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line)["text"] for line, _number in zip(lines, range(most), strict=False)]
    return [(row.partition("\n")[0], row.partition("\n")[2]) for row in rows]


def mixed(one: Terms, other: Terms, random_: random.Random) -> Terms:
    """Every second term of each of the two."""
    blocks = []
    for (ids, times), (more, often) in zip(one.blocks, other.blocks, strict=True):
        at, too = random_.randrange(2), random_.randrange(2)
        every = np.concatenate([ids[at::2], more[too::2]])
        found, first = np.unique(every, return_index=True)
        blocks.append((found, np.concatenate([times[at::2], often[too::2]])[first]))
    return Terms(tuple(blocks), one.title_figures, other.documents, one.figures, one.formula)


def filling(known: Sequence[Terms], size: int, random_: random.Random) -> Iterator[Terms]:
    for _number in range(size):
        yield mixed(random_.choice(known), random_.choice(known), random_)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print articles a second and memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--window", type=int, default=100_000)
    parser.add_argument("--articles", type=int, default=3000)
    options = parser.parse_args(arguments)
    random_ = random.Random(20190725)
    material = texts(4000 + options.articles)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    known = [read(title, text) for title, text in material[:4000]]
    stories, fresh = Stories(), count(options.window)
    for number, terms in enumerate(filling(known, options.window, random_)):
        at = START + timedelta(days=4) * number / options.window
        stories.restore(number, number, terms, at)
    now = START + timedelta(days=4)
    took = []
    for number, (title, text) in enumerate(material[4000:], options.window):
        begin = process_time()
        stories.add(number, read(title, text), now, fresh)
        took.append(process_time() - begin)
    took.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slow = 1000 * took[int(0.99 * len(took))]
    print(
        f"{len(took) / sum(took):,.0f} articles/s, p99 {slow:.1f} ms; "
        f"{len(stories):,} in the window; peak {peak / 1024:.0f} MB, "
        f"{(peak - before) / 1024:.0f} MB more than before"
    )


if __name__ == "__main__":
    main()
