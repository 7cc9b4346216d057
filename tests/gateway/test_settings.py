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
