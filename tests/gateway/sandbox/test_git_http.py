"""Real git over smart HTTP: clone, fetch, push, and who may push where."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.sandbox.git.http import password, split_git_path
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.sandbox.worlds import Copy

ZERO = "0" * 40


def branches(sandbox: Sandbox) -> dict[str, str]:
    project = sandbox.forge.project_at("shop/checkout")
    assert project
    return project.repository.branches()


def test_a_developer_pushes_a_branch(sandbox: Sandbox, copy: Copy) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"})

    assert branches(sandbox)["agent/one"] == head


def test_a_developer_does_not_push_to_a_protected_branch(sandbox: Sandbox, copy: Copy) -> None:
    before = branches(sandbox)["main"]
    copy.commit("main", {"a.txt": "1\n"})

    done = copy.push("main")

    assert done.returncode == 1
    assert "GitLab: You are not allowed to push code to protected branches on this project." in done.stderr
    assert branches(sandbox)["main"] == before


def test_one_refused_ref_refuses_the_whole_push(sandbox: Sandbox, copy: Copy) -> None:
    copy.commit("agent/one", {"a.txt": "1\n"})

    assert copy.push("agent/one", "agent/one:main").returncode == 1
    assert "agent/one" not in branches(sandbox)


def test_a_developer_does_not_delete_a_protected_branch(sandbox: Sandbox, copy: Copy) -> None:
    done = copy.push(":main")

    assert "not allowed to delete protected branches" in done.stderr
    assert "main" in branches(sandbox)


def test_a_maintainer_pushes_to_a_protected_branch_but_does_not_rewrite_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    copy = Copy(sandbox, tmp_path / "copy", sandbox.tokens.merge)
    head = copy.publish("main", {"a.txt": "1\n"})
    copy.git("reset", "-q", "--hard", "HEAD~1")
    copy.commit("main", {"b.txt": "2\n"})

    done = copy.push("main", force=True)

    assert "not allowed to force push" in done.stderr
    assert branches(sandbox)["main"] == head


def test_an_unprotected_branch_may_be_rewritten_and_deleted(sandbox: Sandbox, copy: Copy) -> None:
    copy.publish("agent/one", {"a.txt": "1\n"})
    copy.git("reset", "-q", "--hard", "HEAD~1")
    head = copy.commit("agent/one", {"b.txt": "2\n"})

    assert copy.push("agent/one").returncode == 1
    assert copy.push("agent/one", force=True).returncode == 0
    assert branches(sandbox)["agent/one"] == head
    assert copy.push(":agent/one").returncode == 0
    assert "agent/one" not in branches(sandbox)


def test_a_lease_protects_what_somebody_else_pushed(sandbox: Sandbox, copy: Copy) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"})
    copy.commit("agent/one", {"b.txt": "2\n"})

    stale = copy.git("push", f"--force-with-lease=agent/one:{ZERO}", "origin", "agent/one", check=False)

    assert stale.returncode == 1
    assert branches(sandbox)["agent/one"] == head


def test_refs_outside_branches_and_tags_are_refused(copy: Copy) -> None:
    copy.commit("agent/one", {"a.txt": "1\n"})

    assert (
        "not allowed to update refs/merge-requests/1/head"
        in copy.push("agent/one:refs/merge-requests/1/head").stderr
    )


@pytest.mark.parametrize(
    ("token", "project", "reason"),
    [
        ("wrong", "shop/checkout", "Authentication failed"),
        ("sandbox-outsider-token", "shop/checkout", "not found"),
        ("sandbox-road-token", "shop/nowhere", "not found"),
    ],
)
def test_strangers_do_not_clone(
    sandbox: Sandbox, tmp_path: Path, token: str, project: str, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        Copy(sandbox, tmp_path / "copy", token, project)


def test_a_token_that_only_reads_clones_but_does_not_push(sandbox: Sandbox, tmp_path: Path) -> None:
    copy = Copy(sandbox, tmp_path / "copy", sandbox.tokens.read_only)
    copy.commit("agent/one", {"a.txt": "1\n"})

    assert "403" in copy.push("agent/one").stderr


def test_shallow_and_partial_clones_and_a_fetch_of_a_bare_id(
    sandbox: Sandbox, copy: Copy, tmp_path: Path
) -> None:
    first = copy.git("rev-list", "--max-parents=0", "HEAD").stdout.strip()
    for option in ("--depth=1", "--filter=blob:none"):
        copy.git("clone", "-q", option, copy.address, str(tmp_path / option), inside=False)
    copy.git("init", "-q", str(tmp_path / "bare"), inside=False)

    copy.git("-C", str(tmp_path / "bare"), "fetch", "-q", copy.address, first, inside=False)

    assert sandbox.forge.project_at("shop/checkout")


def test_a_push_of_a_large_pack_is_streamed(sandbox: Sandbox, copy: Copy) -> None:
    """Over 1 MiB git probes with an empty request and then sends chunks."""
    noise = "".join(f"{number * number * 7919:x}\n" for number in range(300_000))
    copy.git("config", "core.compression", "0")

    head = copy.publish("agent/large", {"large.txt": noise})

    assert branches(sandbox)["agent/large"] == head


def test_a_push_whose_reply_is_lost_has_happened(sandbox: Sandbox, copy: Copy) -> None:
    head = copy.commit("agent/one", {"a.txt": "1\n"})
    sandbox.switches.add(Fault("lose_reply", method="POST", path=r"/shop/checkout\.git/git-receive-pack"))

    assert copy.push("agent/one").returncode != 0
    assert branches(sandbox)["agent/one"] == head


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Basic YTpi", "b"),
        ("basic YTpiOmM=", "b:c"),
        ("Bearer abc", "abc"),
        ("Basic !", None),
        ("Digest abc", None),
        (None, None),
    ],
)
def test_the_password_is_the_token(header: str | None, secret: str | None) -> None:
    assert password(header) == secret


@pytest.mark.parametrize(
    "path", ["/shop/checkout/info/refs", "/shop/checkout.git/HEAD", "/shop/checkout.git/info/lfs"]
)
def test_only_the_smart_protocol_is_served(path: str) -> None:
    assert split_git_path(path) is None


def test_parallel_pushes_all_arrive_and_each_starts_its_pipeline(sandbox: Sandbox, tmp_path: Path) -> None:
    copies = [Copy(sandbox, tmp_path / str(number)) for number in range(6)]
    heads = {
        f"agent/{number}": copy.commit(f"agent/{number}", {"a.txt": f"{number}\n"})
        for number, copy in enumerate(copies)
    }

    with ThreadPoolExecutor(len(copies)) as pool:
        done = list(pool.map(lambda pair: pair[1].push(pair[0]), zip(heads, copies, strict=True)))

    assert [each.returncode for each in done] == [0] * 6
    assert {name: head for name, head in branches(sandbox).items() if name != "main"} == heads
    started = {run.ref: run.sha for run in sandbox.forge.projects[1].pipelines.values() if run.ref != "main"}
    assert started == heads


def backends(sandbox: Sandbox) -> list[str]:
    """The processes that serve this sandbox's repositories now."""
    places = [each / "environ" for each in Path("/proc").iterdir() if each.name.isdigit()]
    mark = f"GIT_PROJECT_ROOT={sandbox.forge.folder}".encode()
    return [str(place.parent) for place in places if mark in read(place)]


def read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes where Linux lists them"
)
def test_a_client_that_goes_away_in_the_middle_of_a_push_leaves_nothing_behind(
    sandbox: Sandbox, copy: Copy
) -> None:
    host, port = sandbox.gitlab_url.removeprefix("http://").split(":")
    credential = base64.b64encode(f"any:{sandbox.tokens.road}".encode()).decode()
    head = (
        "POST /shop/checkout.git/git-receive-pack HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\nAuthorization: Basic {credential}\r\nContent-Length: 100000\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\n\r\n0"
    )
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(head.encode())

    copy.commit("agent/one", {"a.txt": "1\n"})
    assert copy.push("agent/one").returncode == 0
    assert backends(sandbox) == []
    assert set(branches(sandbox)) == {"main", "agent/one"}
