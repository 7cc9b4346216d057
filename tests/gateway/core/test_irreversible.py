"""Signs that a change cannot be taken back by reverting it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import irreversible
from gateway.core.irreversible import signals, tag_signals
from gateway.core.vocabulary import ActionType

ADDED = {
    "sql-drop": ("DROP TABLE users;", "alter table a drop column b", "  drop   index x"),
    "sql-truncate": ("TRUNCATE TABLE users", "truncate users;"),
    "orm-drop": (
        "op.drop_column('a', 'b')",
        "remove_column :a, :b",
        "migrations.RemoveField(",
        "Schema::dropTable",
    ),
    "terraform-protection-off": (
        "  prevent_destroy = false",
        "deletion_protection: false",
        '"force_destroy": true,',
        "skip_final_snapshot = true",
    ),
    "cluster-delete": ("kubectl -n shop delete pvc data", "helm uninstall shop", "oc delete project x"),
    "cloud-delete": (
        "aws s3 rb s3://b",
        "aws rds delete-db-instance --x",
        "gsutil -m rm -r gs://x",
        "gcloud sql instances delete x",
        "az group delete -n x",
        "terraform destroy -auto-approve",
    ),
    "retention-zero": ("retention_days = 0", '"retention": "0d",', "log_retention_in_days: 0"),
    "publish": (
        "npm publish",
        "twine upload dist/*",
        "git push origin --tags",
        "git tag v1",
        "glab release create v1",
    ),
    "history-rewrite": (
        "git push --force origin main",
        "git push -f",
        "git filter-repo --path x",
        "git push --mirror",
    ),
    "key-rotation": (
        "rotate-keys --all",
        "revoke_credentials()",
        "schedule-key-deletion",
        "openssl genpkey -out k",
    ),
}
CASES = [(name, line) for name, lines in ADDED.items() for line in lines]


@pytest.mark.parametrize(("name", "line"), CASES)
def test_each_sign_is_seen_in_an_added_line(name: str, line: str) -> None:
    assert name in signals("script.txt", added=["before", line, "after"], removed=[], deleted=False)


@pytest.mark.parametrize(("name", "line"), CASES)
def test_a_removed_sign_is_none(name: str, line: str) -> None:
    assert name not in signals("script.txt", added=[], removed=[line], deleted=False)


@pytest.mark.parametrize(
    "line",
    [
        "drop the ball",
        "dropdown table",
        "retention_days = 30",
        "retention = 0.5",
        "prevent_destroy = true",
        "kubectl get pods",
        "aws s3 ls",
        "git push --force-with-lease origin x",
        "DELETE FROM users",
        "select 1",
        "npm install",
        "rotate the image",
        "force_destroy = false",
    ],
)
def test_what_can_be_reverted_gives_no_sign(line: str) -> None:
    assert signals("notes.txt", added=[line], removed=[], deleted=False) == ()


@pytest.mark.parametrize("path", ["db/migrations/1.py", "x.sql", "a/alembic/versions/1.py"])
def test_a_delete_of_everything_is_a_sign_where_sql_is_at_home(path: str) -> None:
    lines = ["DELETE FROM users", ";", "SELECT 1"]

    assert signals(path, added=lines, removed=[], deleted=False) == ("sql-delete-all",)
    assert signals(path, added=["DELETE FROM users", "WHERE id = 1;"], removed=[], deleted=False) == ()


@pytest.mark.parametrize(
    "path", ["main.tf", "k8s/statefulset.yaml", "k8s/db-PVC.yaml", "a/persistent-volume.yml"]
)
def test_deleting_what_holds_state_is_a_sign(path: str) -> None:
    assert signals(path, added=[], removed=["x"], deleted=True) == ("stateful-definition-deleted",)
    assert signals(path, added=["x"], removed=[], deleted=False) == ()


def test_deleting_anything_else_is_none() -> None:
    assert signals("README.md", added=[], removed=["DROP TABLE x"], deleted=True) == ()


def test_taking_a_protection_away_is_a_sign_and_moving_it_is_none() -> None:
    guard = "    prevent_destroy = true"

    assert signals("a.tf", added=[], removed=[guard], deleted=False) == ("terraform-protection-off",)
    assert signals("a.tf", added=["  prevent_destroy=true"], removed=[guard], deleted=False) == ()


def test_changing_how_releases_are_made_is_a_sign() -> None:
    assert signals(".github/workflows/release.yml", added=["x"], removed=[], deleted=False) == ("publish",)


def test_a_sign_at_the_end_of_a_very_long_line_is_seen() -> None:
    assert signals("a.min.js", added=["x;" * 500_000 + " DROP TABLE users"], removed=[], deleted=False) == (
        "sql-drop",
    )


def test_a_statement_may_go_over_several_lines() -> None:
    assert "sql-drop" in signals("a.py", added=['q = "DROP', 'TABLE users"'], removed=[], deleted=False)


@pytest.mark.parametrize(
    "piece", ["aws ", "git push ", "kubectl ", "gpg ", "retention", "DELETE FROM ", "drop ", "   "]
)
def test_long_lines_of_near_misses_take_no_noticeable_time(piece: str) -> None:
    lines = [piece * (500_000 // len(piece)), *[piece * 1000] * 100]
    before = time.process_time()

    signals("a.sql", added=lines, removed=lines, deleted=False)

    assert time.process_time() - before < 8


@pytest.mark.parametrize("name", sorted({*irreversible._ADDED, *irreversible._SQL}))
@given(data=st.data())
def test_no_pattern_matches_without_one_of_its_words(name: str, data: st.DataObject) -> None:
    pattern = {**irreversible._ADDED, **irreversible._SQL}[name]
    text = data.draw(st.from_regex(pattern, alphabet=st.characters(codec="ascii")))
    assert any(word in text.lower() for word in irreversible._WORDS[name])


@pytest.mark.parametrize(
    ("kind", "protected", "released", "signs"),
    [
        (ActionType.TAG_CREATE, True, False, ("publish",)),
        (ActionType.TAG_CREATE, False, True, ()),
        (ActionType.TAG_DELETE, True, False, ("release-deleted",)),
        (ActionType.TAG_DELETE, False, True, ("release-deleted",)),
        (ActionType.TAG_DELETE, False, False, ()),
    ],
)
def test_a_tag_others_take_for_a_release_is_told(
    kind: ActionType, *, protected: bool, released: bool, signs: tuple[str, ...]
) -> None:
    assert tag_signals(kind, protected=protected, released=released) == signs


def test_case_beyond_ascii_hides_nothing() -> None:
    # The long s is an s in another case, but not to `str.lower`.
    assert signals("a.sql", added=("GIT PUSH origin --tag\u017f",), removed=(), deleted=False) == ("publish",)
