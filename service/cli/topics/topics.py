"""`bantin topics`: rules tried on what is stored; learned topics, trained and judged."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import opened, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    json_option,
    number,
    printable,
    say,
    spinner,
    table,
)
from service.cli.topics.backtest import test
from service.config.additions import write_at_once
from service.curate import labelled
from service.curate.learned.in_use import NOT
from service.curate.lookup import find_article
from service.errors import LearningError, UsageError
from service.runtime.learning import learner, need_extra, trained
from service.store.core.private_files import FILE

if TYPE_CHECKING:
    from service.curate.learned.examples import Example
    from service.curate.learned.model import Model

    Learned = Callable[[Sequence[Example], int], bytes]

files_argument = click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
seed_option = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True,
    help="The same texts and seed give the same model.",
)  # fmt: skip


@click.group(cls=CommandGroup)
def topics() -> None:
    """Try the rules of topics; label articles, learn topics, and see how well they are judged."""


topics.add_command(test)


@topics.command()
@click.argument("url")
@click.argument("topic", metavar="TOPIC|not", required=False)
@click.option("--remove", is_flag=True, help="Take back what the article was labelled with.")
@config_option
@json_option
def label(url: str, topic: str | None, remove: bool, config: Path, as_json: bool) -> None:
    """Label an article with what it is about, for `topics train`. Writes the store.

    URL is the article's address, that of its story page, or an id. TOPIC has learn = true; "not"
    stands for none of the learned topics. One label an article; it moves the article nowhere.
    Exit 1 if the article is not known.
    """
    if remove == (topic is not None):
        raise UsageError(f"write a TOPIC, {NOT}, or --remove")
    with opened(config) as service, service.store.write() as connection:
        article_id = find_article(connection, url)
        if article_id is None:
            raise LearningError(f"no article {printable(url)!r} is known")
        labelled.put_label(connection, service.settings, article_id, topic)
    if as_json:
        dump({"url": url, "label": topic})
    else:
        say(f"{printable(url)}: {'no label' if topic is None else topic}")


@topics.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--out", "out", metavar="MODEL", type=click.Path(path_type=Path),
    help="Learn from the FILEs alone, and write this file; no configuration is needed.",
)  # fmt: skip
@seed_option
@config_option
@json_option
def train(
    files: tuple[Path, ...], out: Path | None, seed: int, config: Path, as_json: bool
) -> None:
    """Learn the site's model; the one that is there is replaced in one step. Writes its file.

    It learns from labels (see `topics label`), from sources that bring everything into one topic
    with learn = true, and from FILEs: JSON lines, also gzipped. Each line holds "label", and of
    "title", "lead", "text" what there is; "source" tells whose article it is. The label "not"
    stands for none of the topics.
    """
    if out is None:
        out, examples = _of_the_site(config, files)
    elif files:
        examples = _examples(files)
    else:
        raise UsageError("name the FILEs to learn from")
    if not out.absolute().parent.is_dir():
        raise LearningError(f"{out}: cannot be written: its folder is not there")
    started = time.monotonic()
    with spinner(f"learning from {number(len(examples), 'text')}", shown=not as_json):
        file = trained(examples, seed)
    seconds = time.monotonic() - started
    try:
        write_at_once(out, file, FILE)
    except OSError as error:
        raise LearningError(f"{out}: cannot be written: {error.strerror}") from error
    labels = sorted({one.label for one in examples})
    if as_json:
        dump(
            {"model": out, "texts": len(examples), "labels": labels, "bytes": len(file),
             "seconds": round(seconds, 1)}
        )  # fmt: skip
        return
    say(f"{out}: {_megabytes(file)}, from {number(len(examples), 'text')} in {seconds:.0f} s")
    say(f"  {', '.join(labels)}")


@topics.command()
@files_argument
@click.option(
    "--model", "given", metavar="MODEL", type=click.Path(path_type=Path),
    help="Judge all texts with this one. Default: one fifth, with what the others teach.",
)  # fmt: skip
@click.option(
    "--by-source", is_flag=True, help="Also judge each source with what the others teach."
)
@seed_option
@json_option
def evaluate(
    files: tuple[Path, ...], given: Path | None, by_source: bool, seed: int, as_json: bool
) -> None:
    """Tell how well labelled texts (see `train`) are judged. Writes nothing.

    The texts are judged as they are, by their first 300 characters, and without accents. Those
    that are judged are chosen by a hash, and never learned from. An outlet that was never seen
    is judged worse: --by-source tells by how much. Needs no configuration.
    """
    from service.curate.learned import evaluation  # noqa: PLC0415 - numpy is large

    examples = _examples(files)
    told: dict[str, Any] = {}
    with learner() as learned:
        if given is None:
            taught, judged = evaluation.split(examples)
            model, told["training"] = _trained(learned, taught, seed, "four fifths", as_json)
        else:
            model, judged = _read(given), examples
        if not judged:
            raise LearningError("too few texts: none is left to be judged")
        told["scores"] = _scores(model, judged)
        guessed = evaluation.guesses(model, evaluation.variants(judged)["whole"])
        told["topics"] = [asdict(one) for one in evaluation.topic_scores(guessed, judged)]
        if by_source:
            told["sources"] = _unseen_sources(learned, examples, seed, as_json)
    if as_json:
        dump(told)
    else:
        _tell(told)


def _of_the_site(config: Path, files: Sequence[Path]) -> tuple[Path, list[Example]]:
    """Where the site's model is, and what there is to learn it from."""
    need_extra()
    with opened_to_look(config) as service:
        learned = labelled.learned_topics(service.settings)
        if not learned:
            raise UsageError("no topic has learn = true")
        with service.store.read() as connection:
            examples = labelled.examples(connection, service.settings)
        examples += _examples(files, {*learned, NOT})
        return service.settings.model_file, examples


