"""What the params of all action types are made of: their base and the shapes that several of them share."""

from typing import Annotated, Any

from pydantic import StringConstraints

from gateway.core.model import Model

Title = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Markdown = Annotated[str, StringConstraints(max_length=100_000)]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")]
CommitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\s,]+$")]


class Params(Model):
    """Base of all params."""

    def canonical(self) -> dict[str, Any]:
        """The JSON form that the action digest covers: unset optionals left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def texts(self) -> dict[str, str]:
        """Every free text field by name: what the text rules and the detectors look at."""
        return {}


class NoParams(Params):
    """For types that need none."""


class Comment(Params):
    """A comment in Markdown."""

    body: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]

    def texts(self) -> dict[str, str]:
        """The body."""
        return {"body": self.body}
