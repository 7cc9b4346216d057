"""Who made what, matched by commit, patch and file version."""

from gateway.core.lineage import (
    EMPTY_BLOB,
    NO_BLOB,
    UNSEEN_PUSHER,
    CommitTrace,
    FileTrace,
    Known,
    SeenCommit,
    SeenFile,
    asked_about,
    makers_of,
    path_key,
    telling,
    traced,
)

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
A, B, C = "a" * 40, "b" * 40, "c" * 40
HERE, THERE = path_key(b"here"), path_key(b"there")


def seen(
    commit: str = TWO, *claims: str, poses: bool = False, patch: str | None = None, **files: tuple[str, str]
) -> SeenCommit:
    """A commit of these people; `here=(before, after)` names its files."""
    keys = {"here": HERE, "there": THERE}
    return SeenCommit(
        commit=commit,
        claims=claims or ("prn_b",),
        poses=poses,
        patch_id=patch,
        files=tuple(SeenFile(path_key=keys[k], before=(b,), after=a) for k, (b, a) in files.items()),
    )


def trace(*makers: str, commit: str = ONE, built: bool = False, blob: str = A) -> CommitTrace:
    return CommitTrace(
        commit=commit,
        patch_id="p" * 40,
        makers=makers or ("prn_a",),
        built=built,
        files=(FileTrace(path_key=HERE, blob=blob),),
    )


def makers(commit: SeenCommit, known: Known, base: dict[str, str] | None = None) -> tuple[str, ...]:
    return makers_of(traced((commit,), known, base or {}))


def test_a_commit_that_matches_nothing_has_its_own_makers_and_the_last_ones_of_its_paths() -> None:
    fresh = seen(here=(NO_BLOB, A))

    assert makers(fresh, Known()) == ("prn_b",)
    assert makers(fresh, Known(latest={HERE: trace()})) == ("prn_a", "prn_b")
    assert makers(fresh, Known(latest={THERE: trace()})) == ("prn_b",)


def test_the_same_patch_or_the_same_version_of_a_file_has_the_same_makers() -> None:
    assert makers(seen(patch="p" * 40), Known(patches={"p" * 40: (trace(),)})) == ("prn_a", "prn_b")
    assert makers(seen(here=(NO_BLOB, A)), Known(blobs={A: (trace(),)})) == ("prn_a", "prn_b")
    matched = Known(blobs={A: (trace(),)}, latest={HERE: trace("prn_c")})
    assert makers(seen(here=(NO_BLOB, A)), matched) == ("prn_a", "prn_b")
    by_patch = Known(patches={"p" * 40: (trace(),)}, latest={HERE: trace("prn_c")})
    assert makers(seen(patch="p" * 40, here=(NO_BLOB, C)), by_patch) == ("prn_a", "prn_b")


def test_the_version_a_change_started_from_counts_unless_it_is_trusted() -> None:
    known = Known(blobs={A: (trace(),)}, commits={TWO: trace("prn_b", commit=TWO)})

    assert makers(seen(here=(A, B)), known) == ("prn_a", "prn_b")
    assert makers(seen(here=(A, B)), known, {HERE: A}) == ("prn_b",)


def test_the_empty_file_and_the_absent_one_say_nothing() -> None:
    everybody = Known(blobs={EMPTY_BLOB: (trace(),), NO_BLOB: (trace(),)})

    assert makers(seen(here=(NO_BLOB, EMPTY_BLOB)), everybody) == ("prn_b",)
    assert telling((NO_BLOB, EMPTY_BLOB, B, A, A)) == (A, B)


def test_what_an_earlier_commit_of_the_range_made_is_known_to_the_later_one() -> None:
    first, second = seen(ONE, "prn_a", here=(NO_BLOB, A)), seen(TWO, "prn_b", here=(A, B))

    traces = traced((first, second), Known(), {})

    assert [t.makers for t in traces] == [("prn_a",), ("prn_a", "prn_b")]
    assert traces[1].files == (FileTrace(path_key=HERE, blob=B),)


def test_a_commit_that_poses_as_the_gateways_work_has_an_unseen_pusher() -> None:
    posing = seen(TWO, "agt_fixer", poses=True, patch="q" * 40, here=(NO_BLOB, A), there=(NO_BLOB, B))
    own = trace("agt_fixer", commit=TWO, built=True)

    assert UNSEEN_PUSHER in makers(posing, Known())
    assert UNSEEN_PUSHER in makers(posing, Known(blobs={A: (trace("agt_fixer"),)}))
    assert UNSEEN_PUSHER in makers(seen(TWO, "agt_fixer", poses=True, here=(A, NO_BLOB)), Known())
    assert makers(posing, Known(commits={TWO: own})) == ("agt_fixer",)
    assert traced((posing,), Known(commits={TWO: own}), {})[0].built
    assert makers(posing, Known(patches={"q" * 40: (trace("agt_fixer"),)})) == ("agt_fixer",)
    whole = Known(blobs={A: (trace("agt_fixer"),), B: (trace("prn_c"),)})
    assert makers(posing, whole) == ("agt_fixer", "prn_c")


def test_what_is_asked_covers_commits_patches_versions_and_paths() -> None:
    asked = asked_about((seen(TWO, patch="p" * 40, here=(A, B)), seen(THREE, there=(NO_BLOB, A))))

    assert asked.commits == (TWO, THREE)
    assert asked.patches == ("p" * 40,)
    assert asked.blobs == (A, B)
    assert asked.path_keys == tuple(sorted((HERE, THERE)))
