"""What is read in a returned mail: its kind, whom it names, hard or soft."""

from __future__ import annotations

import time

import pytest

from service.mail.returned.model import ReturnedKind
from service.mail.returned.read import read
from tests.levels import table
from tests.mail.returned.samples import RETURN_PATH, arf, away, dsn, prose

ENDINGS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}

BOUNCE, COMPLAINT = ReturnedKind.BOUNCE, ReturnedKind.COMPLAINT
AUTOREPLY, OTHER = ReturnedKind.AUTOREPLY, ReturnedKind.OTHER


def told(data):
    found = read(data)
    return found.kind, [(one.address, one.status, one.hard) for one in found.recipients]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_every_line_end_reads_alike(ending):
    for sample in (dsn(), arf(who="lan@example.vn"), away("Automatic reply: Tin")):
        assert read(sample.replace(b"\n", ending)) == read(sample)
    assert told(dsn().replace(b"\n", ending)) == (BOUNCE, [("lan@example.vn", "5.1.1", True)])


@table(
    ("status", "said", "hard"),
    [
        ("5.1.1", "550 5.1.1 user unknown", True),
        ("5.1.2", "550 5.1.2 Host unknown", True),
        ("5.4.4", "Host or domain name not found", True),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        ("5.0.0", "550 No such user here", True),
        ("5.2.1", "550 5.2.1 <lan@example.vn>... User Unknown", True),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. [x.outlook.com]", True),
        ("5.0.0", "550 Địa chỉ không tồn tại", True),
        ("4.1.1", "450 4.1.1 User unknown in virtual alias table", True),
        ("5.0.0", "550 no such recipient here", True),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", True),
        ("5.0.0", "511 sorry, your envelope recipient is in my badrcptto list", True),
        ("5.0.0", "550 Utilisateur inconnu", True),
        ("5.0.0", "550 unknown domain", True),
        ("5.0.0", "542 lan@example.vn Rejected", True),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        ("5.0.0", "552 not enough disk space", False),
        ("5.0.0", "550 boîte du destinataire pleine", False),
        ("5.0.0", "550 the user refuses to receive this mail", False),
        ("5.0.0", "550 this account has been suspended", False),
        ("5.0.0", "552 The user is over quota", False),
        ("5.7.1", "550 5.7.1 message rejected as spam", False),
        ("5.7.26", "550 5.7.26 this mail has been blocked: the sender is unauthenticated", False),
        ("5.1.8", "553 5.1.8 Domain of sender address does not exist", False),
        ("5.1.0", "550 5.1.0 sender rejected", False),
        ("5.3.4", "552 5.3.4 message too big", False),
        ("4.4.7", "message expired", False),
        ("5.4.4", "Host not found, try again", False),
        (
            "4.4.3",
            "Host or domain name not found. name=b.vn type=MX: Host not found, try again",
            False,
        ),
        ("5.2.1", "550 5.2.1 account temporarily disabled", False),
        ("5.0.0", "", False),
    ],
)
def test_hard_is_what_the_address_cannot_mend(status, said, hard):
    assert told(dsn(status=status, said=said)) == (BOUNCE, [("lan@example.vn", status, hard)])


def test_what_a_refusal_of_us_says_is_told_apart():
    (blocked,) = read(dsn(status="5.7.1", said="550 5.7.1 blocked by spamhaus")).recipients
    (full,) = read(dsn(status="5.2.2", said="552 5.2.2 mailbox full")).recipients
    assert (blocked.hard, blocked.about_us) == (False, True)
    assert (full.hard, full.about_us) == (False, False)


def test_a_dead_address_behind_ours_does_not_make_ours_dead():
    behind = dsn().replace(
        b"Final-Recipient: rfc822; lan@example.vn",
        b"Original-Recipient: rfc822; doi@example.vn\nFinal-Recipient: rfc822; lan@example.vn",
    )
    assert told(behind) == (BOUNCE, [("doi@example.vn", "5.1.1", False)])
    same = dsn().replace(b"Final-", b"Original-Recipient: rfc822; LAN@example.vn\nFinal-")
    assert [hard for _, _, hard in told(same)[1]] == [True]


def test_a_headline_in_the_subject_makes_no_address_dead():
    report = prose("<lan@example.vn>: not delivered", subject="Undelivered: Wreck not found.")
    assert [hard for _, _, hard in told(report)[1]] == [False]


def test_a_mail_that_is_only_late_has_not_failed():
    nobody = prose("It will be retried; you do not need to resend it.", subject="Delivery Status")
    assert told(nobody) == (OTHER, [])
    found = read(dsn(action="delayed", status="4.4.1", said="connection timed out"))
    assert found.kind is BOUNCE
    assert [(one.failed, one.hard) for one in found.recipients] == [(False, False)]
    prosaic = prose(
        "Delivery to lan@example.vn has been delayed. YOU DO NOT NEED TO RESEND YOUR MESSAGE."
    )
    assert [one.failed for one in read(prosaic).recipients] == [False]
    arrived = read(dsn(action="delivered", status="2.0.0", said="250 ok"))
    assert arrived.kind is OTHER


def test_a_report_that_names_nobody_is_one_all_the_same():
    assert told(prose("It did not work.", subject="Undeliverable: Tin")) == (BOUNCE, [])
    assert told(prose("Cảm ơn!", subject="Tin", sender="postmaster@a.vn")) == (OTHER, [])


def test_a_refusal_after_data_is_about_that_mail():
    said = "550 user unknown (in reply to end of DATA command)"
    assert told(dsn(status="5.0.0", said=said))[1][0][2] is False
    piped = ">>> DATA\n<<< 550 <lan@example.vn>: user unknown\n<<< 503 need RCPT first"
    assert told(prose(f"<lan@example.vn>\n{piped}"))[1][0][2] is True


