"""Which dependencies a change adds; a manifest that cannot be read is unknown, never empty."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.dependencies import Added, ManifestVersions, added, is_manifest


def package(*names: str) -> str:
    return json.dumps({"dependencies": dict.fromkeys(names, "1")})


def one(before: str | None, after: str | None, path: str = "package.json") -> Added:
    return added([ManifestVersions(path=path, before=before, after=after)])


def test_what_stands_there_now_and_did_not_before_is_added() -> None:
    assert one(package("a", "b"), package("b", "c", "d")) == Added(dependencies=("npm:c", "npm:d"))


def test_everything_in_a_new_manifest_is_added() -> None:
    assert one(None, package("a")) == Added(dependencies=("npm:a",))
    assert one("", package("a")) == Added(dependencies=("npm:a",))


def test_a_manifest_that_goes_adds_nothing() -> None:
    assert one(package("a"), None) == Added()


def test_a_manifest_that_was_broken_adds_everything() -> None:
    assert one("{", package("a")) == Added(dependencies=("npm:a",))


def test_a_manifest_that_breaks_is_unread() -> None:
    assert one(package("a"), "{") == Added(unread=("package.json",))


def test_a_manifest_that_could_not_be_had_is_unread() -> None:
    assert added([ManifestVersions(path="a/go.mod", unread=True)]) == Added(unread=("a/go.mod",))


def test_a_manifest_nobody_reads_here_is_unread() -> None:
    assert one("", "gem 'x'", "Gemfile") == Added(unread=("Gemfile",))


def test_the_reader_goes_by_the_name() -> None:
    assert one("", "flask", "requirements/dev.txt").dependencies == ("pypi:flask",)
    assert one("", "require a.b/c v1", "svc/go.mod").dependencies == ("go:a.b/c",)
    assert one("", "[dependencies]\nserde = '1'", "Cargo.toml").dependencies == ("cargo:serde",)
    assert one("", "<p><plugin><artifactId>x</artifactId></plugin></p>", "pom.xml").dependencies == (
        "maven:org.apache.maven.plugins:x",
    )
    assert one("", "[project]\ndependencies = ['x']", "pyproject.toml").dependencies == ("pypi:x",)


def test_a_name_that_is_none_makes_the_manifest_unread() -> None:
    assert one("", package("a\nb")) == Added(unread=("package.json",))
    assert one("", package("x" * 300)) == Added(unread=("package.json",))


def test_more_than_anybody_reads_is_unread() -> None:
    assert one("", package(*(f"p{n}" for n in range(2001)))) == Added(unread=("package.json",))


def test_manifests_are_known_by_their_names() -> None:
    assert is_manifest("web/package.json")
    assert not is_manifest("web/index.js")


names = st.sets(st.sampled_from("abcdef"), max_size=6)


@given(before=names, after=names)
def test_the_added_ones_are_the_difference(before: set[str], after: set[str]) -> None:
    found = one(package(*before), package(*after))

    assert found.dependencies == tuple(f"npm:{name}" for name in sorted(after - before))
    assert found.unread == ()
