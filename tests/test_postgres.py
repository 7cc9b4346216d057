"""The tests' own PostgreSQL: found where it was promised, gone when it is left."""

import os
import signal

import pytest

from tests.postgres import REQUIRED, binaries, need_postgresql, running_cluster


@pytest.mark.skipif(REQUIRED not in os.environ, reason=f"{REQUIRED} is set by .ci/run alone.")
def test_the_tests_on_postgresql_are_not_skipped_where_the_whole_suite_is_promised() -> None:
    assert binaries() is not None
    need_postgresql()


def test_a_cluster_is_gone_with_its_folder_when_it_is_left() -> None:
    with running_cluster() as cluster:
        assert cluster.run("SELECT 1") == [(1,)]
        folder, process = cluster.folder, cluster._process

    assert process is not None
    assert process.returncode is not None
    assert not folder.exists()


def test_a_cluster_that_was_stopped_as_by_a_crash_starts_again() -> None:
    with running_cluster() as cluster:
        cluster.run("CREATE TABLE kept (n int)")
        cluster.stop(signal.SIGQUIT)
        cluster.start()

        assert cluster.run("SELECT count(*) FROM kept") == [(0,)]
