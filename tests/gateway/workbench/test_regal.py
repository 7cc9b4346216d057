"""Regal is asked when it is there and new enough, and never needed."""

from pathlib import Path

import pytest

from gateway.workbench.regal import regal

LINT = """{"violations": [{"title": "todo", "category": "style", "description": "Avoid TODO",
"location": {"file": "gate/gate.rego", "row": 3}}]}"""


def installed(folder: Path, version: str, lint: str = LINT) -> str:
    """A `regal` that answers like the real one; the path to find it on."""
    place = folder / "regal"
    place.write_text(
        f"#!/bin/sh\n[ $1 = version ] && echo 'Version:    {version}' || cat <<'END'\n{lint}\nEND\n",
        encoding="utf-8",
    )
    place.chmod(0o755)
    return str(folder)


def test_what_regal_finds_is_a_complaint(tmp_path: Path) -> None:
    (complaint,) = regal(tmp_path, installed(tmp_path, "0.39.0"))
    assert str(complaint) == "gate/gate.rego:3: regal style/todo: Avoid TODO"


@pytest.mark.parametrize("version", ["0.38.9", "unknown"])
def test_an_older_regal_is_not_asked(tmp_path: Path, version: str) -> None:
    assert list(regal(tmp_path, installed(tmp_path, version))) == []


def test_without_regal_nothing_is_said(tmp_path: Path) -> None:
    assert list(regal(tmp_path, str(tmp_path / "empty"))) == []


def test_a_regal_with_nothing_to_say_says_nothing(tmp_path: Path) -> None:
    assert list(regal(tmp_path, installed(tmp_path, "1.2.0", '{"violations": null}'))) == []
