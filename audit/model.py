"""The base of the log's data models: frozen, and closed to fields nobody declared."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A value: immutable, compared by content, refusing unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
