"""Who gets which slot, how many are asked for and given back: by hand, and over random runs."""

from __future__ import annotations

import random
from typing import Any

from noodle2_ray.dispatch import (
    AVOID_FOR_S,
    MOST_OVERTAKEN,
    MOST_WAITING,
    RETIRE_AFTER_S,
    SPARE_FOR_S,
    Dispatcher,
    Order,
    Slot,
    State,
    slots_that_fit,
)


def make(
    *orders: str, slots: int = 0, node: str = "n", fits: int = 0, most: int | None = None, now: float = 0.0
) -> Dispatcher:
    """Return a dispatcher with idle slots on `node`, and orders `attempt:affinity`."""
    dispatch = Dispatcher(most)
    dispatch.observed({node: slots + fits}, [node])
    raise_slots(dispatch, node, slots, now)
    dispatch.observed({node: fits}, [node])
    submit(dispatch, *orders, now=now)
    return dispatch


def raise_slots(dispatch: Dispatcher, node: str, number: int, now: float = 0.0) -> list[int]:
    """Bring slots up on `node`, for orders that are withdrawn again."""
    queue, dispatch.queue = (
        dispatch.queue,
        [Order(f"x{n}.1", "") for n in range(number + len(dispatch.of(State.IDLE)))],
    )
    asked = dispatch.ask(now)[:number]
    assert len(asked) == number
    for slot in asked:
        dispatch.up(slot.id, node, now)
    dispatch.queue = queue
    return [slot.id for slot in asked]


def submit(dispatch: Dispatcher, *orders: str, now: float = 0.0) -> None:
    for text in orders:
        attempt, _, affinity = text.partition(":")
        dispatch.submit(Order(attempt, affinity), now)


def begun(dispatch: Dispatcher, now: float = 0.0) -> list[tuple[int, str]]:
    return [(slot.id, order.attempt) for slot, order in dispatch.assign(now)]


def test_what_fits() -> None:
    assert slots_that_fit({"CPU": 4}, {"CPU": 1}) == 4
    assert slots_that_fit({"CPU": 4, "licence": 1}, {"CPU": 1, "licence": 1}) == 1
    assert slots_that_fit({"CPU": 4}, {"CPU": 1, "licence": 1}) == 0
    assert slots_that_fit({"CPU": 0.1 + 0.2}, {"CPU": 0.3}) == 1
    assert slots_that_fit({"CPU": 0.3}, {"CPU": 0.1}) == 3
    assert slots_that_fit({}, {}) == 1


def test_orders_begin_in_their_order_on_the_slot_that_rested_longest() -> None:
    dispatch = make("0_1.1:a", "0_2.1:b", "0_3.1:c", slots=2)
    assert begun(dispatch) == [(0, "0_1.1"), (1, "0_2.1")]
    dispatch.ended(1, 1.0)
    dispatch.ended(0, 2.0)
    assert begun(dispatch) == [(1, "0_3.1")]


def test_an_order_takes_the_slot_that_has_its_parent_warm() -> None:
    dispatch = make("0_1.1:a", "0_2.1:b", slots=2)
    assert begun(dispatch) == [(0, "0_1.1"), (1, "0_2.1")]
    dispatch.ended(0, 1.0)
    dispatch.ended(1, 2.0)
    submit(dispatch, "0_3.1:b")
    assert begun(dispatch) == [(1, "0_3.1")]


def test_a_free_slot_takes_an_order_of_its_parent_before_others() -> None:
    dispatch = make("0_1.1:a", slots=1)
    begun(dispatch)
    submit(dispatch, "0_2.1:b", "0_3.1:a")
    dispatch.ended(0, 1.0)
    assert begun(dispatch) == [(0, "0_3.1")]
    assert [order.overtaken for order in dispatch.queue] == [1]


