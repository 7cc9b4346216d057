"""What the workbench has to say about a policy folder: where, what, and what to do instead."""

from gateway.core.model import Model


class Complaint(Model):
    """One thing wrong. `file` is relative to the policy folder, `line` counts from 1; `remedy` says what to write."""

    file: str
    line: int
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        """`file:line: problem; remedy`, as compilers print it."""
        return f"{self.file}:{self.line}: {self.problem}" + (f"; {self.remedy}" if self.remedy else "")
