"""Templates of mail tried before anybody waits for one: what raises is named with its place."""

from __future__ import annotations

from typing import Any

import pytest

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
WRONG = {
    "one language": (TEXT, "language == 'en'", 'digest.tuan: raises for mails in "en"'),
    "a topic that leads": (TEXT, "edition.lead_topic.id == 'van-hoa' and language == 'vi'",
                           'digest.tuan: raises for mails in "vi"'),
    "a digest": (TEXT, "edition.digest == 'quy' and language == 'vi'",
                 'digest.quy: raises for mails in "vi"'),
    "no other outlet": (TEXT, "not edition.lead.story.others and language == 'en'",
                        'digest.tuan: raises for mails in "en"'),
    "no picture": (TEXT, "not edition.lead.story.image and language == 'en'",
                   'digest.tuan: raises for mails in "en"'),
    "no story behind": (TEXT, "not edition.sections and language == 'en'",
                        'digest.tuan: raises for mails in "en"'),
    "a review of a quarter": (TEXT, "edition.review and language == 'en'",
                              'digest.quy: raises for mails in "en"'),
    "a correction": (TEXT, "edition.corrections and language == 'en'",
                     'digest.tuan: raises for mails in "en"'),
    "one look": (LOOK, "language == 'vi'", 'digest.quy: raises for mails in "vi"'),
    "a welcome": ("mail/welcome/subject.txt.j2", "language == 'vi'",
                  'digest.tuan: raises for mails in "vi"'),
    "a mail to editors": ("mail/review/subject.txt.j2", "review.required and language == 'vi'",
                          'digest.tuan: raises for mails in "vi"'),
    "a confirmation": ("mail/confirm/subject.txt.j2", "language == 'en'",
                       'raises for mails in "en"'),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_raises_is_named_once_with_file_line_digest_and_language(tmp_path, kind):
    name, where, said = WRONG[kind]
    broken = "\n" + RAISES % where + SHIPPED[name]
    assert told(tmp_path, **{name: broken}) == [f"{name}:2: {said}: {ZERO}"]


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
