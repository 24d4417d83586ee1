"""A model as bytes, and back: a zip of plain arrays, in which nothing can be run.

    format     a number, raised when the meaning of the rest changes
    topics     the labels as JSON
    marked.*, folded.*: words (one a line), pairs (differences to the one before), idf, weights,
               scale, bias, calibration (a, b)
    checksum   blake2b of all the others

numpy reads it without pickle, `numpy.load` too. What is damaged is told before anything is made of
it; the same model gives the same bytes.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.classifier import Calibration, Classifier
from service.curate.learned.model import Model
from service.curate.learned.vocabulary import Vocabulary
from service.errors import LearningError

FORMAT = 1

LARGEST = 256 * 1024 * 1024
"""Bytes that a model may unpack to; one of 400,000 features and 100 topics is a fifth of it."""

_CHECKSUM = "checksum"


def to_bytes(model: Model) -> bytes:
    """The model as a file of some MB."""
    members = {
        "format": _member(np.array(FORMAT)),
        "topics": _member(_letters(json.dumps([*model.topics]))),
    }
    for name, classifier in (("marked", model.marked), ("folded", model.folded)):
        if classifier is not None:
            members |= {f"{name}.{key}": _member(one) for key, one in _arrays(classifier).items()}
    members[_CHECKSUM] = _member(np.frombuffer(_checksum(members), np.uint8))
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, body in members.items():
            # A name with the time of the first day: the same model, the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    return file.getvalue()


def from_bytes(file: bytes) -> Model:
    """The model in a file. Raises LearningError, with what is wrong, for one that is none."""
    members = _members(file)
    if members.pop(_CHECKSUM, b"") != _member(np.frombuffer(_checksum(members), np.uint8)):
        raise LearningError("no model of topics, or a damaged one: its checksum does not fit")
    try:
        found = {name: _array(body) for name, body in members.items()}
        if int(found["format"]) != FORMAT:
            raise LearningError(f"a model of format {int(found['format'])}; train it anew")
        topics = json.loads(found["topics"].tobytes())
        marked = None
        if "marked.words" in found:
            marked = _classifier(found, "marked", len(topics))
        return Model(topics, marked, _classifier(found, "folded", len(topics)))
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise LearningError("no model of topics: its parts do not fit") from error


def _members(file: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(file)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise LearningError("no model of topics: it unpacks to more than we take")
            return {entry.filename.removesuffix(".npy"): archive.read(entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
    ) as error:
        raise LearningError(f"no model of topics, or a damaged one: {error}") from error


def _arrays(classifier: Classifier) -> dict[str, NDArray[Any]]:
    pairs = np.diff(classifier.vocabulary.pairs, prepend=0)
    small = not len(pairs) or int(pairs.max()) <= np.iinfo(np.uint32).max
    return {
        "words": _letters("\n".join(classifier.vocabulary.words)),
        "pairs": pairs.astype(np.uint32) if small else pairs,
        "idf": classifier.idf,
        "weights": classifier.weights,
        "scale": classifier.scale,
        "bias": classifier.bias,
        "calibration": np.array([classifier.calibration.a, classifier.calibration.b]),
    }


def _classifier(found: Mapping[str, NDArray[Any]], name: str, topics: int) -> Classifier:
    words, pairs, idf, weights, scale, bias, calibration = (
        found[f"{name}.{key}"]
        for key in ("words", "pairs", "idf", "weights", "scale", "bias", "calibration")
    )
    vocabulary = Vocabulary(
        words.tobytes().decode().split("\n"),
        np.cumsum(pairs.astype(np.int64)),
        marks=name == "marked",
    )
    shapes = [one.shape for one in (idf, weights, scale, bias, calibration)]
    known = len(vocabulary)
    if shapes != [(known,), (known, topics), (topics,), (topics,), (2,)]:
        raise ValueError(f"{name}: {shapes}")
    return Classifier(vocabulary, idf, weights, scale, bias, Calibration(*calibration.tolist()))


def _letters(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _member(array: NDArray[Any]) -> bytes:
    file = BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def _array(body: bytes) -> NDArray[Any]:
    read: NDArray[Any] = np.lib.format.read_array(BytesIO(body), allow_pickle=False)
    return read


def _checksum(members: Mapping[str, bytes]) -> bytes:
    digest = blake2b(digest_size=32)
    for name, body in sorted(members.items()):
        digest.update(f"{name} {len(body)}\n".encode())
        digest.update(body)
    return digest.digest()
