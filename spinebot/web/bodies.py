"""What the bodies of requests have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request's body: a field that nobody knows is a mistake, and said."""

    model_config = ConfigDict(extra="forbid")
