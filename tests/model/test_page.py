"""The page about the model names functions that exist, and the guards and properties the model has."""

import importlib
import re
from functools import reduce

import pytest

from tests.model import spin

PAGE = spin.MODEL.parents[1] / "the-model.md"
NAMED = sorted(set(re.findall(r"^\| .* \| `(gateway\.[\w.]+)` \|$", PAGE.read_text(), re.MULTILINE)))


def _find(dotted: str) -> object:
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[length:], module)
    raise ModuleNotFoundError(dotted)


def test_the_table_names_functions() -> None:
    assert len(NAMED) >= 13


@pytest.mark.parametrize("name", NAMED)
def test_a_step_of_the_model_is_a_function_of_the_product(name: str) -> None:
    assert callable(_find(name))


@pytest.mark.parametrize("name", spin.properties())
def test_every_property_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text()
