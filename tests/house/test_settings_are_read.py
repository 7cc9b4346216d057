"""A setting that nothing reads promises what the gateway does not do."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from gateway.cli.reference import settings_page
from gateway.settings import OidcIssuer, Settings

GATEWAY = Path(__file__).parents[2] / "gateway"
OWNERS = {"settings", "_settings", "source", "issuer", "i", *Settings.model_fields}
"""The names under which the code holds settings, their sections, and entries of lists."""


def test_every_setting_is_read_somewhere_outside_its_declaration() -> None:
    read = set(_attributes_read())
    assert [name for name in _setting_names(Settings) if name not in read] == []
    assert {"url", "port", "issuer"} <= read


def test_every_setting_of_an_issuer_is_in_the_reference() -> None:
    page = settings_page()
    for name, field in OidcIssuer.model_fields.items():
        assert f"`oidc[].{name}`" in page
        assert str(field.description) in page


def test_every_setting_says_what_it_means() -> None:
    assert [line for line in settings_page().splitlines() if line.endswith("|  |")] == []


def _setting_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _setting_names(inner)


def _attributes_read() -> Iterator[str]:
    """What is read of settings: names of other things that are spelt the same do not count."""
    for path in GATEWAY.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "settings.py" or "from gateway.settings import" in text:
            reads = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute))
            yield from (node.attr for node in reads if _is_settings(node.value, path))


def _is_settings(owner: ast.expr, path: Path) -> bool:
    name = ast.unparse(owner).rpartition(".")[2]
    # A property of Settings stands for the settings it reads; everywhere else `self` is something else.
    return name == "self" if path.name == "settings.py" else name in OWNERS
