"""The lineage index in memory."""

from gateway.core.lineage import Asked, CommitTrace, Known


class FakeLineageIndex:
    """What the real index promises, in a dictionary; `asked` counts the questions."""

    def __init__(self) -> None:
        self.traces: dict[tuple[str, str], CommitTrace] = {}
        self.asked = 0

    async def known(self, project: str, asked: Asked) -> Known:
        """What is held of these commits, patches, file versions and paths."""
        self.asked += 1
        here = [t for (of, _), t in self.traces.items() if of == project]
        others = [t for t in here if t.commit not in asked.commits]
        return Known(
            commits={t.commit: t for t in here if t.commit in asked.commits},
            patches={p: tuple(t for t in here if t.patch_id == p) for p in asked.patches},
            blobs={b: tuple(t for t in here if any(f.blob == b for f in t.files)) for b in asked.blobs},
            latest={f.path_key: t for t in others for f in t.files if f.path_key in asked.path_keys},
        )

    async def remember(self, project: str, traces: tuple[CommitTrace, ...]) -> None:
        """Add commits, joining makers."""
        for trace in traces:
            before = self.traces.get((project, trace.commit), trace)
            makers = tuple(sorted({*before.makers, *trace.makers}))
            joined = before.model_copy(update={"makers": makers, "built": before.built or trace.built})
            self.traces[project, trace.commit] = joined
