"""The one base of every data model: frozen, and closed to fields nobody declared."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A value: immutable, compared by content, refusing unknown fields.

    Collections in models that are digested are tuples, sorted where order means nothing:
    a set's order differs from process to process and so would its digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
