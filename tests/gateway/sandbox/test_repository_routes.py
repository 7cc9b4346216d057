"""Branches, commits, comparisons, trees and files over the API."""

import base64

import httpx2
import pytest

from tests.gateway.sandbox.worlds import CHECKOUT, Copy

GIT = f"{CHECKOUT}/repository"


def test_a_branch_is_made_read_and_deleted(road: httpx2.Client) -> None:
    main = road.get(f"{GIT}/branches/main").json()
    made = road.post(f"{GIT}/branches", json={"branch": "agent/one", "ref": "main"})

    assert (made.status_code, made.json()["commit"]["id"]) == (201, main["commit"]["id"])
    assert road.get(f"{GIT}/branches/agent%2Fone").json() == made.json()
    assert [each["name"] for each in road.get(f"{GIT}/branches?search=agent").json()] == ["agent/one"]
    assert road.delete(f"{GIT}/branches/agent%2Fone").status_code == 204
    assert road.get(f"{GIT}/branches/agent%2Fone").json() == {"message": "404 Branch Not Found"}


def test_branches_tell_protection_per_caller(road: httpx2.Client, maintainer: httpx2.Client) -> None:
    seen = {
        who: client.get(f"{GIT}/branches/main").json()
        for who, client in (("road", road), ("merge", maintainer))
    }

    assert (seen["road"]["can_push"], seen["merge"]["can_push"]) == (False, True)
    assert (seen["road"]["protected"], seen["road"]["default"], seen["road"]["developers_can_merge"]) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"branch": "main", "ref": "main"}, 403, "403 Forbidden"),
        ({"branch": "agent/a b", "ref": "main"}, 400, "Branch name is invalid"),
        ({"branch": "agent/x", "ref": "nowhere"}, 400, "Invalid reference name: nowhere"),
        ({"branch": "agent/x", "ref": "--help"}, 400, "Invalid reference name: --help"),
        ({"branch": "agent/nul\0", "ref": "main"}, 400, "Branch name is invalid"),
    ],
)
def test_a_branch_that_cannot_be_is_refused(
    road: httpx2.Client, body: dict[str, str], status: int, message: str
) -> None:
    answer = road.post(f"{GIT}/branches", json=body)

    assert (answer.status_code, answer.json()) == (status, {"message": message})


def test_a_branch_is_not_made_twice(road: httpx2.Client) -> None:
    body = {"branch": "agent/one", "ref": "main"}

    assert [road.post(f"{GIT}/branches", json=body).status_code for _ in range(2)] == [201, 400]


def test_protected_branches_are_not_deleted(maintainer: httpx2.Client) -> None:
    assert maintainer.delete(f"{GIT}/branches/main").status_code == 403


def test_commits_are_listed_newest_first_without_totals(road: httpx2.Client) -> None:
    answer = road.get(f"{GIT}/commits?ref_name=main&per_page=2")

    assert [each["title"] for each in answer.json()] == ["Count each line of the cart", "Add up the cart"]
    assert "X-Total" not in answer.headers
    ranged = road.get(f"{GIT}/commits", params={"ref_name": f"{answer.json()[1]['id']}..main"}).json()
    assert [each["title"] for each in ranged] == ["Count each line of the cart"]
    assert len(road.get(f"{GIT}/commits?path=src/cart.js").json()) == 2
    assert road.get(f"{GIT}/commits?ref_name=nowhere").status_code == 404


def test_a_commit_tells_its_statistics_and_pipeline(road: httpx2.Client) -> None:
    commit = road.get(f"{GIT}/commits/main").json()

    assert commit["stats"] == {"additions": 1, "deletions": 1, "total": 2}
    assert (commit["last_pipeline"]["status"], commit["status"]) == ("success", "success")
    assert road.get(f"{GIT}/commits/{commit['id'][:10]}").json()["id"] == commit["id"]
    first = road.get(f"{GIT}/commits?per_page=100").json()[-1]["id"]
    assert len(road.get(f"{GIT}/commits/{first}/diff").json()) == 7


def test_a_comparison_starts_at_the_merge_base(road: httpx2.Client, copy: Copy) -> None:
    copy.git("mv", "src/cart.js", "src/basket.js")
    head = copy.publish("agent/one", {"run.sh": "#!/bin/sh\n"})

    found = road.get(f"{GIT}/compare", params={"from": "main", "to": "agent/one"}).json()

    assert (found["commit"]["id"], len(found["commits"])) == (head, 1)
    moved = next(each for each in found["diffs"] if each["renamed_file"])
    assert (moved["old_path"], moved["new_path"]) == ("src/cart.js", "src/basket.js")
    same = road.get(f"{GIT}/compare", params={"from": "main", "to": "main", "straight": True}).json()
    assert (same["compare_same_ref"], same["commit"]) == (True, None)
    assert road.get(f"{GIT}/compare?from=main&to=nowhere").status_code == 404


def test_trees_and_files_are_read(road: httpx2.Client) -> None:
    names = [each["path"] for each in road.get(f"{GIT}/tree?path=src&ref=main").json()]
    deep = {each["path"]: each["type"] for each in road.get(f"{GIT}/tree?recursive=true&per_page=100").json()}
    file = road.get(f"{GIT}/files/src%2Fcart.js?ref=main").json()
    raw = road.get(f"{GIT}/files/src%2Fcart.js/raw")

    assert names == ["src/cart.js", "src/index.js"]
    assert (deep["src"], deep["policies/README.md"]) == ("tree", "blob")
    assert base64.b64decode(file["content"]) == raw.content
    assert (file["file_name"], file["size"]) == ("cart.js", len(raw.content))


@pytest.mark.parametrize(
    "path",
    [
        "tree?path=nowhere",
        "tree?ref=nowhere",
        "files/nowhere?ref=main",
        "files/README.md?ref=nowhere",
        "commits/nowhere",
    ],
)
def test_what_is_not_in_the_repository_is_404(road: httpx2.Client, path: str) -> None:
    assert road.get(f"{GIT}/{path}").status_code == 404


def test_binary_files_have_no_hunks(road: httpx2.Client, copy: Copy) -> None:
    (copy.folder / "blob.bin").write_bytes(bytes(range(256)))
    copy.publish("agent/one", {"a.txt": "1\n"})

    diffs = {each["new_path"]: each["diff"] for each in road.get(f"{GIT}/commits/agent%2Fone/diff").json()}

    assert diffs["blob.bin"].startswith("Binary files")


def test_members_and_protection_are_told(road: httpx2.Client) -> None:
    levels = {each["username"]: each["access_level"] for each in road.get(f"{CHECKOUT}/members/all").json()}

    assert levels == {"maya": 40, "loopgate-road": 30, "loopgate-merge": 40}
    assert road.get(f"{CHECKOUT}/members/4").status_code == 404
    rule = road.get(f"{CHECKOUT}/protected_branches/main").json()
    assert (rule["push_access_levels"][0]["access_level"], rule["allow_force_push"]) == (40, False)
    assert road.get(f"{CHECKOUT}/protected_branches/other").status_code == 404
    assert road.get(CHECKOUT).json()["permissions"]["project_access"]["access_level"] == 30
    assert road.get("/metadata").json()["enterprise"] is True