def _examples(files: Sequence[Path], labels: Collection[str] | None = None) -> list[Example]:
    from service.curate.learned.examples import read_examples  # noqa: PLC0415 - only with texts

    found: list[Example] = []
    for path in files:
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
                found += read_examples(str(path), lines, labels)
        except (OSError, EOFError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise LearningError(f"{path}: cannot be read: {said}") from error
    return found


def _read(path: Path) -> Model:
    from service.curate.learned.model_file import from_bytes  # noqa: PLC0415 - numpy is large

    try:
        return from_bytes(path.read_bytes())
    except OSError as error:
        raise LearningError(f"{path}: cannot be read: {error.strerror}") from error
    except LearningError as error:
        raise LearningError(f"{path}: {error}") from error


def _trained(
    learned: Learned, examples: Sequence[Example], seed: int, what: str, as_json: bool
) -> tuple[Model, dict[str, Any]]:
    from service.curate.learned.model_file import from_bytes  # noqa: PLC0415 - numpy is large

    started = time.monotonic()
    with spinner(f"learning from {what}", shown=not as_json):
        file = learned(examples, seed)
    seconds = time.monotonic() - started
    told = {"texts": len(examples), "seconds": round(seconds, 1), "bytes": len(file)}
    return from_bytes(file), told


def _scores(model: Model, judged: Sequence[Example]) -> dict[str, dict[str, Any]]:
    from service.curate.learned import evaluation  # noqa: PLC0415 - numpy is large

    told = {}
    for name, texts in evaluation.variants(judged).items():
        started = time.process_time()
        guessed = evaluation.guesses(model, texts)
        seconds = time.process_time() - started
        score = asdict(evaluation.score(guessed, judged))
        told[name] = score | {"per_second": round(len(texts) / max(seconds, 1e-6))}
    return told


def _unseen_sources(
    learned: Learned, examples: Sequence[Example], seed: int, as_json: bool
) -> dict[str, dict[str, Any]]:
    """Each source that can be left out, judged by a model of the others."""
    told = {}
    for source in sorted({one.source for one in examples} - {""}):
        rest = [one for one in examples if one.source != source]
        labels = {one.label for one in rest}
        judged = [one for one in examples if one.source == source and one.label in labels]
        if judged:
            model, _ = _trained(learned, rest, seed, f"all but {source}", as_json)
            told[source] = _scores(model, judged)["whole"]
    return told


def _tell(told: dict[str, Any]) -> None:
    if "training" in told:
        training = told["training"]
        say(f"learned from {number(training['texts'], 'text')} in {training['seconds']:.0f} s")
        say(f"model: {training['bytes'] / 1e6:.1f} MB")
    for title, part in (("Texts", told["scores"]), ("Unseen sources", told.get("sources"))):
        if part:
            _tell_scores(title, part)
    heads = ("topic", "texts", "found", "right")
    rows = [
        (one["topic"], one["texts"], _percent(one["recall"]), _percent(one["precision"]))
        for one in told["topics"]
    ]
    table("Topics", heads, rows)


def _tell_scores(title: str, scores: dict[str, dict[str, Any]]) -> None:
    heads = (
        "", "texts", "right", "of the surest 80 %", "calibration error", "answered",
        "right of these", "texts/s",
    )  # fmt: skip
    rows = [
        (
            name, one["texts"], _percent(one["accuracy"]), _percent(one["accuracy_at_80"]),
            f"{one['ece']:.3f}", _percent(one["answered"]), _percent(one["accuracy_answered"]),
            one["per_second"],
        )
        for name, one in scores.items()
    ]  # fmt: skip
    table(title, heads, rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _megabytes(file: bytes) -> str:
    return f"{len(file) / 1e6:.1f} MB"
