"""The command line: the only place that exits or prints."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `bantin` command."""
    from service.cli.app import cli  # noqa: PLC0415 - `import service.cli` must stay cheap

    cli()
