"""Readers of package manifests: every dependency is found, and what is not understood is unreadable."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.manifests import Dependency, ManifestUnreadableError, cargo, npm, pypi, requirements
from gateway.core.manifests_more import go, maven

Reader = Callable[[str], frozenset[Dependency]]


def shown(found: frozenset[Dependency]) -> list[str]:
    return sorted(d.shown for d in found)


def test_npm_tells_the_registry_from_every_other_place() -> None:
    text = """{
      "dependencies": {"jquery": "^3.5.0", "a": "git+https://x.example/a.git", "b": "https://x.example/b.tgz",
        "c": "file:../c", "d": "npm:@evil/d@1.0.0", "e": "somebody/e", "f": "./f", "alias": "npm:plain"},
      "devDependencies": {"@types/node": "20"}, "peerDependencies": {"g": "ssh://git@x.example/g"},
      "optionalDependencies": {"h": "https://x.example/h.git#main"},
      "overrides": {"i": "1.0.0", "j": {".": "npm:k@2", "l": "github:somebody/l"}},
      "resolutions": {"m": "2"}, "pnpm": {"overrides": {"n": "link:../n"}}, "scripts": {"test": "x"}
    }"""

    assert shown(npm(text)) == [
        "npm+git:a",
        "npm+git:e",
        "npm+git:g",
        "npm+git:h",
        "npm+git:l",
        "npm+path:c",
        "npm+path:f",
        "npm+path:n",
        "npm+url:b",
        "npm:@evil/d",
        "npm:@types/node",
        "npm:jquery",
        "npm:k",
        "npm:plain",
    ]


def test_another_place_of_the_same_name_is_another_dependency() -> None:
    one, other = (
        npm('{"dependencies": {"a": "git+https://x/a"}}'),
        npm('{"dependencies": {"a": "git+https://y/a"}}'),
    )

    assert one != other
    assert shown(one) == shown(other)


def test_a_new_version_is_the_same_dependency() -> None:
    assert npm('{"dependencies": {"a": "1"}}') == npm('{"dependencies": {"a": "2"}}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"dependencies": []}',
        '{"dependencies": {"a": 1}}',
        '{"dependencies": {}, "dependencies": {"a": "1"}}',
        '{"overrides": [1]}',
        '{"pnpm": 1}',
        "[" * 100_000,
    ],
)
def test_a_broken_package_json_is_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        npm(text)


def test_pyproject_is_read_in_every_table_that_names_packages() -> None:
    text = """
[build-system]
requires = ["hatchling>=1"]
[project]
dependencies = ["Requests[socks] >= 2 ; python_version > '3'", "own @ git+https://x.example/own", "w @ https://x/w.whl",
  "near @ file:///near"]
optional-dependencies = {extra = ["type_ing.ext"]}
[dependency-groups]
test = ["pytest", {include-group = "lint"}]
[tool.pdm.dev-dependencies]
a = ["pdm-one"]
[tool.uv]
dev-dependencies = ["uv-one"]
index = [{url = "https://x.example/simple"}]
[tool.uv.sources]
uv-one = {git = "https://x.example/one"}
two = [{path = "../two"}, {index = "inner"}]
[tool.poetry]
source = [{url = "https://y.example"}]
[tool.poetry.dependencies]
python = "^3.11"
flask = "^2"
local = {path = "../local", develop = true}
many = [{version = "1"}, {url = "https://x/m.whl"}]
[tool.poetry.dev-dependencies]
black = "*"
[tool.poetry.group.docs.dependencies]
sphinx = {version = "5"}
"""

    assert shown(pypi(text)) == [
        "pypi+git:own",
        "pypi+git:uv-one",
        "pypi+index:source",
        "pypi+index:source",
        "pypi+index:two",
        "pypi+path:local",
        "pypi+path:near",
        "pypi+path:two",
        "pypi+url:many",
        "pypi+url:w",
        "pypi:black",
        "pypi:flask",
        "pypi:hatchling",
        "pypi:many",
        "pypi:pdm-one",
        "pypi:pytest",
        "pypi:requests",
        "pypi:sphinx",
        "pypi:type-ing-ext",
        "pypi:uv-one",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=",
        "project = 1",
        "[project]\ndependencies = 1",
        "[project]\ndependencies = [1]",
        '[project]\ndependencies = ["a b c"]',
        '[dependency-groups]\na = [{other = "x"}]',
        "[tool.poetry.dependencies]\na = 1",
        "[tool.poetry]\nsource = 1",
        "[tool.uv]\nindex = [1]",
        "a = " + "[" * 100_000,
    ],
)
def test_a_broken_pyproject_is_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        pypi(text)


def test_requirements_name_packages_files_and_indexes() -> None:
    text = """# a comment
Flask == 2.0 \\
    --hash=sha256:abc
