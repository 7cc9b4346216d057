"""The index over a catalogue's globs answers as trying every glob does."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalogue import Catalogue, Service
from gateway.core.globs import matches_any

PARTS = st.sampled_from(["a", "b", "*", "**", "?", "a*", "*b", "a**", "services", ""])
GLOBS = st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(bool)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "services", "c"]), min_size=1, max_size=4).map("/".join)
SERVICES = st.builds(
    Service,
    name=st.sampled_from(["one", "two", "three"]),
    project=st.sampled_from(["shop/x", "shop/y"]),
    paths=st.lists(GLOBS, max_size=4).map(tuple),
)


@given(st.lists(SERVICES, max_size=6), PATHS)
def test_the_index_finds_what_trying_every_glob_finds(services: list[Service], path: str) -> None:
    catalogue = Catalogue(services=tuple(services))
    expected = {s.name for s in services if s.project == "shop/x" and matches_any(s.paths, path)}
    assert catalogue.services_at("shop/x", path) == expected


def test_a_copy_with_other_services_has_an_index_of_its_own() -> None:
    before = Catalogue(services=(Service(name="one", project="shop/x"),))
    after = before.model_copy(update={"services": (Service(name="two", project="shop/x"),)})
    assert before.services_at("shop/x", "a") == {"one"}
    assert after.services_at("shop/x", "a") == {"two"}
