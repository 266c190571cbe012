"""Runs a model's graph in plain order, where Rasa plans and schedules it anew with Dask each time.

Rasa runs the graph once to understand a message and once for every prediction. The nodes are few,
depend on one another in a line, and run in one thread: there is nothing to schedule.
"""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Tuple

from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner

# A node, its name, and the names of those whose output it takes.
Step = Tuple[str, GraphNode, Tuple[str, ...]]


class PlainGraphRunner(DaskGraphRunner):
    """Rasa's runner, with the order of the nodes worked out once for each set of targets."""

    def run(
        self, inputs: Optional[Dict[str, Any]] = None, targets: Optional[List[str]] = None
    ) -> Dict[str, Any]:
        """Run what ``targets`` need and return each target's output by its name.

        Raises:
            GraphRunError: a node failed in a way that is no error of Rasa's own.
        """
        wanted = tuple(targets or self._graph_schema.target_names)
        outputs = {name: (name, value) for name, value in (inputs or {}).items()}
        try:
            for name, node, needs in self._order(wanted):
                outputs[name] = node(*(outputs.get(need, need) for need in needs))
        except RuntimeError as error:
            raise GraphRunError("Error running runner.") from error
        return {name: outputs[name][1] for name in wanted}

    @functools.lru_cache(maxsize=16)  # noqa: B019 - a runner lives as long as its model
    def _order(self, targets: Tuple[str, ...]) -> List[Step]:
        """Return the steps that lead to ``targets``, each behind what it needs."""
        nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
        steps: Dict[str, Step] = {}

        def add(name: str) -> None:
            # A need that is no node is an input of the run.
            if name in steps or name not in nodes:
                return
            needs = tuple(nodes[name].needs.values())
            for need in needs:
                add(need)
            steps[name] = (name, self._instantiated_nodes[name], needs)

        for target in targets:
            add(target)
        return list(steps.values())