jinja2~=3.0 # why
-r other.txt
--requirement more.txt
-c bounds.txt
-i https://x.example/simple
--extra-index-url=https://y.example/simple
-e git+https://x.example/own#egg=Own&subdirectory=a
./near/
https://x.example/dir/far-1.0.tar.gz
wheel.whl
git+https://x.example/repo@v1
--pre
--only-binary :all:
zope.interface
"""

    assert shown(requirements(text)) == [
        "pypi+file:bounds.txt",
        "pypi+file:more.txt",
        "pypi+file:other.txt",
        "pypi+git:own",
        "pypi+git:repo",
        "pypi+index:extra-index-url",
        "pypi+index:i",
        "pypi+path:near",
        "pypi+path:wheel.whl",
        "pypi+url:far-1.0.tar.gz",
        "pypi:flask",
        "pypi:jinja2",
        "pypi:zope-interface",
    ]


@pytest.mark.parametrize("text", ["--config-settings x", "two words", "-x", "<html>"])
def test_a_strange_line_makes_requirements_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        requirements(text)


def test_cargo_is_read_in_every_table() -> None:
    text = """
[dependencies]
serde = "1"
renamed = {package = "real", version = "1"}
own = {git = "https://x.example/own"}
inherited = {workspace = true}
[dev-dependencies]
near = {path = "../near"}
[build-dependencies]
other = {version = "1", registry = "inner"}
strange = {version = "1", registry-index = "https://x.example"}
[target.'cfg(unix)'.dependencies]
nix = "0.2"
[workspace.dependencies]
inherited = "1"
[patch.crates-io]
serde = {git = "https://x.example/serde"}
[replace]
"foo:0.1.0" = {path = "foo"}
"""

    assert shown(cargo(text)) == [
        "cargo+git:own",
        "cargo+git:serde",
        "cargo+index:other",
        "cargo+index:strange",
        "cargo+path:foo",
        "cargo+path:near",
        "cargo:inherited",
        "cargo:nix",
        "cargo:real",
        "cargo:serde",
    ]


@pytest.mark.parametrize("text", ["=", "dependencies = 1", "[dependencies]\na = 1", "[target]\na = 1"])
def test_a_broken_cargo_manifest_is_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        cargo(text)


def test_go_modules_are_what_is_required_and_what_stands_in_for_them() -> None:
    text = """module shop.example/checkout
go 1.24
require (
    github.com/a/b v1.2.3 // indirect
    "github.com/c/d" v1
)
require github.com/e/f v1

replace github.com/a/b => github.com/evil/b v1
replace (
    github.com/c/d v1 => ../d
)
retract [v1.0.0, v1.1.0]
"""

    assert shown(go(text)) == [
        "go+path:../d",
        "go:github.com/a/b",
        "go:github.com/c/d",
        "go:github.com/e/f",
        "go:github.com/evil/b",
    ]


@pytest.mark.parametrize("text", ["steal a b", "require", "replace a b", "replace a =>"])
def test_a_broken_go_mod_is_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        go(text)


def test_maven_is_read_in_every_profile_with_its_properties() -> None:
    text = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <properties><spring>org.springframework</spring><empty/></properties>
  <parent><groupId>shop</groupId><artifactId>parent</artifactId></parent>
  <dependencies>
    <dependency><groupId>${spring}</groupId><artifactId>spring-core</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId></dependency>
    <dependency><groupId>far</groupId><artifactId>jar</artifactId><systemPath>/x.jar</systemPath></dependency>
  </dependencies>
  <build><plugins><plugin><artifactId>maven-jar-plugin</artifactId></plugin></plugins></build>
  <profiles><profile><dependencies>
    <dependency><groupId>a</groupId><artifactId>b</artifactId></dependency>
  </dependencies></profile></profiles>
  <repositories><repository><id>inner</id><url>https://x.example</url></repository><repository/></repositories>
</project>"""

    assert shown(maven(text)) == [
        "maven+index:inner",
        "maven+index:repository",
        "maven+path:far:jar",
        "maven:${project.groupId}:own",
        "maven:a:b",
        "maven:org.apache.maven.plugins:maven-jar-plugin",
        "maven:org.springframework:spring-core",
        "maven:shop:parent",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<project>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><project>&a;</project>",
        "<project><dependency><groupId>a</groupId></dependency></project>",
    ],
)
def test_a_broken_pom_is_unreadable(text: str) -> None:
    with pytest.raises(ManifestUnreadableError):
        maven(text)


pieces = st.sampled_from(
    ['{"dependencies":', '{"a":', '"1"', "}", "[project]\n", "dependencies = [", '"x"', "]", "[dependencies]\n", "a = 1\n",
     "require (", ")", "\n", "-r ", "--x=", "<project>", "<dependency>", "</dependency>", "</project>", "=>", " ", "\\\n",
     "<?xml version='1.0' encoding='utf-7'?>", "[tool.poetry]\n", "\ufeff", "null"]
)  # fmt: skip


@pytest.mark.parametrize("reader", [npm, pypi, requirements, cargo, go, maven])
@given(text=st.text(max_size=80) | st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_read_or_unreadable_and_nothing_else(reader: Reader, text: str) -> None:
    try:
        found = reader(text)
    except ManifestUnreadableError:
        return
    assert all(d.name or d.source for d in found)
