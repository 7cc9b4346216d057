"""Content made to deceive: names, modes, encodings, sizes, histories. Everything ends in facts, nothing in a traceback."""

from collections.abc import Mapping

import pytest

from audit.canonical import canonical_bytes
from gateway.adapters.git.bounds import Bounds
from gateway.core.changes import Change
from tests.gateway.adapters.git.workshop import AGENT, MAYA_EMAIL, PROJECT, File, Upstream, Workshop

BRANCH = "agent/fix"
SECRET = b"token = glpat-A1b2C3d4E5f6G7h8I9j0\n"


async def measured(workshop: Workshop) -> Change:
    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    assert canonical_bytes(change.model_dump(mode="json"))
    return change


def branch(
    upstream: Upstream, files: Mapping[str, File] | Mapping[bytes, File], message: bytes = b"Change\n"
) -> str:
    return upstream.commit(BRANCH, files, message, start=upstream.head("main"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"policies/x\n.rego", '"policies/x\\n.rego"'),
        (b"caf\xe9.txt", '"caf\\351.txt"'),
        (b"a\tb", '"a\\tb"'),
        (b"a\x7fb", '"a\\177b"'),
        (b"\xed\xa0\x80", '"\\355\\240\\200"'),
        ("a\u2028b".encode(), '"a\\342\\200\\250b"'),
        ("a\u0085b".encode(), '"a\\302\\205b"'),
        (b'q"\\\n', '"q\\"\\\\\\n"'),
    ],
)
async def test_a_name_that_is_not_clean_text_is_shown_quoted_and_the_change_is_unusable(
    upstream: Upstream, workshop: Workshop, raw: bytes, shown: str
) -> None:
    branch(upstream, {raw: b"x\n"})
    change = await measured(workshop)
    assert change.paths == (shown,)
    assert change.truncated


async def test_clean_names_of_any_script_are_kept(upstream: Upstream, workshop: Workshop) -> None:
    names = ("日本/語.md", 'a "quoted" name', "-dash", ":(glob)x", "*", "with space", "a\\b")
    branch(upstream, dict.fromkeys(names, b"x\n"))
    change = await measured(workshop)
    assert change.paths == tuple(sorted(names))
    assert not change.truncated


async def test_a_message_that_is_not_utf8_is_escaped_and_unusable(
    upstream: Upstream, workshop: Workshop
) -> None:
    branch(upstream, {"a": b"a\n"}, b"caf\xe9\n")
    change = await measured(workshop)
    assert change.messages == ("caf\\xe9",)
    assert change.truncated


async def test_a_commit_that_names_another_encoding_is_unusable(
    upstream: Upstream, workshop: Workshop
) -> None:
    tree = upstream.git("rev-parse", "main^{tree}")
    raw = f"tree {tree}\nparent {upstream.head('main')}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n"
    commit = upstream.git(
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        stdin=(raw + "encoding UTF-7\n\n+AC8-merge\n").encode(),
    )
    upstream.git("update-ref", f"refs/heads/{BRANCH}", commit)
    change = await measured(workshop)
    assert change.truncated
    assert change.messages == ("+AC8-merge",)


async def test_a_secret_that_was_added_and_removed_is_found(upstream: Upstream, workshop: Workshop) -> None:
    branch(upstream, {"conf.ini": b"[a]\n" + SECRET})
    upstream.commit(BRANCH, {"conf.ini": None})
    change = await measured(workshop)
    assert change.files == ()
    assert [(s.detector, s.path, s.line) for s in change.secrets] == [("gitlab-token", "conf.ini", 2)]


async def test_a_secret_hidden_in_a_merge_commit_is_found(upstream: Upstream, workshop: Workshop) -> None:
    head = branch(upstream, {"a": b"a\n"})
    main = upstream.commit("main", {"b": b"b\n"}, author=MAYA_EMAIL)
    upstream.commit(BRANCH, {"b": b"b\n", "evil": SECRET}, start=head, merge=main)
    upstream.commit(BRANCH, {"evil": None})
    change = await measured(workshop)
    assert [s.path for s in change.secrets] == ["evil"]


async def test_what_the_default_branch_already_had_is_not_held_against_a_branch_that_merges_it(
    upstream: Upstream, workshop: Workshop
) -> None:
    head = branch(upstream, {"a": b"a\n"})
    main = upstream.commit("main", {"old": SECRET}, author=MAYA_EMAIL)
    upstream.commit(BRANCH, {"old": SECRET}, start=head, merge=main)
    change = await measured(workshop)
    assert change.secrets == ()
    assert change.paths == ("a",)
    assert change.base == main
    assert [c.author for c in change.commits] == [AGENT, AGENT]


async def test_a_secret_in_utf16_is_found(upstream: Upstream, workshop: Workshop) -> None:
    branch(upstream, {"a.txt": b"\xff\xfe" + SECRET.decode().encode("utf-16-le")})
    assert [s.detector for s in (await measured(workshop)).secrets] == ["gitlab-token"]


async def test_text_too_large_to_scan_makes_the_change_truncated(
    upstream: Upstream, workshop: Workshop
) -> None:
    limit = workshop.bounds.blob_bytes
    branch(upstream, {"big.txt": b"x" * limit + b"\n" + SECRET})
    assert (await measured(workshop)).truncated


async def test_a_large_binary_is_counted_and_not_scanned(upstream: Upstream, workshop: Workshop) -> None:
    branch(upstream, {"big.bin": b"\0" * (workshop.bounds.blob_bytes + 1)})
    change = await measured(workshop)
    assert [(f.path, f.binary, f.additions) for f in change.files] == [("big.bin", True, 0)]
    assert not change.truncated