def test_nobody_is_overtaken_for_ever() -> None:
    dispatch = make("0_0.1:a", slots=1)
    begun(dispatch)
    submit(dispatch, "0_1.1:b", *(f"0_{n}.1:a" for n in range(2, 20)))
    waited = 0
    while True:
        dispatch.ended(0, 1.0)
        ((_, attempt),) = begun(dispatch)
        if attempt == "0_1.1":
            break
        waited += 1
    assert waited == MOST_OVERTAKEN


def test_only_the_first_of_the_queue_are_looked_at() -> None:
    dispatch = make("0_0.1:a", slots=1)
    begun(dispatch)
    submit(dispatch, *(f"0_{n}.1:b" for n in range(1, 9)), "0_9.1:a")
    dispatch.ended(0, 1.0)
    assert begun(dispatch) == [(0, "0_1.1")]


def test_a_retry_keeps_away_from_the_node_that_lost_it() -> None:
    dispatch = make("0_1.1:a", slots=2, node="bad")
    ((slot, _),) = begun(dispatch)
    raise_on(dispatch, "good")
    assert dispatch.down(slot, lost=True) is not None
    # It would be the turn of the idle slot on the node that lost it, but for that.
    good = next(slot for slot in dispatch.slots.values() if slot.node == "good")
    good.last_worked = 9.0
    submit(dispatch, "0_1.2:a", "0_2.1:a", now=10.0)
    assert (good.id, "0_1.2") in begun(dispatch, 10.0)


def raise_on(dispatch: Dispatcher, node: str) -> None:
    dispatch.observed({node: 1}, [node, "bad"])
    raise_slots(dispatch, node, 1)


def test_a_retry_waits_for_a_busy_slot_elsewhere_but_not_for_ever() -> None:
    dispatch = make("0_1.1:a", slots=2, node="bad")
    ((slot, _),) = begun(dispatch)
    raise_on(dispatch, "good")
    good = next(slot for slot in dispatch.slots.values() if slot.node == "good")
    dispatch.move(good, State.BUSY)
    dispatch.down(slot, lost=True)
    submit(dispatch, "0_1.2:a", now=10.0)
    assert begun(dispatch, 10.0) == []
    assert len(begun(dispatch, 10.0 + AVOID_FOR_S)) == 1


def test_a_retry_goes_back_where_nothing_else_is() -> None:
    dispatch = make("0_1.1:a", slots=2, node="bad")
    ((slot, _),) = begun(dispatch)
    dispatch.down(slot, lost=True)
    submit(dispatch, "0_1.2:a")
    assert len(begun(dispatch)) == 1


def test_a_retry_asks_for_a_slot_elsewhere() -> None:
    dispatch = make("0_1.1:a", slots=2, node="bad")
    ((slot, _),) = begun(dispatch)
    dispatch.down(slot, lost=True)
    dispatch.observed({"bad": 5, "good": 1}, ["bad", "good"])
    submit(dispatch, "0_1.2:a")
    assert begun(dispatch) == []
    assert [slot.node for slot in dispatch.ask(0.0)] == ["good"]


def test_slots_are_asked_for_as_far_as_they_fit() -> None:
    dispatch = make(*(f"0_{n}.1" for n in range(20)), fits=6)
    asked = dispatch.ask(0.0)
    assert len(asked) == 6
    assert all(slot.expected for slot in asked)
    # They are on their way; a few more may wait in Ray, when those are up.
    assert dispatch.ask(0.0) == []
    for slot in asked:
        dispatch.up(slot.id, "n", 0.0)
    dispatch.assign(0.0)
    waiting = dispatch.ask(0.0)
    assert len(waiting) == MOST_WAITING
    assert not any(slot.expected for slot in waiting)
    assert dispatch.ask(0.0) == []
    # A node that joins has room for more at once.
    dispatch.observed({"late": 8}, ["n", "late"])
    assert len(dispatch.ask(0.0)) == 8 - MOST_WAITING


def test_no_more_slots_are_asked_for_than_orders_wait() -> None:
    dispatch = make("0_1.1", "0_2.1", slots=1, fits=50)
    assert len(dispatch.ask(0.0)) == 1
    assert len(make("0_1.1", fits=50).ask(0.0)) == 1
    assert make(fits=50).ask(0.0) == []


