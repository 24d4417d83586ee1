"""The frame: help, exit codes, mistyped commands, completion, quiet interruption."""

from __future__ import annotations

import os
import signal

import click
import pytest

from service.cli.app import COMMANDS, cli
from tests import levels
from tests.running import BANTIN, PATIENCE_S, finished, started


def every_command(group: click.Group, ctx: click.Context, above: str = "") -> dict[str, object]:
    found = {}
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        path = f"{above} {name}".strip()
        if isinstance(command, click.Group):
            found |= every_command(command, click.Context(command, ctx), path)
        else:
            found[path] = command
    return found


COMMAND_PATHS = (
    "doctor",
    "init", "check", "demo", "up", "admin link", "reload", "collect", "publish", "digest preview",
    "digest send", "status", "articles", "explain", "why", "parse", "mail keys", "mail test",
    "bounces read",
    "migrate",
    "sources list",
    "sources add", "sources pause", "sources resume", "sources show", "sources discover",
    "sources import", "sources export", "sources retry", "subscribers list", "subscribers add",
    "subscribers import", "subscribers export", "subscribers forget", "deliveries list",
    "deliveries resend", "deliveries drop", "config show", "config schema", "templates list",
    "templates copy", "completion", "topics label", "topics test", "topics train",
    "topics evaluate",
    "backup", "restore", "store copy", "digest report", "digest list", "digest review",
    "subscribers form",
    "subscribers invite",
    "stories evaluate", "stories list", "stories merge", "stories show", "stories split", "recall",
)  # fmt: skip


def test_every_command_is_there_and_its_help_says_what_it_writes():
    found = every_command(cli, click.Context(cli))
    assert sorted(found) == sorted(COMMAND_PATHS)
    silent = [path for path, command in found.items() if "rites" not in (command.help or "")]
    assert silent == []


def test_every_command_but_up_takes_json():
    found = every_command(cli, click.Context(cli))
    without = [
        path
        for path, command in found.items()
        if not any("--json" in option.opts for option in command.params)
    ]
    assert without == ["up"]


def test_the_first_help_lists_the_commands_with_a_word_on_each(run):
    said = run("--help").stdout
    for name, (_, summary) in COMMANDS.items():
        if name != "serve":
            assert f"  {name} " in said
            assert summary in said
    assert "serve " not in said


def test_version(run):
    assert run("--version").stdout.startswith("bantin, version ")


def test_a_mistyped_command_is_wrong_use_and_names_the_nearest(run):
    result = run("colect", code=2)
    assert "Did you mean 'collect'?" in result.stderr


def test_without_a_configuration_a_command_says_where_it_looked_and_what_to_do(run, folder):
    for name in ("status", "collect", "up", "check", "reload"):
        result = run(name, code=2)
        assert "bantin.toml" in result.stderr
        assert "bantin init" in result.stderr
        assert result.stdout == ""
    assert list(folder.iterdir()) == []


def test_the_configuration_is_named_by_option_or_environment(run, site, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "2 sources" in run("check", "--config", "site/bantin.toml").stdout
    monkeypatch.setenv("BANTIN_CONFIG", str(site / "bantin.toml"))
    assert "2 sources" in run("check").stdout


def test_an_interrupted_command_ends_quietly_and_gives_back_what_it_held(site, web, start, run):
    web.slow.add("/a.xml")
    running = start("collect", "bao-a", cwd=site)
    assert web.asked.wait(60)
    assert running.stop(signal.SIGINT) == 1
    assert running.out.read_text() + running.err.read_text() == ""
    web.slow.clear()
    run("collect", "bao-a")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run, shell):
    assert "_BANTIN_COMPLETE" in run("completion", shell).stdout


def test_completion_without_a_known_shell_is_wrong_use(run, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert "bash, zsh, fish" in run("completion", code=2).stderr
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete" in run("completion").stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("bantin col", "collect"), ("bantin collect bao-", "bao-a"), ("bantin digest pre", "preview"),
     ("bantin digest preview n", "ngay")],
)  # fmt: skip
def test_the_shell_completes_commands_and_ids(site, typed, expected):
    done = finished(
        cwd=site,
        environ={
            "_BANTIN_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
        },
    )
    assert done.returncode == 0
    assert f"plain,{expected}" in done.stdout.splitlines()
    assert done.stderr == ""


def test_a_reader_that_goes_away_is_no_error(site):
    reads, writes = os.pipe()
    with (site / "said").open("wb") as err:
        process = started([str(BANTIN), "config", "schema"], cwd=site, out=writes, err=err.fileno())
    os.close(writes)
    assert os.read(reads, 1) == b"{"
    os.close(reads)
    process.wait(PATIENCE_S)
    assert (site / "said").read_text() == ""


def _groups() -> list[str]:
    context = click.Context(cli)
    commands = ((name, cli.get_command(context, name)) for name in cli.list_commands(context))
    return [name for name, command in commands if isinstance(command, click.Group)]


def test_no_sentence_of_a_help_text_is_cut(run):
    for name in ["", *_groups()]:
        shown = run(*name.split(), "--help").stdout
        assert "Commands:" in shown, name
        assert "..." not in shown.replace("[ARGS]...", ""), name


ASKED = [["status", "--config", "nowhere.toml"], ["topics", "--help"]]
"""One that fails and says why, one that says something."""


@pytest.mark.sampled
@pytest.mark.parametrize("asked", levels.each(ASKED, "forked"), ids=" ".join)
def test_a_forked_command_says_and_returns_what_one_that_starts_by_itself_does(site, asked):
    """Most tests of processes take forked ones: `tests/forks.py`."""
    forked, own = (finished(*asked, cwd=site, own=own) for own in (False, True))
    assert vars(forked) == vars(own)