async def test_attributes_cannot_make_text_binary(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {".gitattributes": b"* -diff -text binary\n"})
    branch(upstream, {"a.sql": b"DROP TABLE carts;\n", ".gitattributes": b"*.sql binary\n"})
    change = await measured(workshop)
    assert [(f.path, f.binary) for f in change.files] == [(".gitattributes", False), ("a.sql", False)]
    assert change.irreversible == ("sql-drop",)


async def test_modes_show_symbolic_links_submodules_and_executables(
    upstream: Upstream, workshop: Workshop
) -> None:
    module = upstream.head("main").encode()
    files: dict[str, File] = {
        "out": ("120000", b"../../etc/passwd"),
        "vendor": ("160000", module),
        ".gitmodules": b"[submodule]\n",
        "run.sh": ("100755", b"x\n"),
    }
    branch(upstream, files)
    change = await measured(workshop)
    assert {f.path: f.new_mode for f in change.files} == {
        "out": "120000",
        "vendor": "160000",
        ".gitmodules": "100644",
        "run.sh": "100755",
    }


async def test_a_file_that_becomes_a_link_is_read_on_both_sides(
    upstream: Upstream, workshop: Workshop
) -> None:
    files: dict[str, File] = {"README.md": ("120000", b"src/cart.js"), "z.sql": b"DROP TABLE carts;\n"}
    branch(upstream, files)
    change = await measured(workshop)
    assert [(f.path, f.status) for f in change.files] == [("README.md", "T"), ("z.sql", "A")]
    assert change.irreversible == ("sql-drop",)


async def test_a_rename_protects_both_names(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {"policies/gate.rego": b"package gate\n" * 9})
    branch(upstream, {"policies/gate.rego": None, "elsewhere.txt": b"package gate\n" * 9})
    change = await measured(workshop)
    assert [(f.status, f.previous_path, f.path) for f in change.files] == [
        ("R", "policies/gate.rego", "elsewhere.txt")
    ]
    assert change.paths == ("elsewhere.txt", "policies/gate.rego")


async def test_a_definition_that_is_moved_away_counts_as_deleted(
    upstream: Upstream, workshop: Workshop
) -> None:
    upstream.commit("main", {"k8s/db-statefulset.yml": b"kind: StatefulSet\n" * 9})
    branch(upstream, {"k8s/db-statefulset.yml": None, "attic/db.txt": b"kind: StatefulSet\n" * 9})
    change = await measured(workshop)
    assert [f.status for f in change.files] == ["R"]
    assert change.irreversible == ("stateful-definition-deleted",)


async def test_content_that_looks_like_a_diff_does_not_confuse_the_reader(
    upstream: Upstream, workshop: Workshop
) -> None:
    decoy = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n+DROP nothing\n\\ No newline at end of file\n"
    branch(upstream, {"a.patch": decoy + b"@@ -1 +1 @@", "b.sql": b"TRUNCATE TABLE carts;"})
    change = await measured(workshop)
    assert change.irreversible == ("sql-truncate",)
    assert not change.truncated


async def test_a_branch_with_no_common_history_is_measured_from_nothing(
    upstream: Upstream, workshop: Workshop
) -> None:
    upstream.git(
        "fast-import",
        "--quiet",
        stdin=b"commit refs/heads/agent/fix\ncommitter A <a@b> 1 +0000\ndata 2\nx\nM 100644 inline a\ndata 2\na\n",
    )
    change = await measured(workshop)
    assert change.base == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert change.paths == ("a",)


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(files=2),
        Bounds(commits=1),
        Bounds(blobs=2),
        Bounds(messages_bytes=1024),
        Bounds(patch_bytes=1024),
        Bounds(scanned_bytes=1024),
        Bounds(secrets=1),
    ],
    ids=lambda b: ",".join(sorted(set(Bounds.model_fields) & b.model_fields_set)),
)
async def test_every_limit_that_is_reached_makes_the_change_truncated(
    upstream: Upstream, workshop: Workshop, bounds: Bounds
) -> None:
    branch(upstream, {f"{n}.txt": SECRET * 100 for n in range(3)}, b"long " * 300)
    upstream.commit(BRANCH, {"more.txt": b"x\n"})
    limited = Workshop(workshop.forge, workshop.folder, bounds=bounds)
    assert (await measured(limited)).truncated
    await limited.mirrors.close()


async def test_the_same_content_within_limits_is_not_truncated(
    upstream: Upstream, workshop: Workshop
) -> None:
    branch(upstream, {f"{n}.txt": SECRET for n in range(3)}, b"long " * 300)
    upstream.commit(BRANCH, {"more.txt": b"x\n"})
    assert not (await measured(workshop)).truncated


@pytest.mark.slow
async def test_ten_thousand_files_in_one_commit_are_measured(upstream: Upstream, workshop: Workshop) -> None:
    branch(upstream, {f"many/{n % 100}/{n}.txt": b"%d\n" % n for n in range(9_999)})
    change = await measured(workshop)
    assert len(change.files) == 9_999
    assert not change.truncated


async def test_a_replace_object_at_the_forge_changes_nothing(upstream: Upstream, workshop: Workshop) -> None:
    head = branch(upstream, {"a": b"a\n", "b.sql": b"DROP TABLE carts;\n"})
    harmless = upstream.commit("agent/other", {"a": b"a\n"}, start=upstream.head("main"))
    upstream.git("replace", head, harmless)
    assert (await measured(workshop)).paths == ("a", "b.sql")
