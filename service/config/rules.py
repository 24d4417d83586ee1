"""What the rules of topics are written in: lists of terms, alone or in combinations.

Whether a term names a field that there is, and an expression can be used, `curate` judges.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from service.config.sections import ConfigSection, Phrase, Words
from service.config.values import document_number, one_or_more

WITHIN = 10
"""Words between two near ones, unless the rule says: about one clause of a sentence."""


DocumentNumber = Annotated[Phrase, AfterValidator(document_number)]
_TEXT = {"type": "string", "minLength": 1, "examples": ["38-CT/TW", "15/2020/NĐ-CP"]}
References = Annotated[
    tuple[DocumentNumber, ...],
    BeforeValidator(one_or_more),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]
"""`38-CT/TW`, in quotes, or a list of such numbers; untidy ones are put right."""


class NearTerms(ConfigSection):
    """Two words or phrases that stand near each other."""

    words: Words = Field(description="The two, in either order")
    within: int = Field(
        WITHIN, ge=0, le=200, strict=True, description="At most so many words stand between them"
    )
    field: Literal["title", "text", "lead", "url", "author", "category"] | None = Field(
        None, description="Where both must stand; default: both in title, or both in text"
    )

    @model_validator(mode="after")
    def _two(self) -> NearTerms:
        if len(self.words) != 2:  # noqa: PLR2004 - near is between two
            number = len(self.words)
            raise ValueError(f'has {number}, not two, in words; write words = ["one", "other"]')
        return self


class RuleLists(ConfigSection):
    """The lists that a topic and a combination have in common."""

    any: Words = Field((), description="Words and phrases, one of which must stand in the article")
    near: tuple[NearTerms, ...] = Field(
        (), description="Pairs of words near each other; one pair is enough, as a word of any is"
    )
    reference: References = Field(
        (),
        description="Official documents by number, one or a list; one that is cited is enough, "
        "as a word of any is",
    )
    regex: Words = Field(
        (), description="Regular expressions; one that finds something is enough, as a word of any"
    )
    all: Words = Field((), description="Words and phrases that must all stand in the article")
    none: Words = Field((), description="Words and phrases that keep an article out")


class Combination(RuleLists):
    """Lists that must hold together."""
