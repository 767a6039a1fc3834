"""Which slot carries which order out, how many slots to ask for, which to give back. Pure: no Ray, no clock, no I/O.

The controller sends orders in the order in which it wants them begun, so that is what happens, but for three things: a slot that
has an order's parent warm is preferred; a retry keeps away from the node that lost it; a node that refused gets nothing more.
"""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# An order of a warm parent may go before others if it is among so many first of the queue.
WINDOW = 8
# No order is overtaken more often, so that a parent without a warm slot does not wait for ever.
MOST_OVERTAKEN = 4
# A runner keeps few parents warm: those of its last orders.
WARM_PER_SLOT = 4
# Idle slots hold processors that others could use.
RETIRE_AFTER_S = 60.0
# A slot that waits in Ray and is not needed any more stays for so long: the next order may want it, and each costs Ray work.
SPARE_FOR_S = 10.0
# How many slots may wait in Ray where nothing fits now: enough for an autoscaler to see, too few to harm.
MOST_WAITING = 4
# A slot that should have fitted and is not up by then waits like all others.
EXPECTED_FOR_S = 15.0
# A retry keeps away from the node that lost it for so long at most.
AVOID_FOR_S = 30.0


class State(enum.Enum):
    """What a slot is doing."""

    PENDING = "pending"
    IDLE = "idle"
    BUSY = "busy"


@dataclass(eq=False)
class Order:
    """An attempt that waits for a slot, or has one. `data` is not looked into."""

    attempt: str
    affinity: str
    data: Any = None
    overtaken: int = 0
    avoid: str | None = None
    avoid_until: float = 0.0


@dataclass(eq=False)
class Slot:
    """A slot, from when it is asked for. `node` is None until it is up, unless it was asked for on that node."""

    id: int
    asked_at: float
    node: str | None
    expected: bool
    look: int
    state: State = State.PENDING
    order: Order | None = None
    warm: OrderedDict[str, None] = field(default_factory=OrderedDict)
    last_worked: float = -1.0


def trial_of(attempt: str) -> str:
    """Return what an attempt's retries have in common: `<stage>_<n>` of `<stage>_<n>.<number>`."""
    return attempt.rpartition(".")[0] or attempt


def slots_that_fit(available: Mapping[str, float], request: Mapping[str, float]) -> int:
    """Return how many slots that ask for `request` fit into `available`; one where nothing is asked for."""
    if not request:
        return 1
    # Ray counts in ten-thousandths, so that 0.3 fits into 0.1 + 0.2 there.
    return min(math.floor(available.get(name, 0.0) / amount + 1e-6) for name, amount in request.items())