def test_what_was_declared_bounds_the_slots() -> None:
    dispatch = make(*(f"0_{n}.1" for n in range(20)), fits=6, most=3)
    assert len(dispatch.ask(0.0)) == 3
    assert dispatch.ask(0.0) == []
    assert dispatch.offered() == 3 + 1


def test_what_is_offered() -> None:
    assert make(slots=2, fits=6).offered() == 8 + 2
    assert make(slots=1).offered() == 1 + 1
    assert make().offered() == 1
    dispatch = make("0_1.1", fits=1)
    dispatch.ask(0.0)
    # A slot that will be up in a moment counts; one that waits does not.
    assert dispatch.offered() == 1 + 1
    dispatch.ask(1000.0)
    assert dispatch.offered() == 1


def test_a_node_that_refuses() -> None:
    dispatch = make("0_1.1:a", "0_2.1:a", "0_3.1:a", slots=3, node="bad", fits=2)
    assert len(begun(dispatch)) == 3
    dispatch.ended(2, 1.0)
    submit(dispatch, "0_4.1:a")
    dispatch.observed({"bad": 2, "good": 1}, ["bad", "good"])
    ended = dispatch.refuse(0)
    assert {slot.id for slot in ended} == {0, 2}
    # It is not lost, but the first again, and goes elsewhere.
    assert [order.attempt for order in dispatch.queue] == ["0_1.1", "0_4.1"]
    for slot in ended:
        assert dispatch.down(slot.id, lost=False) is None
    assert begun(dispatch) == []
    assert next(slot.node for slot in dispatch.ask(1.0)) == "good"
    assert all(slot.node == "good" for slot in dispatch.of(State.PENDING))
    # What still runs there may end, and is given back then.
    dispatch.ended(1, 2.0)
    assert 1 in {slot.id for slot in dispatch.retire(2.0)}


def test_when_all_refuse_nothing_is_asked_for_or_offered() -> None:
    dispatch = make("0_1.1", slots=1, fits=3)
    begun(dispatch)
    for slot in dispatch.refuse(0):
        dispatch.down(slot.id, lost=False)
    assert dispatch.ask(0.0) == []
    assert dispatch.offered() == 0
    dispatch.observed({"late": 1}, ["n", "late"])
    assert dispatch.offered() == 2
    assert [slot.node for slot in dispatch.ask(0.0)] == ["late"]


def test_a_slot_that_comes_up_on_a_node_that_refused_meanwhile() -> None:
    dispatch = make("0_1.1", fits=1)
    (slot,) = dispatch.ask(0.0)
    dispatch.refuse_node("n")
    assert not dispatch.up(slot.id, "n", 0.0)


def test_idle_slots_are_given_back() -> None:
    dispatch = make(slots=2)
    assert dispatch.retire(RETIRE_AFTER_S - 1) == []
    assert len(dispatch.retire(RETIRE_AFTER_S)) == 2


def test_over_its_share_a_run_gives_slots_back_as_they_get_free() -> None:
    dispatch = make("0_1.1", "0_2.1", "0_3.1", "0_4.1", "0_5.1", slots=4)
    assert len(begun(dispatch)) == 4
    dispatch.share = 2
    assert dispatch.retire(1.0) == []
    dispatch.ended(0, 1.0)
    # It is not used again in between.
    assert begun(dispatch) == []
    (slot,) = dispatch.retire(1.0)
    dispatch.down(slot.id, lost=False)
    assert dispatch.ask(1.0) == []
    dispatch.ended(1, 1.0)
    dispatch.ended(2, 1.0)
    (slot,) = dispatch.retire(1.0)
    dispatch.down(slot.id, lost=False)
    assert len(begun(dispatch)) == 1


