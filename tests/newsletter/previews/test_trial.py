"""Templates of mail tried before anybody waits for one: what raises is named with its place."""

from __future__ import annotations

from typing import Any

from service.audience.mail_samples import SAMPLES
from service.config.schema import Settings
from service.newsletter.previews import trial
from service.newsletter.previews.trial import PersonalMailSample
from service.render.engine import Renderer, shipped_templates
from service.render.site_facts import site_view
from tests.newsletter.newsroom import configuration

DIGESTS: dict[str, dict[str, Any]] = {
    "tuan": {"cadence": "weekly", "review": "2h", "editors": ["an@example.vn"]},
    "quy": {"cadence": "quarterly", "look": "letter", "topics": ["y-te"]},
}
SHIPPED = {
    path.relative_to(shipped_templates()).as_posix(): path.read_text("utf-8")
    for path in shipped_templates().rglob("*.j2")
}


def told(root, **files: str) -> list[str]:
    """The faults of a site with these files of its own, by their paths below templates/."""
    for name, text in files.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    settings = Settings.model_validate(configuration(DIGESTS))
    settings._root = root
    renderer = Renderer(site_view(settings), root / "templates")
    samples = [PersonalMailSample(name, views) for name, views in SAMPLES.items()]
    return [
        str(one).removeprefix(f"{root}/templates/")
        for one in trial.faults(settings, renderer, samples)
    ]


TEXT, LOOK = "mail/edition/body.txt.j2", "mail/looks/letter.html.j2"
RAISES = "{{ 1 // 0 if %s }}"
ZERO = "ZeroDivisionError: integer division or modulo by zero"
TUAN, QUY = "digest.tuan: ", "digest.quy: "
CONTENT = [
    # in the text part, the first that a mail has raises; the digest and language that are named
    ("edition.digest == 'quy' and language == 'vi'", QUY, "vi"),
    ("edition.review and language == 'en'", QUY, "en"),
    ("edition.corrections and language == 'en'", TUAN, "en"),
    ("edition.lead_topic.id == 'van-hoa' and language == 'vi'", TUAN, "vi"),
    ("not edition.lead.story.image and language == 'en'", TUAN, "en"),
    ("not edition.lead.story.others and language == 'en'", TUAN, "en"),
    ("not edition.sections and language == 'en'", TUAN, "en"),
]
OTHERS = {
    LOOK: ("language == 'vi'", QUY, "vi"),
    "mail/welcome/subject.txt.j2": ("language == 'vi'", TUAN, "vi"),
    "mail/review/subject.txt.j2": ("review.required and language == 'vi'", TUAN, "vi"),
    "mail/confirm/subject.txt.j2": ("language == 'en'", "", "en"),
}


def test_each_kind_of_content_that_raises_is_named_with_line_digest_and_language(tmp_path):
    broken = "\n".join(RAISES % where for where, *_ in CONTENT)
    expected = [
        f'{TEXT}:{line}: {digest}raises for mails in "{language}": {ZERO}'
        for line, (_, digest, language) in enumerate(CONTENT, 1)
    ]
    assert sorted(told(tmp_path, **{TEXT: broken + SHIPPED[TEXT]})) == expected


def test_every_template_that_raises_is_named_once(tmp_path):
    broken = {name: "\n" + RAISES % where + SHIPPED[name] for name, (where, *_) in OTHERS.items()}
    expected = [
        f'{name}:2: {digest}raises for mails in "{language}": {ZERO}'
        for name, (_, digest, language) in OTHERS.items()
    ]
    assert sorted(told(tmp_path, **broken)) == sorted(expected)


def test_what_is_shipped_raises_for_nothing(tmp_path):
    assert told(tmp_path, **{"web/home.html.j2": SHIPPED["web/home.html.j2"]}) == []


def test_every_template_of_mail_is_tried(tmp_path):
    """A template that is new has its sample, or its digest's."""
    subjects = [name for name in SHIPPED if name.endswith("/subject.txt.j2")]
    raised = told(tmp_path, **dict.fromkeys(subjects, "{{ nothing }}"))
    assert {one.partition(":")[0] for one in raised} == {*subjects}


def test_a_sentence_that_cannot_be_filled_is_named_by_its_line(tmp_path):
    wrong = '\n"digest.coming" = "Số tới: {moment:d}"\n'
    assert told(tmp_path, **{"words/vi.toml": wrong}) == [
        (
            'words/vi.toml:2: digest.tuan: raises for mails in "vi": digest.coming: '
            "ValueError(\"Unknown format code 'd' for object of type 'str'\")"
        )
    ]


def test_a_language_of_the_sites_own_is_tried_too(tmp_path):
    broken = RAISES % "language == 'fr'" + SHIPPED[TEXT]
    [fault] = told(tmp_path, **{"words/fr.toml": '"search.label" = "Chercher"', TEXT: broken})
    assert 'in "fr"' in fault
