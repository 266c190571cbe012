"""How well an assistant understands: the test set, put to Rasa's ``POST /model/parse``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from bench.assistants import Assistant
from bench.data import Example
from bench.processes import BenchError

AT_ONCE = 2  # messages on their way: enough to keep Rasa busy
FALLBACK = "nlu_fallback"
OUT_OF_SCOPE = "out_of_scope"
EMERGENCY = "report_emergency"


@dataclass(frozen=True)
class Share:
    """``right`` of ``all``."""

    right: int
    all: int

    @property
    def percent(self) -> float:
        """The share in percent; of nothing, nought."""
        return 100 * self.right / self.all if self.all else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval in percent, after Wilson."""
        if not self.all:
            return 0.0, 100.0
        z, n, p = 1.96, self.all, self.right / self.all
        center = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return 100 * max(0.0, center - half), 100 * min(1.0, center + half)


async def understand(assistant: Assistant, examples: Sequence[Example]) -> list[str]:
    """Return the intents that the assistant's Rasa sees in the examples."""
    gate = asyncio.Semaphore(AT_ONCE)
    token = {"token": assistant.token} if assistant.token else None
    async with httpx.AsyncClient(base_url=assistant.url, timeout=60, trust_env=False) as client:

        async def ask(text: str) -> str:
            async with gate:
                answer = await client.post("/model/parse", params=token, json={"text": text})
            if answer.is_error:
                raise BenchError(f"{assistant.name}: /model/parse answered {answer.status_code}")
            return str(answer.json()["intent"]["name"])

        return list(await asyncio.gather(*(ask(text) for _, text in examples)))


def score(
    examples: Sequence[Example], seen: Sequence[str], questions: set[str]
) -> dict[str, Share]:
    """Return the shares of the report. questions: the intents that are answered from an article."""
    pairs = [(wanted, got) for (wanted, _), got in zip(examples, seen, strict=True)]
    right = [(wanted, _is_right(wanted, got)) for wanted, got in pairs]
    wrongly_shown = sum(got in questions and got != wanted for wanted, got in pairs)
    return {
        "accuracy": _share([ok for _, ok in right]),
        "questions": _share([ok for wanted, ok in right if wanted in questions]),
        "in_scope": _share([ok for wanted, ok in right if wanted != OUT_OF_SCOPE]),
        "out_of_scope": _share([ok for wanted, ok in right if wanted == OUT_OF_SCOPE]),
        "emergency": _share([ok for wanted, ok in right if wanted == EMERGENCY]),
        "wrong_answers": Share(wrongly_shown, len(pairs)),
    }


def _is_right(wanted: str, got: str) -> bool:
    # Asking again is right where there is nothing to answer.
    return got == wanted or (wanted == OUT_OF_SCOPE and got == FALLBACK)


def _share(right: list[bool]) -> Share:
    return Share(sum(right), len(right))
