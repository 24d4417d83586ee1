"""A model as a file: the same afterwards, and nothing is made of a damaged or foreign one."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from service.curate.learned import model_file
from service.curate.learned.model_file import from_bytes, to_bytes
from service.curate.learned.training import train
from service.errors import LearningError
from tests.curate.learned.texts import ENGLISH, LEARNS, article, examples

pytestmark = LEARNS


@pytest.fixture(scope="module")
def file(model):
    return to_bytes(model)


def test_what_was_kept_judges_as_before(model, file):
    kept = from_bytes(file)
    random_ = random.Random(3)
    for topic in model.topics:
        title, text = article(topic, random_)
        assert kept.judge(title, "", text) == model.judge(title, "", text)
    assert to_bytes(kept) == file


def test_a_model_of_text_without_marks_is_kept_too():
    model = train(examples(*ENGLISH), seed=1)
    assert from_bytes(to_bytes(model)).marked is None


def test_numpy_reads_it_without_pickle(model, file):
    with np.load(io.BytesIO(file), allow_pickle=False) as archive:
        assert set(archive) >= {"format", "topics", "checksum", "folded.weights", "marked.pairs"}
        assert archive["folded.weights"].dtype == np.int8
        for name in archive:
            assert archive[name].dtype != object


def test_any_damage_is_told(file):
    random_ = random.Random(5)
    damaged = [file[:length] for length in (0, 1, 100, len(file) // 2, len(file) - 1)]
    for place in random_.sample(range(len(file)), 300):
        broken = bytearray(file)
        broken[place] ^= 1 << random_.randrange(8)
        damaged.append(bytes(broken))
    for one in damaged:
        try:
            read = from_bytes(one)
        except LearningError:
            continue
        assert to_bytes(read) == file  # the flipped bit meant nothing: a time, a flag of the zip


def archive(**members):
    made = io.BytesIO()
    np.savez(made, **members)
    return made.getvalue()


def changed(file, name, array):
    """A model's file with another member in it, and a checksum that knows it."""
    members = model_file._members(file)
    del members["checksum"]
    members[name] = model_file._member(array)
    members["checksum"] = model_file._member(np.frombuffer(model_file._checksum(members), np.uint8))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for key, body in members.items():
            out.writestr(f"{key}.npy", body)
    return made.getvalue()


def test_what_is_no_model_is_told(file):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        out.writestr("topics.npy", bytes(model_file.LARGEST + 1))
    pickled = io.BytesIO()
    np.savez(pickled, topics=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for foreign in (
        b"",
        b"PK\x03\x04",
        b"not a model at all",
        archive(),
        archive(weights=np.zeros(3)),
        bomb.getvalue(),
        pickled.getvalue(),
    ):
        with pytest.raises(LearningError, match="no model of topics"):
            from_bytes(foreign)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("format", np.array(2), "format 2"),
        ("topics", np.zeros(3, np.uint8), "do not fit"),
        ("topics", np.frombuffer(b'["one"]', np.uint8), "do not fit"),
        ("folded.idf", np.zeros(3, np.float16), "do not fit"),
        ("folded.weights", np.zeros((3, 4), np.int8), "do not fit"),
        ("folded.calibration", np.zeros(3), "do not fit"),
        ("marked.words", np.frombuffer(b"a\nb", np.uint8), "do not fit"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_told(file, name, array, said):
    with pytest.raises(LearningError, match=said):
        from_bytes(changed(file, name, array))


def test_a_service_that_judges_does_not_load_what_trains():
    code = (
        "import sys, service.curate.learned.model_file, service.curate.learned.evaluation;"
        "sys.exit(any(one in sys.modules for one in ('sklearn', 'scipy', 'sqlalchemy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300, check=False).returncode == 0
