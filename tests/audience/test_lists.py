"""Lists of subscribers: what goes in, what is refused with its line, and what comes out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select

from service.audience import forgetting, lists, people, signup
from service.audience.lists import Imported, LineFault
from service.errors import UsageError
from service.mail.outbox import Outbox
from service.store import tables as t
from service.store.audience import subscriptions, suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.audience.acts import again, form, history, letters, newest, press

GOOD = """\ufeffaddress,digest,cadence,topics,hour,zone,language,evidence\r
lan@example.vn,tuan,daily,giao-duc;y-te,18:30,Europe/Berlin,en,paper form 1\r
\r
minh@example.vn,tuan,,,,,,\r
"""


@dataclass
class Result:
    done: Imported
    faults: list[LineFault]


@pytest.fixture
def run_import(people_store, settings, now, previous_cut):
    def run(text, settings=settings, **options):
        faults = []
        lines = io.StringIO(text, newline="")
        done = lists.import_csv(
            people_store, settings, now, lines, previous_cut, faults.append, **options
        )
        assert done.refused + done.left_out == len(faults)
        return Result(done, faults)

    return run


def test_a_list_goes_in_and_comes_out_the_same(people_store, run_import):
    assert run_import(GOOD).done == Imported(added=2)
    out = lists.export_csv(people_store)
    assert out.splitlines() == [
        "address,digest,cadence,topics,hour,zone,language,evidence",
        "lan@example.vn,tuan,daily,giao-duc;y-te,18:30,Europe/Berlin,en,paper form 1",
        "minh@example.vn,tuan,weekly,,,,,imported list",
    ]
    assert run_import(out).done == Imported(already=2)


@pytest.mark.parametrize("parts", [";", "\t"])
def test_a_spreadsheet_parts_its_cells_as_it_likes(people_store, run_import, parts):
    """Excel does so with semicolons where a comma stands in numbers, as in Vietnamese."""
    lines = ["\ufeffemail,digest,topics,evidence", 'lan@example.vn,tuan,"y-te;giao-duc",form 7']
    assert run_import("\r\n".join(line.replace(",", parts) for line in lines)).done.added == 1
    assert (newest(people_store).digest, newest(people_store).topics) == (
        "tuan", ("giao-duc", "y-te"),
    )  # fmt: skip


def test_each_bad_line_is_named_and_the_good_ones_go_in(people_store, run_import, now):
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "hoa@example.vn")
        suppressions.add(connection, key, "bounce", now, "")
    text = (
        "Address,Digest,Topics\n"
        "lan@example.vn,tuan,y-te\n"
        "not an address,tuan,\n"
        "minh@example.vn,khac,\n"
        "hoa@example.vn,tuan,\n"
        "an@example.vn\n"
        "binh@example.vn,tuan,giao-duc,too,many\n"
    )
    result = run_import(text)
    assert result.done.added == 2
    assert [(fault.line, fault.address) for fault in result.faults] == [
        (3, "not an address"), (4, "minh@example.vn"), (5, "hoa@example.vn"), (6, "an@example.vn"),
    ]  # fmt: skip
    assert "no digest 'khac'" in result.faults[1].problem
    assert "must not be written to: bounce" in result.faults[2].problem


@pytest.mark.parametrize(
    "text",
    ["", "lan@example.vn,tuan\n", "address\n", "digest\n", "address,digest,note\n", "a\0b\n"],
)
def test_a_list_without_a_proper_header_is_refused_whole(run_import, text):
    with pytest.raises(UsageError, match="line 1"):
        run_import(text)


def test_a_list_needs_no_digest_where_there_is_one(people_store, run_import, settings):
    one = settings.model_copy(update={"digest": {"tuan": settings.digest["tuan"]}})
    assert run_import("address\nlan@example.vn\n", one).done.added == 1
    assert newest(people_store).digest == "tuan"


def test_a_digest_may_be_said_for_all_lines(people_store, run_import):
    assert run_import("email\nlan@example.vn\n", digest="so-ket").done.added == 1
    assert newest(people_store).digest == "so-ket"
    with pytest.raises(UsageError, match="one of: tuan, so-ket"):
        run_import("email\nlan@example.vn\n")
    with pytest.raises(UsageError, match="no digest 'khac'"):
        run_import("email\nlan@example.vn\n", digest="khac")


def test_who_is_imported_into_a_review_is_told_its_whole_period(people_store, run_import, now):
    assert run_import("address,digest\nlan@example.vn,so-ket\nan@example.vn,tuan\n").done.added == 2
    with people_store.read() as connection:
        begins = {one.digest: one.starts_at for one in subscriptions.live(connection)}
    july = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)  # 07:00 in Viet Nam
    assert begins == {"so-ket": july, "tuan": now}


def standing(store):
    """Address -> evidence of who gets mail; reason -> evidence of the suppressions."""
    with store.read() as connection:
        secret = facts.known_secret(connection)
        live = {one.address: one.evidence for one in subscriptions.live(connection)}
        rows = connection.execute(select(t.suppression)).all()
    return live, {row.address_key: (row.reason, row.evidence) for row in rows}, secret


LISTMONK = """uuid,email,name,attributes,status,created_at,updated_at
c3d1,lan@example.vn,Lan,"{""city"": ""Huế, VN""}",enabled,2024-01-02 03:04:05.6 +0000 UTC,2024
c3d2,binh@example.vn,Bình,{},disabled,2024-01-02 03:04:05.6 +0000 UTC,2024
c3d3,hoa@example.vn,Hoa,{},blocklisted,2024-01-02 03:04:05.6 +0000 UTC,2024
c3d4,an@example.vn,An,{},strange,2024-01-02 03:04:05.6 +0000 UTC,2024
"""
GHOST = """\
id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,\
created_at,deleted_at,labels,tiers
6a1,lan@example.vn,Lan,"a
note",true,false,,2024-01-02T03:04:05.000Z,,"vip,old",
6a2,binh@example.vn,,,false,false,,2024-01-02T03:04:05.000Z,,,
6a3,hoa@example.vn,,,true,false,,2024-01-02T03:04:05.000Z,2024-05-05T00:00:00.000Z,,
"""
MAILCHIMP = """\
Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,\
CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,\
NOTES,TAGS
lan@example.vn,Lan,Trần,2,,,"2024-01-02 03:04:05",203.0.113.7,,,,,,,,"2024-01-02",17,ab,,"Tin, Mới"
"""
UNSUBSCRIBED = """\
Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,\
UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,\
NOTES,TAGS
binh@example.vn,Bình,2,,"2024-01-02 03:04:05","2025-01-02 03:04:05",Số 3,77,NORMAL,,18,ac,,
"""
CLEANED = """\
Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME,\
CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS
hoa@example.vn,Hoa,2,,"2024-01-02 03:04:05","2025-01-02 03:04:05",Số 3,77,19,ad,,
"""
PLAIN = """email,name,status,subscribed_at
lan@example.vn,Lan,Subscribed,2024-01-02
binh@example.vn,Bình,unsubscribed,2024-01-02
hoa@example.vn,Hoa,bounced,2024-01-02
an@example.vn,An,unconfirmed,2024-01-02
"""


@pytest.mark.parametrize(
    ("files", "name", "hoa", "refused"),
    [
        ({"subscribers.csv": LISTMONK}, "listmonk", "blocklisted", [5]),
        ({"members.csv": GHOST}, "Ghost", "unsubscribed", []),
        (
            {
                "subscribed_members_export_1.csv": MAILCHIMP,
                "unsubscribed_members_export_1.csv": UNSUBSCRIBED,
                "cleaned_members_export_1.csv": CLEANED,
            },
            "Mailchimp", "bounced", [],
        ),
        ({"list.csv": PLAIN}, "since 2024-01-02", "bounced", [5]),
    ],
    ids=["listmonk", "ghost", "mailchimp", "plain"],
)  # fmt: skip
def test_exports_of_other_services_are_understood(
    people_store, run_import, files, name, hoa, refused
):
    """Who left or bounced there becomes a suppression, and never a subscriber."""
    results = [run_import(text, digest="tuan", file=file) for file, text in files.items()]
    assert sum(one.done.added for one in results) == 1
    assert sum(one.done.barred for one in results) == 2
    faults = [fault for one in results for fault in one.faults]
    assert [fault.line for fault in faults] == refused
    live, barred, secret = standing(people_store)
    assert list(live) == ["lan@example.vn"]
    assert name in live["lan@example.vn"]
    assert "2024-01-02" in live["lan@example.vn"]
    reasons = {
        address: barred[mailboxes.key(secret, address)][0]
        for address in ("binh@example.vn", "hoa@example.vn")
    }
    assert reasons == {"binh@example.vn": "unsubscribed", "hoa@example.vn": hoa}
    assert len(barred) == 2
    assert "@" not in str(barred.values()), "a suppression keeps no address"


def test_a_mailchimp_file_says_by_its_name_what_its_lines_do_not(people_store, run_import):
    bare = "Email Address,LEID\nbinh@example.vn,1\n"
    assert run_import(bare, digest="tuan", file="cleaned_members_export_9.csv").done.barred == 1
    with pytest.raises(UsageError, match="never subscribed"):
        run_import(bare, digest="tuan", file="nonsubscribed_members_export_9.csv")
    assert standing(people_store)[0] == {}


def test_a_suppression_wins_over_a_line_before_it(people_store, run_import):
    text = "email,status\nlan@example.vn,enabled\nLAN@example.vn,unsubscribed\n"
    result = run_import(text, digest="tuan")
    assert (result.done.added, result.done.barred) == (0, 1)
    assert "must not be written to: unsubscribed" in result.faults[0].problem


def test_who_left_elsewhere_may_sign_up_here(people_store, run_import, settings, renderer, now):
    """Signing up is a new yes; a bounced address stays dead."""
    text = "email,status\nlan@example.vn,unsubscribed\nhoa@example.vn,bounced\n"
    run_import(text, digest="tuan")
    assert signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn")).planned
    assert not signup.sign_up(people_store, settings, renderer, now, form("hoa@example.vn")).planned
    assert [one.kind for one in letters(people_store)] == ["confirm"]


def test_a_strangers_sign_up_takes_no_suppression_away(
    people_store, run_import, settings, renderer, now, previous_cut
):
    """Only the yes lifts it: a list from before the goodbye makes nobody active again."""
    run_import("email,status\nlan@example.vn,unsubscribed\n", digest="tuan")
    signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn"))
    old = run_import("email,status\nlan@example.vn,subscribed\n", digest="tuan")
    assert old.done == Imported(refused=1)
    assert "must not be written to: unsubscribed" in old.faults[0].problem
    assert not newest(people_store).confirmed
    [barred] = standing(people_store)[1].values()
    assert barred[0] == "unsubscribed"
    assert press(people_store, settings, now, previous_cut).fresh
    assert standing(people_store)[1] == {}, "the yes has lifted it"


def test_a_yes_lifts_no_other_reason(people_store, settings, renderer, now, previous_cut):
    signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn"))
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "lan@example.vn")
        suppressions.add(connection, key, suppressions.UNSUBSCRIBED, now, "list")
        suppressions.add(connection, key, "address refused", now, "rcpt: 550 5.1.1")
        suppressions.add(connection, key, suppressions.UNSUBSCRIBED, now, "list")
    press(people_store, settings, now, previous_cut)
    [barred] = standing(people_store)[1].values()
    assert barred == ("address refused", "rcpt: 550 5.1.1"), "no mail arrives there any more"


def test_a_reader_who_left_elsewhere_is_asked_anew(
    people_store, run_import, settings, renderer, now, previous_cut
):
    """Active here, unsubscribed by a later list: signing up asks, and the yes begins anew."""
    people.add(people_store, settings, now, "lan@example.vn", "tuan", previous_cut=previous_cut)
    old = newest(people_store)
    run_import("email,status\nlan@example.vn,unsubscribed\n", digest="tuan")
    assert signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn")).planned
    assert [one.kind for one in letters(people_store)] == ["confirm"]
    assert newest(people_store).id != old.id
    assert not again(people_store, old).live
    assert press(people_store, settings, now, previous_cut).fresh
    assert standing(people_store)[1] == {}


@pytest.mark.parametrize(
    ("header", "line", "why"),
    [
        ("email,unsubscribed_at", "lan@example.vn,2025-01-02", "unsubscribed"),
        ("email,unsub_time", "lan@example.vn,2025-01-02", "unsubscribed"),
        ("email,Unsubscribed At", "lan@example.vn,2025-01-02", "unsubscribed"),
        ("email,bounced_at", "lan@example.vn,2025-01-02", "bounced"),
        ("email,unsubscribed_at,bounced_at", "lan@example.vn,2025-01-02,2025-02-03", "bounced"),
        ("email,status,unsubscribed_at", "lan@example.vn,active,2025-01-02", "unsubscribed"),
        ("email,status,unsubscribed_at", "lan@example.vn,strange,2025-01-02", "unsubscribed"),
        ("email,status,unsubscribed_at", "lan@example.vn,complained,2025-01-02", "complained"),
        ("address,digest,unsubscribed_at", "lan@example.vn,tuan,2025-01-02", "unsubscribed"),
        ("uuid,email,status,bounced_at", "1,lan@example.vn,enabled,2025-01-02", "bounced"),
        (
            "email,subscribed_to_emails,unsubscribed_at",
            "lan@example.vn,true,2025-01-02",
            "unsubscribed",
        ),
        ("Email Address,unsubscribed_at", "lan@example.vn,2025-01-02", "unsubscribed"),
    ],
)
def test_the_time_of_a_goodbye_is_a_goodbye_in_every_format(
    people_store, run_import, header, line, why
):
    result = run_import(f"{header}\n{line}\n", digest="tuan")
    assert result.done == Imported(barred=1)
    live, barred, _ = standing(people_store)
    assert live == {}
    assert [reason for reason, _ in barred.values()] == [why]


@pytest.mark.parametrize("cell", ["", " ", "NULL", "\\N", "0000-00-00 00:00:00", "None"])
def test_no_time_of_a_goodbye_is_none(people_store, run_import, cell):
    """Databases write an empty cell in many ways; none of them unsubscribes a whole list."""
    text = f"email,unsubscribed_at,bounced_at\nlan@example.vn,{cell},{cell}\n"
    assert run_import(text, digest="tuan").done == Imported(added=1)


def test_a_batch_writes_what_each_line_alone_would_have(
    people_store, run_import, settings, renderer, now, previous_cut, tmp_path
):
    """Signed up and not confirmed, forgotten, twice in the list, with a language: as by hand."""
    signup.sign_up(people_store, settings, renderer, now, form("cho@example.vn"))
    people.add(people_store, settings, now, "quen@example.vn", "tuan", previous_cut=previous_cut)
    forgetting.forget(people_store, now, "quen@example.vn", Outbox(tmp_path))
    text = (
        "address,digest,cadence,topics,language\n"
        "moi@example.vn,tuan,daily,y-te,en\n"
        "MOI@example.vn,tuan,weekly,,\n"
        "moi@example.vn,so-ket,,,vi\n"
        "cho@example.vn,tuan,monthly,,\n"
        "quen@example.vn,tuan,,,\n"
    )
    assert run_import(text, again=True).done == Imported(added=4, already=1)
    with people_store.read() as connection:
        found = {(one.address, one.digest): one for one in subscriptions.live(connection)}
    histories = {
        key: [line.what for line in history(people_store, one)] for key, one in found.items()
    }
    moi = found["moi@example.vn", "tuan"]
    assert (moi.cadence, moi.topics, moi.language) == ("daily", ("y-te",), "vi")
    assert moi.starts_at == moi.covered_to == moi.created_at == now
    review = found["moi@example.vn", "so-ket"]
    assert review.starts_at < now, "a review looks back over its period"
    assert found["cho@example.vn", "tuan"].cadence == "monthly"
    assert all(one.confirmed for one in found.values())
    assert histories == {
        ("moi@example.vn", "tuan"): ["added"],
        ("moi@example.vn", "so-ket"): ["added"],
        ("cho@example.vn", "tuan"): ["signed_up", "added"],
        ("quen@example.vn", "tuan"): ["added"],
    }


def test_what_cannot_be_text_is_a_bad_line_like_others(run_import):
    broken = "bình@example.vn".encode("latin-1").decode("utf-8", "surrogateescape")
    text = (
        f"address,digest,evidence\n{broken},tuan,\n"
        'lan@example.vn,tuan,gi\udcc3y\nan@example.vn,tuan,"a\0"\nhoa@example.vn,tuan,phiếu\n'
    )
    result = run_import(text)
    assert result.done == Imported(added=1, refused=3)
    assert [fault.line for fault in result.faults] == [2, 3, 4]
    assert all("not UTF-8" in fault.problem for fault in result.faults)
    assert all(fault.address.encode() for fault in result.faults)


def test_twice_the_lines_cost_twice_the_statements_of_a_batch(people_store, run_import):
    """A line costs no statement of its own: 2.4 ms each, that took four minutes for 100,000."""
    asked = []

    @event.listens_for(people_store.engine, "before_cursor_execute")
    def _see(_connection, _cursor, statement, _parameters, _context, _many):
        asked.append(statement)

    def cost(first, number):
        asked.clear()
        lines = "".join(f"a{first + n}@example.vn,tuan\n" for n in range(number))
        assert run_import("address,digest\n" + lines).done.added == number
        return len(asked)

    one_batch = cost(0, 1000)
    assert one_batch < 30
    assert cost(10_000, 2000) <= 2 * one_batch + 2


def test_a_list_is_read_a_batch_at_a_time(people_store, settings, now, previous_cut):
    """Memory does not grow with the file: the next lines are read when the last are written."""
    written = []

    def lines():
        yield "address,digest\n"
        for number in range(3000):
            if number % 1000 == 500:
                with people_store.read() as connection:
                    written.append(len(subscriptions.live(connection)))
            yield f"a{number}@example.vn,tuan\n"

    done = lists.import_csv(people_store, settings, now, lines(), previous_cut, [].append)
    assert done.added == 3000
    assert written == [0, 1000, 2000]


def test_who_has_not_said_yes_is_not_exported(people_store, settings, renderer, now):
    signup.sign_up(people_store, settings, renderer, now, form())
    assert lists.export_csv(people_store).splitlines()[1:] == []


def test_whom_nobody_may_write_to_is_not_exported(people_store, run_import, now):
    """Read elsewhere, that list would make them readers again."""
    run_import(GOOD)
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "lan@example.vn")
        suppressions.add(connection, key, suppressions.COMPLAINED, now, "")
    [line] = lists.export_csv(people_store).splitlines()[1:]
    assert line.startswith("minh@example.vn,")
