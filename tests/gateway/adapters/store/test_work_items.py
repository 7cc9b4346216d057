"""The loop's memory of work items and findings."""

from typing import Any

import pytest

from gateway.adapters.store.store import Store
from gateway.core.errors import ConflictError, NotFoundError
from gateway.core.listings import WorkItem

FINDINGS = {"CVE-2026-1": {"severity": "high", "score": 9.8}, "CVE-2026-2": {"severity": "low"}}


async def opened(store: Store, key: str = "k1", **more: Any) -> WorkItem:
    given = {
        "project": "shop/checkout",
        "tracker": "SHOP",
        "title": "Upgrade openssl",
        "severity": "high",
        "trace": "trc_1",
        "findings": FINDINGS,
        **more,
    }
    return await store.work_items.open(key, **given)


async def told(store: Store, item: WorkItem) -> list[str]:
    rows = await store.archive.events(subject=item.id, event_type=None, after=None, limit=100)
    return [r.type for r in rows]


async def test_an_item_is_opened_linked_and_closed(store: Store) -> None:
    item = await opened(store)
    await store.work_items.link("k1", "SHOP-12")
    await store.work_items.link("k1", "SHOP-12")
    closed = await store.work_items.move("k1", "closed")

    known = await store.work_items.known("k1")
    assert item.findings == 2
    assert (closed.issue, closed.state) == ("SHOP-12", "closed")
    assert known is not None
    assert (known.issue, known.state, known.trace) == ("SHOP-12", "closed", "trc_1")
    assert await store.work_items.find("k1") == closed
    assert await told(store, item) == ["work_item.opened", "work_item.changed", "work_item.closed"]


async def test_a_key_has_one_item(store: Store) -> None:
    await opened(store)

    with pytest.raises(ConflictError, match="already"):
        await opened(store)


async def test_what_a_report_no_longer_shows_is_gone(store: Store) -> None:
    item = await opened(store)

    await store.work_items.saw("k1", ("CVE-2026-2",))
    fewer = await store.work_items.find("k1")
    await store.work_items.saw("k1", ("CVE-2026-2",))
    await store.work_items.saw("k1", ())
    none = await store.work_items.find("k1")

    assert fewer is not None
    assert none is not None
    assert (fewer.findings, none.findings) == (1, 0)
    assert (await told(store, item)).count("work_item.changed") == 2


async def test_an_unknown_key_is_said(store: Store) -> None:
    assert await store.work_items.known("none") is None
    for change in (store.work_items.link("none", "X-1"), store.work_items.saw("none", ())):
        with pytest.raises(NotFoundError):
            await change


async def test_items_are_listed_in_pages_newest_first(store: Store) -> None:
    items = [await opened(store, key=f"k{n}") for n in range(5)]

    first = await store.work_items.work_items(after=None, limit=3)
    second = await store.work_items.work_items(after=first[-1].id, limit=3)

    assert [i.id for i in (*first, *second)] == [i.id for i in reversed(items)]


async def test_titles_stand_beside_the_log(store: Store) -> None:
    item = await opened(store)

    row = (await store.archive.events(subject=item.id, event_type=None, after=None, limit=1))[0]

    assert row.disclosures["title"] == "Upgrade openssl"
    assert "openssl" not in str(row.leaf)


async def test_a_signal_that_came_in_is_an_event(store: Store) -> None:
    signal = await store.work_items.received(
        "trivy", digest="a" * 64, project="shop/checkout", findings=3, by="prn_owner"
    )

    row = (await store.archive.events(subject=signal, event_type=None, after=None, limit=1))[0]

    assert row.type == "signal.received"
    assert row.leaf["data"]["sha256"] == "a" * 64