class Dispatcher:
    """The orders and slots of one run. `now` is in seconds of any clock that does not go back."""

    def __init__(self, most_slots: int | None = None) -> None:
        """Begin with nothing; never hold more than `most_slots` slots."""
        self.slots: dict[int, Slot] = {}
        # Each slot once more, by its state: thousands are busy, and no order may cost a look at all of them.
        self._in: dict[State, dict[int, Slot]] = {state: {} for state in State}
        self.queue: list[Order] = []
        self.refused: set[str] = set()
        self.share: int | None = None
        self._most_slots = most_slots
        self.nodes: list[str] = []
        self._fits: dict[str, int] = {}
        self._look = 0
        self._next_id = 0
        self._spare_since: float | None = None
        self._lost_on: dict[str, str] = {}

    def of(self, state: State) -> list[Slot]:
        """Return the slots in `state`, those that came into it first before others."""
        return list(self._in[state].values())

    def count(self, state: State) -> int:
        """Return how many slots are in `state`."""
        return len(self._in[state])

    def move(self, slot: Slot, state: State) -> None:
        """Note the state that a slot is in from now on."""
        self._in[slot.state].pop(slot.id, None)
        slot.state = state
        self._in[state][slot.id] = slot

    def most(self) -> int | None:
        """Return how many slots this run may hold, None where only the cluster bounds it."""
        bounds = [bound for bound in (self._most_slots, self.share) if bound is not None]
        return min(bounds) if bounds else None

    # Orders

    def submit(self, order: Order, now: float) -> None:
        """Put `order` behind all others."""
        order.avoid = self._lost_on.pop(trial_of(order.attempt), None)
        order.avoid_until = now + AVOID_FOR_S
        self.queue.append(order)

    def withdraw(self, attempt: str) -> bool:
        """Take a waiting order out of the queue; return whether there was one."""
        kept = [order for order in self.queue if order.attempt != attempt]
        found = len(kept) < len(self.queue)
        self.queue = kept
        return found

    def assign(self, now: float) -> list[tuple[Slot, Order]]:
        """Return the orders that begin now, with their slots, which are busy from here on."""
        begun: list[tuple[Slot, Order]] = []
        passed: dict[str, int] = {}
        while True:
            most = self.most()
            if most is not None and self.count(State.BUSY) >= most:
                break
            idle = sorted(
                (slot for slot in self.of(State.IDLE) if slot.node not in self.refused),
                key=lambda slot: (slot.last_worked, slot.id),
            )
            choice = self._choose(idle, passed, now)
            if choice is None:
                break
            slot, order, overtaken = choice
            for other in overtaken:
                passed[other.attempt] = passed.get(other.attempt, 0) + 1
            self.queue.remove(order)
            self.move(slot, State.BUSY)
            slot.order = order
            slot.warm[order.affinity] = None
            slot.warm.move_to_end(order.affinity)
            while len(slot.warm) > WARM_PER_SLOT:
                slot.warm.popitem(last=False)
            begun.append((slot, order))
        # What began in the same moment was not kept waiting by the others.
        for order in self.queue:
            order.overtaken += passed.get(order.attempt, 0)
        return begun

    def _choose(
        self, idle: list[Slot], passed: dict[str, int], now: float
    ) -> tuple[Slot, Order, list[Order]] | None:
        """Return the next slot and order with those that it overtakes."""
        first: tuple[Slot, Order, list[Order]] | None = None
        before: list[Order] = []
        for place, order in enumerate(self.queue):
            slots = self._allowed(order, idle, now)
            if not slots:
                # Nothing that is idle may take it: whoever goes on takes nothing away from it.
                continue
            warm = next((slot for slot in slots if order.affinity in slot.warm), None)
            if warm is not None:
                return warm, order, before
            if first is None:
                first = (slots[0], order, [])
            if order.overtaken + passed.get(order.attempt, 0) >= MOST_OVERTAKEN or place + 1 >= WINDOW:
                break
            before = [*before, order]
        return first

    def _allowed(self, order: Order, idle: list[Slot], now: float) -> list[Slot]:
        if order.avoid is None or now >= order.avoid_until:
            return idle
        elsewhere = [slot for slot in idle if slot.node != order.avoid]
        if elsewhere:
            return elsewhere
        others = any(
            slot.node not in (None, order.avoid) and slot.node not in self.refused
            for slot in self.slots.values()
        )
        return [] if others or self._may_go_elsewhere(order) else idle

    def _may_go_elsewhere(self, order: Order) -> bool:
        most = self.most()
        if most is not None and len(self.slots) >= most and not self.count(State.PENDING):
            return False
        return any(fits > 0 for node, fits in self._fits.items() if node != order.avoid) or any(
            slot.node not in (None, order.avoid) for slot in self.of(State.PENDING)
        )

    # Slots

    def up(self, slot_id: int, node: str, now: float) -> bool:
        """Note that a slot is up on `node`; return False where it must be ended, since that node refused."""
        slot = self.slots[slot_id]
        slot.node = node
        self.move(slot, State.IDLE)
        slot.last_worked = now
        return node not in self.refused

    def ended(self, slot_id: int, now: float) -> None:
        """Note that the order of a slot came to its end."""
        slot = self.slots[slot_id]
        self.move(slot, State.IDLE)
        slot.order = None
        slot.last_worked = now

    def down(self, slot_id: int, lost: bool) -> Order | None:
        """Forget a slot; return what it was doing. Where that is `lost`, its retry keeps away from the node."""
        slot = self.slots.pop(slot_id)
        self._in[slot.state].pop(slot_id, None)
        if slot.order is not None and lost and slot.node is not None:
            self._lost_on[trial_of(slot.order.attempt)] = slot.node
        return slot.order

    def refuse(self, slot_id: int) -> list[Slot]:
        """Note that the node of a busy slot cannot run this study: its order is the first again.

        Return the slots to end: this one and those of the node that do nothing.
        """
        slot = self.slots[slot_id]
        if slot.node is not None:
            self.refuse_node(slot.node)
        if slot.order is not None:
            self.queue.insert(0, slot.order)
        self.move(slot, State.IDLE)
        slot.order = None
        return [
            other
            for other in self.slots.values()
            if other.node == slot.node and other.state is not State.BUSY
        ]

    def refuse_node(self, node: str) -> None:
        """Place nothing on `node` any more."""
        self.refused.add(node)
        self._fits.pop(node, None)
        self.nodes = [other for other in self.nodes if other != node]

    def observed(self, fits: Mapping[str, int], able: Iterable[str]) -> None:
        """Take how many more slots fit on each node now, and the nodes that could ever hold one."""
        self._look += 1
        self._fits = {
            node: number for node, number in fits.items() if node not in self.refused and number > 0
        }
        self.nodes = sorted(set(able) - self.refused)

    def ask(self, now: float) -> list[Slot]:
        """Return the slots to ask Ray for, which are pending from here on. Those with a node must come up there."""
        pending = self.of(State.PENDING)
        for slot in pending:
            slot.expected = slot.expected and now - slot.asked_at < EXPECTED_FOR_S
        fits = sum(self._fits.values())
        # What was asked for before the last look may still take what was seen to fit; what was since is counted out of it.
        before = sum(1 for slot in pending if slot.look < self._look)
        number = min(self._need(now) - len(pending), max(fits - before, MOST_WAITING - len(pending)))
        most = self.most()
        if most is not None:
            number = min(number, most - len(self.slots))
        asked: list[Slot] = []
        for _ in range(max(0, number)):
            if self.refused and not self.nodes:
                break
            node = self._node_for(now)
            slot = Slot(self._next_id, now, node, expected=self._spend(node), look=self._look)
            self._next_id += 1
            self.slots[slot.id] = slot
            self.move(slot, State.PENDING)
            asked.append(slot)
        return asked

    def _need(self, now: float) -> int:
        """Return for how many waiting orders no idle slot is there."""
        idle = [slot for slot in self.of(State.IDLE) if slot.node not in self.refused]
        held_back = sum(1 for order in self.queue if not self._allowed(order, idle, now)) if idle else 0
        return max(len(self.queue) - len(idle), held_back)

    def _spend(self, node: str | None) -> bool:
        """Take one place from what fits, anywhere or on `node`; return whether there was one."""
        if node is None and self._fits:
            node = max(self._fits, key=lambda other: self._fits[other])
        if node is None or self._fits.get(node, 0) <= 0:
            return False
        self._fits[node] -= 1
        return True

    def _node_for(self, now: float) -> str | None:
        """Return where the next slot must come up: anywhere, unless a node is to be kept away from."""
        avoided = next((o.avoid for o in self.queue if o.avoid is not None and now < o.avoid_until), None)
        if not self.refused and avoided is None:
            return None
        choices = [node for node in self._fits if self._fits[node] > 0]
        elsewhere = [node for node in choices if node != avoided]
        if elsewhere or (choices and self.refused):
            return max(elsewhere or choices, key=lambda node: (self._fits[node], node))
        if not self.refused:
            return None
        # All are full: wait where the fewest wait already.
        waiting = {node: sum(1 for s in self.of(State.PENDING) if s.node == node) for node in self.nodes}
        return min(waiting, key=lambda node: (waiting[node], node))

    def retire(self, now: float) -> list[Slot]:
        """Return the slots to give back: idle too long, over what the run may hold, on refused nodes, not needed."""
        pending = [slot for slot in self.of(State.PENDING) if not slot.expected]
        idle = sorted(self.of(State.IDLE), key=lambda slot: (slot.last_worked, slot.id))
        given_back = [
            slot for slot in idle if slot.node in self.refused or now - slot.last_worked >= RETIRE_AFTER_S
        ]
        spare = self.count(State.PENDING) - self._need(now)
        if spare <= 0:
            self._spare_since = None
        elif self._spare_since is None:
            self._spare_since = now
        elif now - self._spare_since >= SPARE_FOR_S:
            given_back += pending[::-1][:spare]
        # A slot that must come up on a node which filled up meanwhile may wait in vain; the next one may not.
        given_back += [
            slot for slot in pending if slot.node is not None and now - slot.asked_at >= EXPECTED_FOR_S
        ]
        most = self.most()
        given_back = list({slot.id: slot for slot in given_back}.values())
        if most is not None:
            gone = {slot.id for slot in given_back}
            rest = [slot for slot in [*self.of(State.PENDING)[::-1], *idle] if slot.id not in gone]
            over = len(self.slots) - len(gone) - most
            given_back += rest[: max(0, over)]
        return given_back

    # What the controller is told

    def offered(self) -> int:
        """Return how many attempts are taken at once: a slot for each, and a few that wait so that no slot does."""
        slots = len(self.slots) - sum(1 for slot in self.of(State.PENDING) if not slot.expected)
        if self.refused:
            waiting = State.PENDING
            slots -= sum(
                1
                for slot in self.slots.values()
                if slot.node in self.refused and (slot.state is not waiting or slot.expected)
            )
        slots += sum(self._fits.values())
        if slots == 0 and self.refused and not self.nodes:
            return 0
        most = self.most()
        if most is not None:
            slots = min(slots, most)
        return slots + max(1, math.ceil(slots / 4))
