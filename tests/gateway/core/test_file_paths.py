"""Paths of a commit: refused when anybody might read them as another path."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import MalformedError
from gateway.core.file_paths import check_path
from gateway.core.params import CommitCreate
from gateway.core.secret_detectors import find
from tests.gateway.core.making import GITLAB, meant

BRANCH = {**GITLAB, "branch": "agent/x"}
SECRET = "glpat-" + "a1B2_" * 4


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b.txt",
        ".gitignore",
        ".gitmodules",
        ".github/x",
        "a.git",
        "a/.gitkeep",
        "with space",
        "ünï/cödé.md",
        "日本",
        "a" * 255,
        "-x",
        "a:b",
        "git~2",
        "...",
        "a..b",
    ],
)
def test_ordinary_paths_are_good(path: str) -> None:
    assert check_path(path, "/f") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "../a",
        "a/./b",
        ".git",
        ".git/config",
        "a/.GIT/x",
        ".Git",
        "git~1/x",
        "GIT~1",
        ".git.",
        ".git ",
        ".git:x",
        ".git::$INDEX_ALLOCATION",
        ".g\u200bit",
        "\uff0egit",
        "a\\b",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "a\u202eb",
        "a\u00a0b",
        "a\u2028b",
        "e\u0301",
        "a" * 256,
        "é" * 128,
        "\ud800",
    ],
)
def test_a_path_that_reads_as_another_is_refused(path: str) -> None:
    with pytest.raises(MalformedError) as caught:
        check_path(path, "/params/changes/0/path")

    assert caught.value.field == "/params/changes/0/path"


@given(st.text(max_size=40))
def test_an_accepted_path_stays_below_the_root_and_out_of_git(path: str) -> None:
    try:
        check_path(path, "/f")
    except MalformedError:
        return

    parts = path.split("/")
    assert all(part not in {"", ".", ".."} for part in parts)
    assert all(part.casefold() != ".git" for part in parts)
    assert path.isprintable()


def commit(*changes: dict[str, Any]) -> CommitCreate:
    """The params of a commit of those changes."""
    params = meant("commit.create", BRANCH, {"message": "m", "changes": list(changes)}).params
    assert isinstance(params, CommitCreate)
    return params


def refused(*changes: dict[str, Any]) -> str:
    """The field that is refused."""
    with pytest.raises(MalformedError) as caught:
        commit(*changes)
    return caught.value.field.removeprefix("/params/changes")


CREATE = {"op": "create", "path": "a", "content": "x"}


@pytest.mark.parametrize(
    "change",
    [
        CREATE,
        {"op": "create", "path": "a", "content": ""},
        {"op": "create", "path": "a", "content": "form\x0cfeed\x1b"},
        {"op": "create", "path": "a", "content_base64": "AAEC", "executable": True},
        {"op": "update", "path": "a", "content": "x", "executable": False},
        {"op": "delete", "path": "a"},
        {"op": "move", "path": "b", "previous_path": "a"},
        {"op": "move", "path": "b", "previous_path": "a", "content": "x"},
        {"op": "chmod", "path": "a", "executable": True},
    ],
)
def test_each_operation_takes_what_it_needs(change: dict[str, Any]) -> None:
    assert commit(change).changes[0].path == change["path"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"op": "create", "path": "a"}, "/0"),
        ({"op": "create", "path": "a", "content": "x", "content_base64": "QQ=="}, "/0"),
        ({"op": "create", "path": "a", "content": "x", "previous_path": "b"}, "/0/previous_path"),
        ({"op": "create", "path": "a", "content": "x\0"}, "/0/content"),
        ({"op": "update", "path": "a"}, "/0"),
        ({"op": "delete", "path": "a", "content": "x"}, "/0/content"),
        ({"op": "delete", "path": "a", "executable": True}, "/0/executable"),
        ({"op": "move", "path": "a"}, "/0"),
        ({"op": "move", "path": "a", "previous_path": "a"}, "/0"),
        ({"op": "move", "path": "a", "previous_path": "../a"}, "/0/previous_path"),
        ({"op": "move", "path": "b", "content": "x"}, "/0"),
        ({"op": "chmod", "path": "a"}, "/0"),
        ({"op": "chmod", "path": "a", "executable": True, "content": "x"}, "/0/content"),
        ({"op": "create", "path": "a", "content_base64": "QQ"}, "/0/content_base64"),
        ({"op": "create", "path": "a", "content_base64": "QR=="}, "/0/content_base64"),
        ({"op": "create", "path": "a", "content_base64": "Q Q=="}, "/0/content_base64"),
        ({"op": "create", "path": "a", "content_base64": "é"}, "/0/content_base64"),
        ({"op": "rename", "path": "a"}, "/0/op"),
        ({"op": "create", "path": "a", "content": "x", "mode": 1}, "/0/mode"),
        ({"op": "create", "path": "x" * 1025, "content": "x"}, "/0/path"),
    ],
)
def test_an_operation_that_does_not_add_up_is_refused(change: dict[str, Any], field: str) -> None:
    assert refused(change) == field


def test_one_commit_touches_a_path_once() -> None:
    assert refused(CREATE, {"op": "delete", "path": "a"}) == "/1"
    assert refused(CREATE, {"op": "move", "path": "b", "previous_path": "a"}) == "/1"
    assert (
        refused({"op": "create", "path": "d/x", "content": ""}, {"op": "create", "path": "d", "content": ""})
        == "/0/path"
    )
    folder_for_file = commit({"op": "delete", "path": "d"}, {"op": "create", "path": "d/x", "content": ""})
    assert len(folder_for_file.changes) == 2


def test_a_commit_changes_something_on_a_named_start() -> None:
    with pytest.raises(MalformedError, match="/params/changes"):
        commit()
    with pytest.raises(MalformedError, match="/params/start_branch"):
        meant("commit.create", BRANCH, {"message": "m", "changes": [CREATE], "start_branch": "x.lock"})
    started = meant("commit.create", BRANCH, {"message": "m", "changes": [CREATE], "start_branch": "main"})
    assert started.params.canonical()["start_branch"] == "main"


def test_secrets_in_contents_are_cut_out_and_named_by_path_and_line() -> None:
    encoded = base64.b64encode(b"\xff\n" + SECRET.encode() + b"\xfe").decode()
    action = meant(
        "commit.create",
        BRANCH,
        {
            "message": f"add {SECRET}",
            "changes": [
                {"op": "create", "path": "env", "content": f"a\nb={SECRET}\n"},
                {"op": "create", "path": "bin", "content_base64": encoded},
                {"op": "create", "path": "ok", "content_base64": "AAEC"},
            ],
        },
    )

    assert [(r.field, r.path, r.line) for r in action.redactions] == [
        ("/params/message", None, 1),
        ("/params/changes/0/content", "env", 2),
        ("/params/changes/1/content_base64", "bin", 2),
    ]
    params = action.params
    assert isinstance(params, CommitCreate)
    assert params.changes[0].content == "a\nb={redacted:gitlab-token}\n"
    stored = base64.b64decode(params.changes[1].content_base64 or "")
    assert stored == b"\xff\n{redacted:gitlab-token}\xfe"
    assert params.changes[2].content_base64 == "AAEC"


def test_contents_without_secrets_are_not_altered_by_a_byte() -> None:
    contents = "\ufeffa\r\n\tb\x0c\n\n  "

    assert commit({"op": "create", "path": "a", "content": contents}).changes[0].content == contents


@pytest.mark.parametrize(
    ("kind", "target", "params"),
    [
        ("commit.create", BRANCH, {"message": "m", "changes": [{"op": "delete", "path": f"x/{SECRET}"}]}),
        ("commit.create", {**GITLAB, "branch": f"agent/{SECRET}"}, {"message": "m", "changes": [CREATE]}),
        ("issue.create", GITLAB, {"title": "t", "labels": [SECRET]}),
        ("branch.create", BRANCH, {"from": SECRET}),
    ],
)
def test_a_name_with_a_secret_in_it_is_refused_without_repeating_it(
    kind: str, target: dict[str, Any], params: dict[str, Any]
) -> None:
    with pytest.raises(MalformedError, match="looks like a secret") as caught:
        meant(kind, target, params)

    assert find(caught.value.detail) == ()


def test_params_that_are_kept_as_they_came_lose_their_secrets_too() -> None:
    action = meant(
        "audit.redact",
        {"system": "loopgate", "subject": "prn_1"},
        {"x": [SECRET], "content_base64": SECRET, "path": 7, "n": 1},
    )

    assert SECRET not in action.model_dump_json()
    assert [r.field for r in action.redactions] == ["/params/x/0", "/params/content_base64"]
