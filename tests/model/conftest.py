"""Figures for a person to read, past pytest's capture."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Write one line to the terminal."""

    def line(text: str) -> None:
        with capsys.disabled():
            sys.stderr.write(f"\n{text}\n")

    return line
