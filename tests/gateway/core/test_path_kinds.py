"""What kind of file a path is, by its name alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.path_kinds import KINDS, extension_of, kinds_of


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("package.json", ("manifest",)),
        ("web/Package.JSON", ("manifest",)),
        ("requirements/dev.txt", ("manifest",)),
        ("requirements-dev.in", ("manifest",)),
        ("my-requirements.txt", ()),
        ("src/Shop.csproj", ("manifest",)),
        ("Cargo.lock", ("lockfile",)),
        ("terraform/modules/net/README.md", ("infrastructure",)),
        ("net/main.tf", ("infrastructure",)),
        ("deploy/Chart.yaml", ("infrastructure",)),
        ("terraform", ("infrastructure",)),
        ("src/terraform.py", ()),
        (".github/workflows/build.yml", ("ci",)),
        ("Jenkinsfile", ("ci",)),
        ("docs/AGENTS.md", ("instructions",)),
        ("app/.claude/settings.json", ("instructions",)),
        (".npmrc", ("tooling",)),
        (".cargo/config.toml", ("tooling",)),
        ("tls/server.key", ("credentials",)),
        (".ssh/config", ("credentials",)),
        ("home/.ssh/terraform/x.pem", ("credentials", "infrastructure")),
        ("src/app.js", ()),
        ("keys/monkey", ()),
    ],
)
def test_a_path_is_of_these_kinds(path: str, kinds: tuple[str, ...]) -> None:
    assert kinds_of(path) == kinds


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("a/b.TAR.GZ", "gz"),
        ("Makefile", ""),
        (".env", ""),
        (".config.json", "json"),
        ("a.b/c", ""),
        ("dot.", ""),
    ],
)
def test_an_extension_is_what_stands_behind_the_last_dot_of_the_name(path: str, extension: str) -> None:
    assert extension_of(path) == extension


@given(path=st.text(max_size=60))
def test_kinds_are_sorted_known_and_the_same_in_every_case_of_letters(path: str) -> None:
    found = kinds_of(path)

    assert list(found) == sorted(set(found))
    assert set(found) <= set(KINDS)
    assert kinds_of(path.lower()) == found
