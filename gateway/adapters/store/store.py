"""The store: one database, one writer, and what the road, the doors and the loop see of it."""

from dataclasses import dataclass
from typing import Self

from gateway.adapters.store.archive import SqlArchive
from gateway.adapters.store.break_glass import SqlBreakGlass
from gateway.adapters.store.budgets import SqlAccounts
from gateway.adapters.store.counters import SqlCounters
from gateway.adapters.store.credentials import SqlCredentials
from gateway.adapters.store.desk import SqlDesk
from gateway.adapters.store.emergency import SqlEmergency
from gateway.adapters.store.figures import figures_of
from gateway.adapters.store.fork_guard import ForkGuard
from gateway.adapters.store.ledger import SqlLedger
from gateway.adapters.store.lifting import LoopgateTarget
from gateway.adapters.store.lineage import SqlLineage
from gateway.adapters.store.outbox import SqlOutbox
from gateway.adapters.store.pace import SqlPace
from gateway.adapters.store.policies import Policies
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.session_sources import SqlSources
from gateway.adapters.store.sessions import DeniedSessions
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.work_items import WorkItems
from gateway.adapters.store.writer import Writer
from gateway.core.listings import Figures
from gateway.ports import Clock, Readiness


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that is kept, each part behind the port it implements."""

    writer: Writer
    reader: Reader
    ledger: SqlLedger
    desk: SqlDesk
    counters: SqlCounters
    emergency: SqlEmergency
    break_glass: SqlBreakGlass
    own: LoopgateTarget
    credentials: SqlCredentials
    policies: Policies
    work_items: WorkItems
    archive: SqlArchive
    lineage: SqlLineage
    session_sources: SqlSources
    accounts: SqlAccounts
    outbox: SqlOutbox
    sessions: DeniedSessions
    guard: ForkGuard

    @classmethod
    def over(cls, writer: Writer, reader: Reader, sources: StoreSources) -> Self:
        """The store over a writer that runs and its readers."""
        sessions = DeniedSessions(writer)
        guard = ForkGuard(writer, sources.memory)
        return cls(
            writer=writer,
            reader=reader,
            ledger=SqlLedger(writer, reader),
            desk=SqlDesk(writer, reader, sources, sessions, guard),
            counters=SqlCounters(reader),
            emergency=SqlEmergency(writer, reader, sources.ids),
            break_glass=SqlBreakGlass(writer, reader, sources.ids),
            own=LoopgateTarget(writer, reader),
            credentials=SqlCredentials(writer, reader, sources, sessions),
            policies=Policies(writer, reader),
            work_items=WorkItems(writer, reader, sources.ids),
            lineage=SqlLineage(writer, reader),
            session_sources=SqlSources(writer),
            accounts=SqlAccounts(writer, reader),
            outbox=SqlOutbox(writer, reader),
            archive=SqlArchive(writer, reader, guard, sources.policies),
            sessions=sessions,
            guard=guard,
        )

    def pace(self, clock: Clock, *, proposals_per_minute: int, dry_runs_per_hour: int) -> SqlPace:
        """How often agents may ask of this process."""
        return SqlPace(self.accounts, self.sessions, clock, proposals_per_minute, dry_runs_per_hour)

    def readiness(self) -> Readiness:
        """Whether records can be made durable and signed, and why not."""
        return self.writer.readiness()

    def figures(self) -> Figures:
        """Counts of what is stored, for the metrics; blocks the calling thread."""
        return figures_of(self.reader, self.writer.now_ms())

    def close(self) -> None:
        """Commit what is queued and let everything go."""
        self.sessions.settle()
        self.guard.settle()
        self.writer.close()
        self.reader.close()
