"""Metrics tell what is stored, on a port of their own."""

import socket
from pathlib import Path

import httpx2

from gateway.doors.metrics import Meters, StoredFigures, exported, serve_metrics
from tests.gateway.adapters.store.world import World


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_scrape_shows_actions_by_state_and_the_size_of_the_log(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.create()
    with world.store() as store:
        action = world.action()
        await store.ledger.admit(action)
        await store.ledger.record(world.deny(action))
        port = free_port()
        stop = serve_metrics(port, exported(Meters(), StoredFigures(store.figures, world.clock.now_ms)))
        try:
            text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
        finally:
            stop()

    assert 'loopgate_actions{state="denied",type="issue.comment"} 1.0' in text
    assert "loopgate_log_events 4.0" in text
