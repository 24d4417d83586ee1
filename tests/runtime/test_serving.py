"""What a running service says of a reload."""

from __future__ import annotations

import pytest

from service.config.schema import Settings
from service.runtime import logs, serving
from service.runtime.composition import open_service


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", 0),
        ('[web]\nlisten = "[::1]:9"\n', 1),
        ('[metrics]\nlisten = "[::1]:9"\n', 1),
    ],
)
async def test_what_a_reload_cannot_change_is_told(tmp_path, capsys, written, told):
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n', encoding="utf-8")
    service = open_service(config, {})
    config.write_text(f'[site]\ntitle = "Tin"\n{written}', encoding="utf-8")
    woken: list[str] = []
    try:
        await serving._reload(service, config, {}, woken.append)
    finally:
        logs.configure(Settings().log)
        service.close()
    assert "publish" in woken
    assert capsys.readouterr().err.count("with a restart alone") == told
