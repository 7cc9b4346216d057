"""What the policy sees of a change: kinds, sizes, links, dependencies and the words of commits."""

from gateway.core.change_input import KindInput, SymlinkInput, commit_inputs, diff_input
from gateway.core.changes import CommitFact
from tests.gateway.core.making import HEAD, change, changed


def test_paths_of_a_kind_are_listed_with_old_names_too() -> None:
    moved = changed("infra/net.tf", previous_path="terraform/net.txt", size=10)

    seen = diff_input(change(moved, changed("src/app.js", size=3)))

    assert seen.kinds == (
        KindInput(path="infra/net.tf", kind="infrastructure"),
        KindInput(path="terraform/net.txt", kind="infrastructure"),
    )
    assert seen.kinds_total == 2


def test_no_more_than_a_hundred_of_a_kind_are_listed() -> None:
    locks = [changed(f"p{n:03d}/go.sum", size=1) for n in range(101)]

    cut, whole = diff_input(change(*locks, changed("z/go.mod"))), diff_input(change(*locks[:100]))

    assert (cut.kinds_total, cut.kinds_cut, cut.kinds[-1].path) == (101, True, "z/go.mod")
    assert (whole.kinds_total, whole.kinds_cut) == (100, False)


def test_sizes_and_names_are_of_what_is_put_in() -> None:
    gone = changed("a/very/long/name/of/a/file.exe", new_mode="000000", size=0)
    module = changed("vendor/a/very/long/name.dll", new_mode="160000")

    seen = diff_input(
        change(gone, module, changed("b.JS", size=7), changed("c/d.md", size=5), patch_bytes=12)
    )

    assert (seen.extensions, seen.extensions_total) == (("js", "md"), 2)
    assert seen.longest_path == len("c/d.md")
    assert (seen.largest_path, seen.largest_bytes, seen.patch_bytes) == ("b.JS", 7, 12)


def test_a_file_of_unknown_size_may_be_the_largest() -> None:
    seen = diff_input(change(changed("a", size=7), changed("b")))

    assert (seen.largest_path, seen.largest_bytes) == ("b", None)


def test_a_change_that_puts_nothing_in_has_nothing_large() -> None:
    seen = diff_input(change(changed("a", new_mode="000000", size=0)))

    assert (seen.largest_path, seen.largest_bytes, seen.longest_path, seen.extensions) == (None, 0, 0, ())


def test_a_link_says_where_it_leads() -> None:
    links = (
        changed("docs/in", new_mode="120000", link="../src/app.js", size=13),
        changed("docs/out", new_mode="120000", link="/etc/passwd", size=11),
        changed("docs/unread", new_mode="120000", size=9),
    )

    seen = diff_input(change(*links))

    assert seen.symlinks == (
        SymlinkInput(path="docs/in", target="src/app.js", escapes=False),
        SymlinkInput(path="docs/out", target=None, escapes=True),
        SymlinkInput(path="docs/unread", target=None, escapes=True),
    )


def test_dependencies_travel_with_their_totals() -> None:
    seen = diff_input(change(dependencies=("npm:a", "npm:b"), unread_manifests=("Gemfile",)))

    assert (seen.dependencies_added, seen.dependencies_added_total) == (("npm:a", "npm:b"), 2)
    assert (seen.manifests_unread, seen.manifests_unread_total) == (("Gemfile",), 1)


def test_a_commit_is_seen_with_its_words() -> None:
    told = CommitFact(
        id=HEAD,
        author="agt_fixer",
        committer="gateway",
        foreign=False,
        parents=2,
        subject="fix: x",
        signed_off=True,
        domain="shop.example",
    )

    (seen,) = commit_inputs(change(commits=(told,)))

    assert (seen.parents, seen.subject, seen.signed_off, seen.domain) == (2, "fix: x", True, "shop.example")
