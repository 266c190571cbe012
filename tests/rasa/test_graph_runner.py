"""Our runner beside Rasa's: the same graph, the same inputs, the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from rasa.engine.exceptions import GraphComponentException, GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import InvalidConfigException

from spinebot.bot import patches
from spinebot.bot.graph_runner import PlainGraphRunner

RUNNERS = [DaskGraphRunner, PlainGraphRunner]


class Part(GraphComponent):
    """Puts a letter of its own behind the words that it is given, and notes that it ran."""

    ran: ClassVar[list[str]] = []

    def __init__(self, letter: str) -> None:
        self._letter = letter

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Part:
        return cls(config["letter"])

    def add(self, first: str, second: str = "") -> str:
        Part.ran.append(self._letter)
        return f"({first}{second}){self._letter}"

    def fail(self, first: str) -> str:
        raise RuntimeError("broken")

    def refuse(self, first: str) -> str:
        raise InvalidConfigException("refused")


def node(letter: str, needs: dict[str, str], fn: str = "add", target: bool = False) -> SchemaNode:
    return SchemaNode(needs, Part, "create", fn, {"letter": letter}, is_target=target)


# Written out of order; `d` needs both branches, `x` is a target that `d` does not need.
GRAPH = {
    "d": node("d", {"first": "b", "second": "c"}, target=True),
    "c": node("c", {"first": "a"}),
    "b": node("b", {"first": "a"}),
    "a": node("a", {"first": "words"}),
    "x": node("x", {"first": "words"}, target=True),
}


def runner(
    kind: type[GraphRunner], folder: Path, graph: dict[str, SchemaNode] | None = None
) -> GraphRunner:
    Part.ran = []
    storage, schema = LocalModelStorage.create(folder), GraphSchema(graph or GRAPH)
    return kind.create(schema, storage, ExecutionContext(schema))


def runs(kind: type[GraphRunner], folder: Path, *targets: str) -> tuple[dict[str, Any], list[str]]:
    found = runner(kind, folder).run({"words": "w"}, list(targets) or None)
    return found, sorted(Part.ran)


@pytest.mark.parametrize("targets", [(), ("d",), ("x",), ("x", "d"), ("c", "a")])
def test_the_result_is_that_of_rasas_runner(tmp_path: Path, targets: tuple[str, ...]) -> None:
    assert runs(PlainGraphRunner, tmp_path, *targets) == runs(DaskGraphRunner, tmp_path, *targets)


def test_each_node_gets_what_it_needs(tmp_path: Path) -> None:
    found, _ = runs(PlainGraphRunner, tmp_path, "d")
    assert found == {"d": "(((w)a)b((w)a)c)d"}


def test_a_node_runs_once_and_only_if_it_is_needed(tmp_path: Path) -> None:
    _, ran = runs(PlainGraphRunner, tmp_path, "d")
    assert ran == ["a", "b", "c", "d"]


def test_each_run_begins_anew(tmp_path: Path) -> None:
    ours = runner(PlainGraphRunner, tmp_path)
    assert ours.run({"words": "first"}, ["a"]) == {"a": "(first)a"}
    assert ours.run({"words": "second"}, ["a"]) == {"a": "(second)a"}
    assert ours.run({"words": "third"}, ["x"]) == {"x": "(third)x"}


def test_two_runners_do_not_share_their_nodes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = {"a": node("z", {"first": "words"}, target=True)}
    one = runner(PlainGraphRunner, tmp_path)
    two = runner(PlainGraphRunner, tmp_path / "other", other)
    assert one.run({"words": "w"}, ["a"]) == {"a": "(w)a"}
    assert two.run({"words": "w"}, ["a"]) == {"a": "(w)z"}


@pytest.mark.parametrize("kind", RUNNERS)
@pytest.mark.parametrize(
    ("fn", "error"), [("fail", GraphComponentException), ("refuse", InvalidConfigException)]
)
def test_an_error_comes_out_as_with_rasa(
    tmp_path: Path, kind: type[GraphRunner], fn: str, error: type[Exception]
) -> None:
    graph = {"a": node("a", {"first": "words"}, fn=fn, target=True)}
    with pytest.raises(error) as caught:
        runner(kind, tmp_path, graph).run({"words": "w"})
    assert type(caught.value) is error


@pytest.mark.parametrize("kind", RUNNERS)
def test_a_missing_input_is_an_error(tmp_path: Path, kind: type[GraphRunner]) -> None:
    with pytest.raises(GraphRunError, match="Missing input"):
        runner(kind, tmp_path).run({"other": "w"}, ["a"])


def test_rasas_processor_uses_ours_once_the_patches_are_applied() -> None:
    import rasa.core.processor

    patches.apply()
    assert rasa.core.processor.DaskGraphRunner is PlainGraphRunner