def test_the_words_of_the_mailbox_itself_go_before_what_a_server_wrote_by_heart():
    mine = b"I'm sorry to have to inform you."
    sieve = b"Your message to <lan> was automatically rejected:\nNot enough disk space"
    assert told(dsn())[1] == [("lan@example.vn", "5.1.1", True)]
    assert told(dsn().replace(mine, sieve))[1] == [("lan@example.vn", "5.1.1", False)]


def test_an_address_in_running_text_is_not_the_one_that_failed():
    report = prose(
        "Message not delivered to the following:\n\n"
        "It helps to write to the whole name of the person; for example, if\n"
        "minh@example.vn fails, try minh.an@example.vn.\n\n"
        "<lan@example.vn>: 550 user unknown\n"
    )
    assert told(report)[1] == [("lan@example.vn", "", True)]


def test_the_copy_of_what_was_sent_names_nobody():
    report = prose(
        "Hi. This is the qmail-send program.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<lan@example.vn>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\n"
        f"Return-Path: <{RETURN_PATH}>\nTo: lan@example.vn\n\n"
        "<minh@example.vn>: 550 5.1.1 user unknown\n"
    )
    assert told(report) == (BOUNCE, [("lan@example.vn", "5.1.1", True)])


def test_a_headline_about_an_absence_does_not_make_a_report_an_autoreply():
    report = prose("<lan@example.vn>: 550 user unknown", subject="Undeliverable: On vacation")
    assert told(report) == (BOUNCE, [("lan@example.vn", "", True)])


def test_each_of_several_is_judged_by_its_own_words():
    report = prose(
        "<lan@example.vn>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "<minh@example.vn>:\nThe user's mailbox is full. (#5.2.2)\n"
    )
    assert told(report)[1] == [
        ("lan@example.vn", "5.1.1", True), ("minh@example.vn", "5.2.2", False),
    ]  # fmt: skip


@table(
    ("subject", "fields"),
    [
        ("Re: Tin", ["Auto-Submitted: auto-replied"]),
        ("Re: Tin", ["X-Autoreply: yes"]),
        ("Re: Tin", ["Precedence: auto_reply"]),
        ("Automatic reply: Tin", ["Auto-Submitted: auto-generated"]),
        ("Trả lời tự động: Tin", []),
        ("=?utf-8?q?V=E1=BA=AFng_m=E1=BA=B7t?=", []),
        ("Out of Office", []),
        ("Abwesenheitsnotiz", []),
        ("自動応答", []),
        ("Re: Undelivered letters were returned to sender", ["Auto-Submitted: auto-replied"]),
    ],
)
def test_an_absence_note_is_no_bounce_whatever_it_says(subject, fields):
    assert told(away(subject, *fields))[0] is AUTOREPLY


@pytest.mark.parametrize("sample", [away(), b"", b"\0" * 100, b"From: a@b.vn\n\nThank you!"])
def test_what_a_person_writes_is_something_else(sample):
    assert told(sample) == (OTHER, [])


def test_a_complaint_may_name_nobody():
    assert told(arf()) == (COMPLAINT, [])
    named = told(arf(who="<lan@example.vn>"))
    assert named == (COMPLAINT, [("lan@example.vn", "", False)])
    assert read(arf(feedback="not-spam")).feedback == "not-spam"


def test_what_amazon_sends_is_json_within_json():
    body = (
        '{"Type": "Notification", "Message": "{\\"notificationType\\":\\"Bounce\\",\\"bounce\\":'
        '{\\"bouncedRecipients\\":[{\\"emailAddress\\":\\"lan@example.vn\\",\\"action\\":'
        '\\"failed\\",\\"status\\":\\"5.1.1\\",\\"diagnosticCode\\":\\"smtp; 550 5.1.1 user'
        ' unknown\\"}]}}"}'
    )
    notice = prose(body, subject="AWS Notification Message", sender="no-reply@sns.amazonaws.com")
    assert told(notice) == (BOUNCE, [("lan@example.vn", "5.1.1", True)])


HEAD = b"From: MAILER-DAEMON@x.org\nTo: a@b.org\nSubject: Undelivered Mail\n"
HOSTILE = {
    "blanks in a tag": HEAD + b"Content-Type: text/html\n\n<" + b" " * 800_000,
    "automatic": HEAD + b"Subject: " + b"automatisch" * 60_000 + b"\n\nfoo",
    "exceeded": dsn(said="exceed" * 100_000),
    "a charset": HEAD + b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 1_000_000,
    "nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(9000)
    ),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 20000,
    "tags": HEAD + b"Content-Type: text/html\n\n" + b"<a" * 200000,
    "addresses": HEAD + b"\n" + b"a@b.co " * 80000,
    "lines": HEAD + b"\n" + b"<a@b.co>: 550 user unknown\n" * 20000,
    "half an address": HEAD + b"\n" + b"a@" + b"b." * 200000,
    "words": HEAD + b"\n<u@example.org>: " + b"user is " * 60000,
    "fields": b"Content-Type: multipart/report; boundary=x\n\n--x\n"
    b"Content-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822; u@b.org\n" * 20000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 40000 + b"\n\nfoo",
    "line ends": HEAD.replace(b"\n", b"\r") + b"\r" * 500000,
    "brackets": HEAD + b'\n{"notificationType":' + b"[" * 200000,
}


@table("name", HOSTILE)
def test_a_hostile_mail_takes_no_time(name):
    begun = time.process_time()
    read(HOSTILE[name])
    assert time.process_time() - begun < 20, "what doubles with each byte would take for ever"


def test_of_fifty_megabytes_only_the_beginning_is_looked_at():
    huge = dsn() + b"x" * (50 << 20)
    assert told(huge) == told(dsn())