def test_slots_that_wait_for_nothing_are_given_back_when_they_were_not_wanted_for_a_while() -> None:
    dispatch = make("0_1.1", "0_2.1")
    assert len(dispatch.ask(0.0)) == 2
    assert dispatch.retire(0.0) == []
    assert dispatch.withdraw("0_2.1")
    assert not dispatch.withdraw("0_2.1")
    assert dispatch.retire(1.0) == []
    # The next order takes the one that waits.
    dispatch.submit(Order("0_3.1", "base"), 2.0)
    assert dispatch.retire(2.0) == []
    assert dispatch.ask(2.0) == []
    assert dispatch.withdraw("0_3.1")
    assert dispatch.retire(3.0) == []
    assert dispatch.retire(2.9 + SPARE_FOR_S) == []
    assert len(dispatch.retire(3.0 + SPARE_FOR_S)) == 1


class Cluster:
    """Nodes that give slots, lose them and fill up, at random, around a dispatcher: what must hold, holds at each step."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.dispatch = Dispatcher(self.source.choice([None, 1, 3]))
        self.room = {f"n{n}": self.source.randrange(1, 4) for n in range(self.source.randrange(1, 4))}
        self.used = dict.fromkeys(self.room, 0)
        self.bad = {node for node in self.room if self.source.random() < 0.2}
        if len(self.bad) == len(self.room):
            self.bad.pop()
        self.now = 0.0
        self.ended: list[str] = []
        self.met: set[str] = set()

    def drop(self, slot: Slot, lost: bool) -> Any:
        if slot.state is not State.PENDING and slot.node is not None:
            self.used[slot.node] -= 1
        return self.dispatch.down(slot.id, lost)

    def step(self) -> None:
        d = self.dispatch
        self.now += self.source.random() * 3
        for slot in d.of(State.PENDING):
            nodes = [n for n in self.room if self.used[n] < self.room[n] and slot.node in (None, n)]
            if nodes and self.source.random() < 0.7:
                node = self.source.choice(nodes)
                self.used[node] += 1
                if not d.up(slot.id, node, self.now):
                    self.drop(slot, False)
        for slot in d.of(State.BUSY):
            assert slot.order is not None
            chance = self.source.random()
            if slot.node in self.bad:
                for other in d.refuse(slot.id):
                    self.drop(other, False)
                self.met.add("refused")
            elif chance < 0.1:
                order = self.drop(slot, True)
                stem, _, number = order.attempt.partition(".")
                d.submit(Order(f"{stem}.{int(number) + 1}", order.affinity), self.now)
                self.met.add("lost")
            elif chance < 0.6:
                self.ended.append(slot.order.attempt)
                d.ended(slot.id, self.now)
        d.share = self.source.choice([None, None, 1, 2])
        d.observed({n: self.room[n] - self.used[n] for n in self.room}, self.room)
        for slot in d.retire(self.now):
            assert slot.state is not State.BUSY
            self.drop(slot, False)
            self.met.add("retired")
        for slot, _ in d.assign(self.now):
            assert slot.node not in d.refused
        most = d.most()
        before = len(d.slots)
        asked = d.ask(self.now)
        if asked and most is not None:
            assert before + len(asked) <= most
        pending = d.of(State.PENDING)
        assert len(pending) <= max(MOST_WAITING, sum(self.room.values()))
        assert all(order.overtaken <= MOST_OVERTAKEN for order in d.queue)
        assert d.offered() >= 1


def test_every_order_comes_to_its_end_whatever_happens() -> None:
    met: set[str] = set()
    for seed in range(200):
        cluster = Cluster(seed)
        for n in range(30):
            submit(cluster.dispatch, f"0_{n}.1:{cluster.source.choice('abc')}")
        for _ in range(2000):
            cluster.step()
            if len(cluster.ended) == 30:
                break
        assert len(cluster.ended) == 30, f"seed {seed}"
        assert len({attempt.partition(".")[0] for attempt in cluster.ended}) == 30
        met |= cluster.met
    assert met == {"refused", "lost", "retired"}
