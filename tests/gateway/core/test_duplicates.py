"""Titles compared by their words: the same words are the same task, another version is another."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.duplicates import MOST_SHOWN, OpenItem, similar_to, similarity

TITLES = st.text(max_size=60)


def item(number: int, title: str) -> OpenItem:
    return OpenItem(key=f"SHOP-{number}", title=title, state="To Do")


def test_case_order_and_punctuation_make_no_other_task() -> None:
    assert similarity("Update jquery to 3.5.0", "update: JQUERY, to 3.5.0!") == 1000
    assert similarity("Update jquery to 3.5.0", "To update jquery 3.5.0") == 1000


def test_wide_letters_are_the_same_letters() -> None:
    assert similarity("\uff35pdate jquery", "update jquery") == 1000


def test_another_version_is_another_task() -> None:
    assert similarity("Update jquery to 3.5.0", "Update jquery to 3.6.0") == 750
    assert similarity("Mend CVE-2020-11022", "Mend CVE-2020-11023") == 500


def test_a_word_that_stands_twice_counts_twice() -> None:
    assert similarity("again and again", "again and") == 800


def test_titles_without_words_are_like_nothing() -> None:
    assert similarity("!!!", "???") == 0
    assert similarity("", "") == 0


@given(one=TITLES, other=TITLES)
def test_likeness_has_no_direction_and_stays_in_its_bounds(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) == similarity(other, one) <= 1000


@given(title=TITLES)
def test_a_title_with_words_is_wholly_like_itself(title: str) -> None:
    assert similarity(title, title) in ({1000} if any(c.isalnum() for c in title) else {0, 1000})


def test_the_likest_come_first_and_only_some_are_shown() -> None:
    others = [item(n, f"Update jquery to 3.5.{n}") for n in range(1, 8)]
    facts = similar_to("Update jquery to 3.5.7", [item(9, "Rest"), *others], bounded=True)

    assert [(c.key, c.similarity) for c in facts.candidates[:2]] == [("SHOP-7", 1000), ("SHOP-1", 750)]
    assert facts.candidates_total == len(facts.candidates) == MOST_SHOWN
    assert (facts.looked, facts.bounded) == (8, True)


def test_nothing_alike_is_no_candidate() -> None:
    assert similar_to("Update jquery", [item(1, "Rest")], bounded=False).candidates == ()
