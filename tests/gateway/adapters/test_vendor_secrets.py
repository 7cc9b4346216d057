"""Vendor credentials: read from where the operator says, refused with what to do, shown to nobody."""

import os
import sys
from pathlib import Path

import pytest

from gateway.adapters.vendor_secrets import VendorSecret, VendorSecrets
from gateway.core.errors import SettingsError

VALUE = "glpat-invented-value"


def private(folder: Path, text: str = VALUE + "\n", mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(text)
    file.chmod(mode)
    return file


def printing(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"print({text!r})")


def test_a_credential_is_read_from_a_private_file(tmp_path: Path) -> None:
    assert VendorSecret("gitlab.road", file=private(tmp_path))() == VALUE


def test_a_credential_is_read_from_the_environment() -> None:
    assert VendorSecret("gitlab.road", environment="TOKEN", environ={"TOKEN": VALUE})() == VALUE


def test_a_credential_is_printed_by_a_command() -> None:
    assert VendorSecret("gitlab.road", command=printing(VALUE))() == VALUE


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match="chmod 600"):
        VendorSecret("gitlab.road", file=private(tmp_path, mode=mode))()


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gitlab\.road: cannot read .*no such file"):
        VendorSecret("gitlab.road", file=tmp_path / "none")()
    with pytest.raises(SettingsError, match="is a directory"):
        VendorSecret("gitlab.road", file=tmp_path)()
    os.mkfifo(tmp_path / "pipe", mode=0o600)
    with pytest.raises(SettingsError, match="not a plain file"):
        VendorSecret("gitlab.road", file=tmp_path / "pipe")()


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(SettingsError, match="TOKEN is not set"):
        VendorSecret("gitlab.road", environment="TOKEN", environ={})()


def test_a_command_that_fails_is_named_without_what_it_said() -> None:
    failing = (sys.executable, "-c", f"import sys; print({VALUE!r}); sys.exit({VALUE!r})")
    with pytest.raises(SettingsError, match="ended with status 1") as refused:
        VendorSecret("gitlab.road", command=failing)()
    with pytest.raises(SettingsError, match="did not run: no such file"):
        VendorSecret("gitlab.road", command=("/no/such/program",))()

    assert VALUE not in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n", "two words", "two\nlines", "t\u00f6ken", "bell\x07", "x" * 9000])
def test_what_is_no_credential_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="not a credential") as refused:
        VendorSecret("gitlab.road", file=private(tmp_path, text))()

    assert not text.strip() or text not in str(refused.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = private(tmp_path)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        VendorSecret("gitlab.road", file=file)()


@pytest.mark.parametrize("more", [{}, {"environment": "A", "command": ("b",)}])
def test_a_credential_is_kept_in_exactly_one_place(more: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="say once where"):
        VendorSecret("gitlab.road", **more)  # type: ignore[arg-type]


def test_a_credential_shows_in_no_representation() -> None:
    secret = VendorSecret("gitlab.road", environment="TOKEN", environ={"TOKEN": VALUE})
    secret()

    assert VALUE not in repr(secret)
    assert "gitlab.road" in repr(secret)


def test_a_reload_reads_the_credential_anew(tmp_path: Path) -> None:
    file = private(tmp_path)
    secrets = VendorSecrets((VendorSecret("gitlab.road", file=file),))
    first = secrets["gitlab.road"]()
    file.write_text("glpat-another")

    assert secrets["gitlab.road"]() == first
    secrets.reload()
    assert secrets["gitlab.road"]() == "glpat-another"


def test_a_credential_nobody_set_is_named() -> None:
    with pytest.raises(SettingsError, match=r"jira\.token: no credential is set"):
        VendorSecrets(())["jira.token"]
