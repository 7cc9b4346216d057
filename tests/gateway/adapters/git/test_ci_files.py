"""What the CI configuration reaches: at base and head, through includes, whatever it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.git.changes import ProjectShape
from gateway.adapters.git.ci_documents import CiUnreadableError, parsed_ci
from gateway.core.changes import CiFacts
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, File, Upstream, Workshop

BRANCH = "agent/ci"


async def facts(upstream: Upstream, workshop: Workshop, files: dict[str, File]) -> CiFacts:
    upstream.commit(BRANCH, files, start=upstream.head("main"))
    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    return change.ci


async def test_no_configuration_reaches_nothing(upstream: Upstream, workshop: Workshop) -> None:
    assert await facts(upstream, workshop, {"a": b"a\n"}) == CiFacts(jobs=0)


async def test_includes_are_followed_and_both_ends_count(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit(
        "main", {".gitlab-ci.yml": b"include: ci/old.yml\n", "ci/old.yml": b"d: {environment: staging}\n"}
    )
    new: dict[str, File] = {
        ".gitlab-ci.yml": b"include:\n- local: /ci/a.yml\n- project: g/p\n  file: [x.yml, y.yml]\n",
        "ci/a.yml": b"include: [ci/b.yml, 'https://evil.test/x.yml', {component: g/c@1}, {template: T.yml}]\n",
        "ci/b.yml": b"include: ci/a.yml\ndeploy:\n  environment: {name: production}\n  script: [./deploy.sh now, make]\n",
        "Makefile": b"all:\n",
    }
    found = await facts(upstream, workshop, new)
    assert found.local_includes == ("ci/a.yml", "ci/b.yml", "ci/old.yml")
    assert found.remote_includes == (
        "component:g/c@1",
        "https://evil.test/x.yml",
        "project:g/p:x.yml",
        "project:g/p:y.yml",
        "template:T.yml",
    )
    assert found.environments == ("production", "staging")
    assert found.scripts == ("Makefile", "deploy.sh")


async def test_wildcards_and_child_pipelines_are_includes(upstream: Upstream, workshop: Workshop) -> None:
    found = await facts(
        upstream,
        workshop,
        {
            ".gitlab-ci.yml": b"include: [ci/*.yml, deep/**.yml]\nkid: {trigger: {include: [{local: kid.yml}]}}\nfar: {trigger: g/p}\n",
            "ci/a.yml": b"{}\n",
            "ci/sub/b.yml": b"{}\n",
            "deep/x/y.yml": b"d: {environment: prod}\n",
            "kid.yml": b"k: {environment: review/$CI_COMMIT_REF_SLUG}\n",
        },
    )
    assert found.local_includes == ("ci/a.yml", "deep/x/y.yml", "kid.yml")
    assert found.remote_includes == ("project:g/p:",)
    assert found.environments == ("prod", "review/$CI_COMMIT_REF_SLUG")


@pytest.mark.parametrize(
    "text",
    [
        b"a: [",
        b"just text\n",
        b"- a list\n",
        b"x: &x\n  environment: !!python/object/apply:os.system [id]\n  <<: 3\n",
        b"\xff\xfe\x00",
        b"[" * 20_000,
        b"x" * 600_000,
    ],
)
async def test_a_configuration_that_cannot_be_read_reaches_the_unknown(
    upstream: Upstream, workshop: Workshop, text: bytes
) -> None:
    assert "unknown" in (await facts(upstream, workshop, {".gitlab-ci.yml": text})).environments


async def test_a_link_in_place_of_the_configuration_reaches_the_unknown(
    upstream: Upstream, workshop: Workshop
) -> None:
    found = await facts(upstream, workshop, {".gitlab-ci.yml": ("120000", b"README.md")})
    assert found.environments == ("unknown",)


async def test_a_chain_of_includes_without_end_reaches_the_unknown(
    upstream: Upstream, workshop: Workshop
) -> None:
    chain: dict[str, File] = {f"{n}.yml": b"include: %d.yml\n" % (n + 1) for n in range(200)}
    found = await facts(upstream, workshop, {".gitlab-ci.yml": b"include: 0.yml\n", **chain})
    assert found.environments == ("unknown",)
    assert len(found.local_includes) < 200


async def test_a_configuration_kept_elsewhere_is_a_remote_include(
    upstream: Upstream, workshop: Workshop
) -> None:
    workshop.shape = ProjectShape(ci_path="ci.yml@group/ci")
    found = await facts(upstream, workshop, {"a": b"a\n"})
    assert (found.remote_includes, found.environments) == (("ci.yml@group/ci",), ("unknown",))


async def test_another_configuration_path_is_read_instead(upstream: Upstream, workshop: Workshop) -> None:
    workshop.shape = ProjectShape(protected=("main",), ci_path="ops/ci.yml")
    found = await facts(
        upstream, workshop, {"ops/ci.yml": b"d: {environment: prod}\n", ".gitlab-ci.yml": b"["}
    )
    assert (found.config_path, found.environments) == ("ops/ci.yml", ("prod",))


def test_gitlabs_own_tags_and_headers_are_read() -> None:
    text = "spec:\n  inputs: {}\n---\na:\n  script: [!reference [.b, script], run.sh]\n  environment: !custom {name: x}\n"
    found = parsed_ci(text)
    assert found.environments == ("x",)
    assert "run.sh" in found.lines


def test_aliases_that_multiply_are_given_up() -> None:
    merged = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(50)) + "}\n"
    for n in range(1, 9):
        merged += f"b{n}: &b{n}\n  <<: [" + ", ".join([f"*b{n - 1}" if n > 1 else "*a"] * 50) + "]\n"
    with pytest.raises(CiUnreadableError):
        parsed_ci(merged)
    nested = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 12):
        nested += f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]\n"
    with pytest.raises(CiUnreadableError):
        parsed_ci(nested + "job: {script: *a11}\n")


def test_a_lone_surrogate_in_yaml_does_not_reach_the_facts() -> None:
    found = parsed_ci('a: {environment: "\\ud800"}\n')
    assert all(e.encode() for e in found.environments)


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text("a:-[]{}&*!|>'\" \n<", max_size=60)
)
def test_any_text_is_read_or_given_up(text: str) -> None:
    try:
        found = parsed_ci(text)
    except CiUnreadableError:
        return
    parts = (*found.local, *found.remote, *found.environments, *found.lines)
    assert [part.encode().decode() for part in parts] == list(parts)
