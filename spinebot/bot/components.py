"""How Rasa makes, trains and loads our components: once, for all of them."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Dict, Generic, Optional, Type, TypeVar

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import InvalidConfigException
from typing_extensions import Protocol


class Storable(Protocol):
    """What was learnt, and can be put into a directory."""

    def save(self, directory: Path) -> None:
        """Write it."""


Learnt = TypeVar("Learnt", bound=Storable)
AFixed = TypeVar("AFixed", bound="Fixed")
ALearner = TypeVar("ALearner", bound="Learner[Any]")


class Fixed(GraphComponent):
    """A component that has nothing to set and nothing to learn."""

    @classmethod
    def create(
        cls: Type[AFixed],
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> AFixed:
        """Create the component."""
        return cls()


class Learner(GraphComponent, Generic[Learnt]):
    """A component that learns in ``train`` and finds again in the model what it learnt."""

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        learnt: Optional[Learnt] = None,
    ) -> None:
        """Keep where to store what is learnt; ``learnt`` is None until then."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._learnt = learnt

    @staticmethod
    @abstractmethod
    def read(directory: Path) -> Any:
        """Return what was learnt, from where it was kept."""

    @classmethod
    def create(
        cls: Type[ALearner],
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ALearner:
        """Create the component, untrained."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls: Type[ALearner],
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> ALearner:
        """Create the component with what it learnt. What cannot be read stops Rasa."""
        with model_storage.read_from(resource) as directory:
            return cls(config, model_storage, resource, cls.read(directory))

    def keep(self, learnt: Learnt) -> Resource:
        """Put what was learnt into the model that is being trained."""
        self._learnt = learnt
        with self._model_storage.write_to(self._resource) as directory:
            learnt.save(directory)
        return self._resource

    @property
    def learnt(self) -> Learnt:
        """What was learnt.

        Raises:
            InvalidConfigException: nothing was, so far.
        """
        if self._learnt is None:
            raise InvalidConfigException(f"{type(self).__name__} has not been trained")
        return self._learnt
