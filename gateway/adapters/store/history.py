"""Recorded rulings with their policy inputs, oldest first: what replay reads."""

import json
from typing import Any

from sqlalchemy import Connection, Select, select

from gateway.adapters.store import rows, tables
from gateway.core.actions import Target
from gateway.core.aims import place_of
from gateway.core.recorded import RecordedRuling, RulingFilter, id_before, recorded


def rulings(
    connection: Connection, wanted: RulingFilter, *, after: str | None, limit: int
) -> tuple[RecordedRuling, ...]:
    """A page of the rulings that match; `after` is the last id of the page before."""
    return tuple(_recorded(row) for row in connection.execute(_matching(wanted, after).limit(limit)))


def _matching(wanted: RulingFilter, after: str | None) -> Select[Any]:
    ruling, action = tables.rulings.c, tables.actions.c
    # Ids begin with their time: the database starts at the first that can match, not at the beginning of all time.
    start = max(after or "", id_before("rul", wanted.since_ms))
    query = (
        select(ruling.body, ruling.document, action.agent, action.type, action.body.label("asked"))
        .join_from(tables.rulings, tables.actions, ruling.action_id == action.id)
        .where(ruling.id > start, ruling.judged_ms >= wanted.since_ms)
        .order_by(ruling.id)
    )
    if wanted.until_ms is not None:
        query = query.where(ruling.judged_ms < wanted.until_ms)
    return query if wanted.action_id is None else query.where(ruling.action_id == wanted.action_id)


def _recorded(row: Any) -> RecordedRuling:
    target = Target.model_validate(json.loads(row.asked)["target"])
    return recorded(
        rows.ruling_of(row),
        agent=row.agent,
        action_type=row.type,
        place=place_of(target),
        document=rows.load(row.document) if row.document else None,
    )
