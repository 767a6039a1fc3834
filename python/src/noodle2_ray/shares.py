"""Several runs on one cluster: how many slots each should hold, by declared weights.

One small actor of the cluster, whoever made it first, is told by each run what it holds and wants, and answers with its share.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

ACTOR_NAME = "noodle2-shares"
EXPIRES_AFTER_S = 5.0
STARVED_AFTER_S = 30.0


@dataclass(frozen=True)
class Claim:
    """What one run asks of the cluster. `total` is how many of its slots an empty cluster would hold."""

    run: str
    weight: float
    demand: int
    total: int
    holds: bool = False
    waited_s: float = 0.0


def water_fill(claims: list[Claim]) -> dict[str, int]:
    """Return how many slots each run should hold at most, by weighted max-min fairness over what each demands.

    A slot costs the part of the cluster that it takes: 1/`total`. First each run gets one; where there are more runs than
    places, those that have one keep it until another has starved, so that they take turns. Then always that run gets a slot
    whom it leaves with the least for its weight. What a run does not demand goes to the others. The order of `claims` decides
    nothing.
    """
    shares = {claim.run: 0 for claim in claims}
    left = 1.0 + 1e-9
    for claim in sorted(
        claims, key=lambda claim: (-_starved(claim), not claim.holds, -claim.weight, claim.run)
    ):
        if claim.demand > 0 and claim.total > 0 and left >= 1 / claim.total:
            shares[claim.run] = 1
            left -= 1 / claim.total
    while True:
        open_claims = [
            claim for claim in claims if 0 < shares[claim.run] < claim.demand and left >= 1 / claim.total
        ]
        if not open_claims:
            return shares
        least = min(
            open_claims,
            key=lambda claim: ((shares[claim.run] + 1) / claim.total / claim.weight, claim.run),
        )
        shares[least.run] += 1
        left -= 1 / least.total


def _starved(claim: Claim) -> float:
    return claim.waited_s if claim.waited_s >= STARVED_AFTER_S else 0.0


@dataclass
class _Entry:
    claim: Claim
    held: int
    told: float
    empty_since: float | None


class ShareRegistrar:
    """The actor. It knows only what it was told in the last seconds, so that it can be made again at any time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with no runs."""
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def report(self, run: str, weight: float, busy: int, queued: int, held: int, total: int) -> int | None:
        """Take what `run` has and wants; return how many slots it should hold at most, None where all demands fit."""
        now = self._clock()
        before = self._entries.get(run)
        empty_since = None
        if held == 0 and queued > 0:
            empty_since = now if before is None or before.empty_since is None else before.empty_since
        claim = Claim(run, weight, busy + queued, total)
        self._entries[run] = _Entry(claim, held, now, empty_since)
        self._entries = {
            name: entry for name, entry in self._entries.items() if now - entry.told <= EXPIRES_AFTER_S
        }
        claims = [
            Claim(
                entry.claim.run,
                entry.claim.weight,
                entry.claim.demand,
                entry.claim.total,
                entry.held > 0,
                0.0 if entry.empty_since is None else now - entry.empty_since,
            )
            for entry in self._entries.values()
        ]
        if len(claims) == 1:
            return None
        used = sum(claim.demand / claim.total if claim.total else 1.0 for claim in claims if claim.demand)
        return None if used <= 1.0 + 1e-9 else water_fill(claims)[run]
