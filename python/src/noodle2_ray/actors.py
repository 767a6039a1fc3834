"""The actors of a run as Ray knows them: made with the resources of a trial, found again by name, killed for good.

Every call here but `create` blocks.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

from .connect import NAMESPACE
from .protocol import Request
from .shares import ACTOR_NAME, ShareRegistrar
from .slot import Noodle2Slot

# The class of every slot tells the dashboard what it is, and its methods take the names of trials.
_MOST_CALLS_AT_ONCE = 16
_FORMER_GONE_WITHIN_S = 10.0


class SlotActors:
    """The slots of one run."""

    def __init__(self, run: str, request: Request) -> None:
        """Let Ray bring the code of this package to nodes that do not have it."""
        import ray

        ray.cloudpickle.register_pickle_by_value(sys.modules[__package__ or "noodle2_ray"])
        self._class: Any = ray.remote(Noodle2Slot)
        self._run = run
        self._request = request

    def name(self, slot: int) -> str:
        """Return the name of a slot's actor."""
        return f"{self._run}-slot-{slot}"

    def create(self, slot: int, node: str | None, config: dict[str, Any]) -> Any:
        """Ask for an actor, on `node` alone where that is told; return its handle at once."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options: dict[str, Any] = {
            "name": self.name(slot),
            "namespace": NAMESPACE,
            "num_cpus": self._request.cpus,
            "resources": {name: amount for name, amount in self._request.resources.items() if amount > 0},
            # The controller alone retries, and knows of each attempt.
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": _MOST_CALLS_AT_ONCE,
        }
        if self._request.memory_bytes:
            options["memory"] = self._request.memory_bytes
        if node is not None:
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        return self._class.options(**options).remote({**config, "slot": self.name(slot)})

    def clear_former(self) -> None:
        """End what a former bridge of this run left: a controller that was killed leaves its bridge no time."""
        import ray

        deadline = time.monotonic() + _FORMER_GONE_WITHIN_S
        while time.monotonic() < deadline:
            left = [name for name in ray.util.list_named_actors() if name.startswith(self.name(0)[:-1])]
            if not left:
                return
            for name in left:
                with contextlib.suppress(ValueError, ray.exceptions.RayError):
                    kill(ray.get_actor(name, namespace=NAMESPACE))
            time.sleep(0.1)


def kill(handle: Any) -> None:
    """Kill an actor for good; one that is gone already is no error."""
    import ray

    with contextlib.suppress(Exception):
        ray.kill(handle, no_restart=True)


def find_registrar() -> Any:
    """Return the actor that shares the cluster between runs, made where no other run has."""
    import ray

    options: dict[str, Any] = {
        "name": ACTOR_NAME,
        "namespace": NAMESPACE,
        "get_if_exists": True,
        "num_cpus": 0,
        "max_restarts": 0,
        # A report each second would bury the trials in the dashboard's list of tasks.
        "enable_task_events": False,
    }
    return ray.remote(ShareRegistrar).options(**options).remote()


async def answer(reference: Any) -> Any:
    """Return what a call gives, or raise what it raised: a coroutine, of which asyncio can make a task."""
    return await reference


async def settled(reference: Any) -> None:
    """Wait for an answer, whatever it is."""
    with contextlib.suppress(Exception):
        await reference
