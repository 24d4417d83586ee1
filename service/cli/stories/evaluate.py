"""`bantin stories evaluate`: how well it is judged which articles tell the same news."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from service.cli.output import dump, json_option, say, table
from service.errors import UsageError

if TYPE_CHECKING:
    from service.curate.stories.evaluation import BCubed, LabelledArticle


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help='Write {"id","story"} a line: the stories as judged in the order given.',
)  # fmt: skip
@json_option
def evaluate(files: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Judge labelled articles, and compare with the stories that people made of them.

    Each FILE is JSONL (or .jsonl.gz): {"id","story","title","lead","text","language"} a line, of
    which only id and story must be there; story null is an article of none of the labelled stories,
    judged with the rest. Files are judged together, within one window whatever their dates. Prints
    B-cubed precision, recall and F in three orders of arrival and their mean; strict F counts
    strangers in a labelled story as wrong. Needs no configuration; writes only --out.
    """
    from service.curate.stories.evaluation import (  # noqa: PLC0415 - numpy is large
        b_cubed,
        judge,
        mean,
        orders,
    )

    articles = [one for file in files for one in _read(file)]
    if not any(one.story is not None for one in articles):
        raise UsageError('no article has a "story": nothing to compare with')
    scores: dict[str, BCubed] = {}
    begin = perf_counter()
    for name, ordered in orders(articles).items():
        judged = judge(ordered)
        scores[name] = b_cubed([one.story for one in ordered], judged)
        if name == "given" and out is not None:
            _write(out, articles, judged)
    pace = len(scores) * len(articles) / (perf_counter() - begin)
    _tell(articles, {**scores, "mean": mean(list(scores.values()))}, pace, as_json=as_json)


def _read(file: Path) -> list[LabelledArticle]:
    from service.curate.stories.evaluation import labelled  # noqa: PLC0415 - numpy is large

    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rt", encoding="utf-8") as lines:
            return labelled(lines, str(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not readable as UTF-8 text ({error})") from error


def _write(out: Path, articles: list[LabelledArticle], judged: list[int]) -> None:
    lines = (
        json.dumps({"id": one.id, "story": story}, ensure_ascii=False) + "\n"
        for one, story in zip(articles, judged, strict=True)
    )
    out.write_text("".join(lines), encoding="utf-8")


def _tell(
    articles: list[LabelledArticle], scores: dict[str, BCubed], pace: float, *, as_json: bool
) -> None:
    gold = {one.story for one in articles if one.story is not None}
    strangers = sum(one.story is None for one in articles)
    if as_json:
        dump(
            {
                "articles": len(articles),
                "stories": len(gold),
                "strangers": strangers,
                "articles_per_s": round(pace),
                "orders": {
                    name: {
                        "precision": round(one.precision, 4),
                        "recall": round(one.recall, 4),
                        "f": round(one.f, 4),
                        "strict_f": round(one.strict_f, 4),
                    }
                    for name, one in scores.items()
                },
            }
        )
        return
    rows = [
        (name, *(f"{part:.3f}" for part in (one.precision, one.recall, one.f, one.strict_f)))
        for name, one in scores.items()
    ]
    table("Stories", ("order", "precision", "recall", "F", "strict F"), rows)
    say(
        f"{len(articles)} articles, {len(gold)} labelled stories, {strangers} strangers; "
        f"{pace:.0f} articles/s"
    )
