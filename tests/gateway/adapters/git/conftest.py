from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.adapters.git.workshop import File, Upstream, Workshop, local

STATE: dict[str, File] = {
    "README.md": b"# Checkout\n",
    "package.json": b'{"dependencies": {"jquery": "3.3.9"}}\n',
    "src/cart.js": b"export const cart = 1;\n" * 20,
    "deploy.sh": ("100755", b"#!/bin/sh\necho deploy\n"),
    "CODEOWNERS": b"* @maya\n",
}


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "forge")
    made.commit("main", STATE, b"Begin\n", author="maya@example.test")
    return made


@pytest.fixture
async def workshop(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Workshop]:
    del upstream
    made = Workshop(local(tmp_path / "forge"), tmp_path / "mirrors")
    yield made
    await made.mirrors.close()
