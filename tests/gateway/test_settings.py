"""Settings that would trust too many people are refused by name."""

from pathlib import Path

import pytest

from gateway.core.errors import SettingsError
from gateway.settings import CONFIG_NAME, load_settings

ISSUER = """
[[oidc]]
issuer = "https://gitlab.test"
audience = "https://loopgate.test"
jwks_file = "keys.json"
agent = "agt_fixer"
"""


def test_an_issuer_that_asks_for_no_claim_is_refused(tmp_path: Path) -> None:
    """On a shared GitLab every project's job can ask for a JWT with any audience it likes."""
    for claims in ("", "claims = {}\n"):
        (tmp_path / CONFIG_NAME).write_text(ISSUER + claims)
        with pytest.raises(SettingsError, match=r"oidc\.0\.claims"):
            load_settings(tmp_path)


def test_an_issuer_with_a_claim_is_trusted(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_text(ISSUER + 'claims = { project_path = "shop/checkout" }\n')

    assert load_settings(tmp_path).oidc[0].claims == {"project_path": "shop/checkout"}


def test_a_setting_that_is_none_and_a_variable_that_is_wrong_are_named_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CONFIG_NAME).write_text("nonsense = 1\n[gitlab]\nrode = 2\n")
    monkeypatch.setenv("LOOPGATE_SERVE__PORT", "banana")
    with pytest.raises(SettingsError) as told:
        load_settings(tmp_path)

    assert f"{CONFIG_NAME}: nonsense: there is no such setting" in told.value.detail
    assert f"{CONFIG_NAME}: gitlab.rode: there is no such setting" in told.value.detail
    assert "LOOPGATE_SERVE__PORT: " in told.value.detail
    assert "serve.port" not in told.value.detail


def test_a_file_of_settings_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_text("this is not toml\n")
    with pytest.raises(SettingsError, match=CONFIG_NAME):
        load_settings(tmp_path)
