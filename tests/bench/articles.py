"""How near the texts of article pages come to what is expected, beside trafilatura's modes.

    python -m tests.bench.articles

F on each open set of the corpus, and the mean of the sets, as a table. It takes a few minutes.
"""

from __future__ import annotations

import sys
from statistics import fmean

from tests.conftest import CORPUS
from tests.parse.html.article_sets import MODES, OURS, SETS, scores


def main() -> int:
    """Print the table. Returns 1 where the corpus is not there."""
    if not CORPUS.is_dir():
        print(f"the corpus is not here ({CORPUS}); it is not shipped with the project")
        return 1
    columns = {}
    for name, known in SETS.items():
        pages = known(CORPUS)
        print(f"{name}: {len(pages)} pages")
        columns[name] = scores(pages, MODES)
    print(f"| F | {' | '.join(columns)} | mean |")
    print(f"| --- |{' --- |' * (len(columns) + 1)}")
    for row in (OURS, *MODES):
        found = [column[row].f for column in columns.values()]
        print(f"| {row} | {' | '.join(f'{one:.4f}' for one in (*found, fmean(found)))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
