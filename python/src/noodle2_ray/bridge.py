"""The main loop: requests of the controller come in, placements go out to Ray, what comes of them goes back.

One asyncio loop owns all state. `dispatch` decides; this carries out, and turns every way in which Ray tells of a loss into
`lost`. A trial is retried by the controller alone: Ray's own restarts and retries are off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

from .actors import SlotActors, answer, find_registrar, kill, settled
from .cluster import Sight, Watch, takes_connections
from .connect import Cluster, describe, join
from .dispatch import Dispatcher, Order, Slot, State
from .files import UnsafePath, sha256_of, write_below
from .protocol import (
    VERSION,
    Cancel,
    Hello,
    Message,
    ProtocolError,
    Submit,
    objects,
    parse_hello,
    parse_request,
    read_frame,
    text,
)
from .security import Refused
from .slot import END_WITHIN_S, KILL_WITHIN_S
from .store import ObjectStore
from .telling import Outlet, Teller, refused

_TICK_S = 1.0
_KNOCK_AGAIN_S = 0.2
_SHARE_WITHIN_S = 2.0
# What nothing of the cluster can hold is said, once, after so long without a slot.
_WARN_AFTER_S = 10.0


def serve(source: int, target: int) -> NoReturn:
    """Serve one run, then exit."""
    # Ctrl-C reaches all processes of a terminal; it is the controller who decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outlet = Outlet(target)
    status = asyncio.new_event_loop().run_until_complete(_serve(source, outlet))
    outlet.close(5.0)
    sys.stderr.flush()
    # Neither loop nor interpreter is closed in order: both would wait for threads that ask a cluster which is gone.
    os._exit(status)


async def _serve(source: int, outlet: Outlet) -> int:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", 0))
    try:
        first = await read_frame(reader)
        if first is None:
            return 0
        hello = _greet(first)
        # Ray wants the main thread, and nothing else is to be done until it is joined.
        metadata = {
            "job_name": f"noodle2 {hello.study}",
            "noodle2_study": hello.study,
            "noodle2_run": hello.run,
        }
        cluster = join(hello.address, hello.allow_insecure, metadata)
        return await Bridge(hello, cluster, outlet).run(reader)
    except ProtocolError as error:
        fitting = "install the bridge that came with this version of Noodle 2"
        refused(outlet, Refused("N2-RAY-002", str(error), fitting))
    except Refused as error:
        refused(outlet, error)
    return 1


def _greet(first: Message) -> Hello:
    if first["type"] != "hello":
        raise ProtocolError(f"the first frame is `{first['type']}`, not `hello`")
    theirs = first.get("protocol")
    if theirs != VERSION:
        raise ProtocolError(
            f"the controller speaks version {theirs} of the protocol, and this bridge {VERSION}"
        )
    return parse_hello(first)


class Bridge:
    """One run on one cluster."""

    def __init__(self, hello: Hello, cluster: Cluster, outlet: Outlet) -> None:
        """Take over a cluster that was just joined."""
        import ray

        self._hello = hello
        self._cluster = cluster
        self._tell = Teller(outlet)
        self._dispatch = Dispatcher(hello.most_slots)
        self._store = ObjectStore(ray.put)
        self._actors = SlotActors(hello.run, hello.request)
        self._handles: dict[int, Any] = {}
        self._given_up: dict[int, asyncio.Future[str]] = {}
        self._submits: dict[str, Submit] = {}
        self._delayed: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sight: Sight | None = None
        self._config: dict[str, Any] = {}
        self._stopping = False
        self._registrar: Any = None
        self._slotless_since = time.monotonic()
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, reader: asyncio.StreamReader) -> int:
        """Serve until the controller or the cluster ends; return the exit status."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._finish, 0)
        await asyncio.to_thread(self._actors.clear_former)
        self._config = await self._common()
        self._watch = Watch(
            self._hello.request,
            self._cluster.address,
            self._cluster.raylet_socket,
            lambda sight: _hand(loop, self._saw, sight),
            lambda message: _hand(loop, self._gone, message),
        )
        self._spawn(self._listen(reader))
        self._spawn(self._tick())
        self._spawn(self._share())
        status = await self._end
        self._watch.end()
        for task in self._tasks:
            task.cancel()
        await self._leave(status)
        return status

    async def _common(self) -> dict[str, Any]:
        """Return what all slots of the run are made with, its files among Ray's objects."""
        hello = self._hello
        try:
            sha256 = await asyncio.to_thread(sha256_of, Path(hello.runner))
            if sha256 is None:
                raise FileNotFoundError(f"{hello.runner} is not there")
            runner = await self._store.take({sha256: hello.runner})
            files = await self._store.take(hello.files)
        except OSError as error:
            raise Refused(
                "N2-RAY-006", f"a file of the run cannot be read: {error}", "see that it is there"
            ) from error
        return {
            "scratch": hello.scratch,
            "header": hello.header,
            "files": files,
            "runner": runner[sha256],
            "runner_sha256": sha256,
        }

    async def _leave(self, status: int) -> None:
        """Leave no actor and no runner. A cluster that is gone may still have nodes that listen."""
        import ray

        up = [slot.id for slot in self._dispatch.slots.values() if slot.state is not State.PENDING]
        ends = [self._handles[slot].end.remote() for slot in up if slot in self._handles]
        if ends:
            await asyncio.wait(
                [asyncio.ensure_future(settled(end)) for end in ends], timeout=END_WITHIN_S + 1.0
            )
        if status == 3:
            return

        def away() -> None:
            for handle in self._handles.values():
                kill(handle)
            ray.shutdown()

        leaving = threading.Thread(target=away, daemon=True)
        leaving.start()
        await asyncio.to_thread(leaving.join, 5.0)

    def _finish(self, status: int) -> None:
        self._stopping = True
        if not self._end.done():
            self._end.set_result(status)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A flaw of the bridge: it ends rather than go on with half of its work.
            sys.stderr.write(f"noodle2_ray: {describe(error)}\n")
            traceback.print_exception(error)
            self._finish(2)

    # What the controller asks for

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (message := await read_frame(reader)) is not None:
                request = parse_request(message)
                if isinstance(request, Submit):
                    self._submit(request)
                elif isinstance(request, Cancel):
                    self._cancel(request)
                else:
                    break
        except ProtocolError as error:
            sys.stderr.write(f"noodle2_ray: the controller broke the protocol: {error}\n")
            self._finish(2)
        self._finish(0)

    def _submit(self, submit: Submit) -> None:
        if submit.attempt in self._submits:
            raise ProtocolError(f"attempt `{submit.attempt}` was submitted before, and has not come back")
        self._submits[submit.attempt] = submit
        order = Order(submit.attempt, submit.affinity, submit)

        def enter() -> None:
            self._delayed.pop(submit.attempt, None)
            self._dispatch.submit(order, time.monotonic())
            self._pump()

        if submit.delay_s > 0:
            self._delayed[submit.attempt] = asyncio.get_running_loop().call_later(submit.delay_s, enter)
        else:
            enter()

    def _cancel(self, cancel: Cancel) -> None:
        timer = self._delayed.pop(cancel.attempt, None)
        if timer is not None:
            timer.cancel()
        if timer is not None or self._dispatch.withdraw(cancel.attempt):
            self._lost(cancel.attempt, None, "cancelled before it began")
            return
        for slot in self._dispatch.of(State.BUSY):
            if slot.order is not None and slot.order.attempt == cancel.attempt:
                self._spawn(self._cancel_running(slot, cancel))

    async def _cancel_running(self, slot: Slot, cancel: Cancel) -> None:
        handle, order = self._handles[slot.id], slot.order
        word = asyncio.ensure_future(settled(handle.cancel.remote(cancel.attempt, cancel.kill)))
        if not cancel.kill:
            await word
            return
        await asyncio.sleep(KILL_WITHIN_S)
        given_up = self._given_up.get(slot.id)
        if slot.order is order and given_up is not None and not given_up.done():
            # A worker that is stopped or hangs answers nobody, not even Ray that kills it.
            given_up.set_result(f"its slot gave no answer for {KILL_WITHIN_S:.0f} s when it was killed")

    # What the bridge does

    def _pump(self) -> None:
        """Do all that can be done now."""
        if self._stopping:
            return
        now = time.monotonic()
        for slot in self._dispatch.retire(now):
            self._retire(slot)
        for slot, order in self._dispatch.assign(now):
            self._spawn(self._carry_out(slot, order))
        for slot in self._dispatch.ask(now):
            self._spawn(self._raise(slot))
        slots = self._dispatch.count(State.IDLE) + self._dispatch.count(State.BUSY)
        self._tell.capacity(slots, self._dispatch.offered())

    async def _raise(self, slot: Slot) -> None:
        """Make an actor of a pending slot, and wait until it is up."""
        import ray

        try:
            # Ray registers a name before it goes on, and so waits for a head that may be gone.
            handle = await asyncio.to_thread(self._actors.create, slot.id, slot.node, self._config)
            if slot.id not in self._dispatch.slots:
                await asyncio.to_thread(kill, handle)
                return
            self._handles[slot.id] = handle
            place = await handle.where.remote()
            self._tell.knows(place["node"], place["host"])
        except (ray.exceptions.RayError, ValueError) as error:
            self._handles.pop(slot.id, None)
            if slot.id in self._dispatch.slots:
                self._dispatch.down(slot.id, lost=False)
                self._tell.warn(f"a slot did not come up: {describe(error)}")
            return
        if slot.id not in self._dispatch.slots:
            return
        if self._dispatch.up(slot.id, place["node"], time.monotonic()):
            self._pump()
        else:
            self._retire(slot)
        self._watch.hurry()

    def _retire(self, slot: Slot) -> None:
        """Give a slot that does nothing back to the cluster."""
        self._dispatch.down(slot.id, lost=False)
        handle = self._handles.pop(slot.id, None)
        if handle is None:
            return

        async def away() -> None:
            if slot.state is not State.PENDING:
                await asyncio.wait(
                    [asyncio.ensure_future(settled(handle.end.remote()))], timeout=END_WITHIN_S + 1.0
                )
            await asyncio.to_thread(kill, handle)
            self._watch.hurry()

        self._spawn(away())

    async def _carry_out(self, slot: Slot, order: Order) -> None:
        """See one attempt through on one slot, and tell what came of it."""
        import ray

        submit: Submit = order.data
        handle = self._handles[slot.id]
        node = slot.node or ""
        try:
            files = await self._store.take(submit.files)
        except OSError as error:
            self._dispatch.ended(slot.id, time.monotonic())
            self._lost(order.attempt, None, f"a file of the attempt cannot be read: {error}")
            self._pump()
            return
        try:
            self._tell.started(order.attempt, node, slot.id)
            more = {
                "slots_on_node": max(1, (self._sight.holds if self._sight else {}).get(node, 1)),
                "place": submit.place,
            }
            given_up = self._given_up[slot.id] = asyncio.get_running_loop().create_future()
            call = handle.carry_out.options(name=submit.name)
            reply = await self._reply(
                call.remote(order.attempt, submit.name, submit.order, files, more), given_up
            )
        except ray.exceptions.RayError as error:
            told = getattr(getattr(error, "cause", None), "reply", None)
            if told is None:
                await self._until_head_answers()
                message = f"the slot or its node is gone: {describe(error)}"
                told = {"kind": "died", "message": message, "alive": False}
            reply = told
        finally:
            self._store.release(submit.files)
            self._given_up.pop(slot.id, None)
        if self._stopping:
            return
        kind = reply["kind"]
        if kind == "refused":
            self._refuse(slot, node, reply)
        elif kind == "died":
            self._died(slot, order, node, reply)
        else:
            # The slot need not wait for the files.
            self._dispatch.ended(slot.id, time.monotonic())
            self._pump()
            await self._deliver(submit, node, reply)
        self._pump()

    async def _until_head_answers(self) -> None:
        """Wait while the head takes no connections: a loss may be the first that is seen of the whole cluster's."""
        while not self._stopping:
            if await asyncio.to_thread(takes_connections, self._cluster.address):
                return
            await asyncio.sleep(_KNOCK_AGAIN_S)

    async def _reply(self, call: Any, given_up: asyncio.Future[str]) -> Message:
        """Return what a slot answers, or that it was given up, whichever is first."""
        replying = asyncio.ensure_future(answer(call))
        # Who stops waiting does not want to hear of it later, either.
        replying.add_done_callback(lambda late: late.cancelled() or late.exception())
        await asyncio.wait({replying, given_up}, return_when=asyncio.FIRST_COMPLETED)
        if replying.done():
            reply: Message = replying.result()
            return reply
        replying.cancel()
        return {"kind": "died", "message": given_up.result(), "alive": False}

    def _died(self, slot: Slot, order: Order, node: str, reply: Message) -> None:
        if reply["alive"]:
            self._dispatch.ended(slot.id, time.monotonic())
        else:
            # It may be there again in a moment, with the attempt that was given up: it is never used again.
            self._dispatch.down(slot.id, lost=True)
            handle = self._handles.pop(slot.id)
            self._spawn(_in_thread(kill, handle))
        self._lost(order.attempt, node, reply["message"])

    def _refuse(self, slot: Slot, node: str, reply: Message) -> None:
        known = node in self._dispatch.refused
        for other in self._dispatch.refuse(slot.id):
            self._retire(other)
        if not known:
            remedy = f" ({reply['help']})" if reply["help"] else ""
            self._tell.node("refused", node, reply["code"], reply["message"] + remedy)
        if not self._dispatch.nodes:
            self._tell.warn("every node of the cluster that could hold a trial refused to run this study")

    async def _deliver(self, submit: Submit, node: str, reply: Message) -> None:
        """Write an attempt's files where they belong, then tell its result."""
        try:
            if submit.folder is not None:
                await asyncio.to_thread(self._write, Path(submit.folder), submit, reply)
        except (OSError, UnsafePath, ProtocolError) as error:
            self._lost(submit.attempt, node, f"its files cannot be written: {error}")
            return
        if not self._stopping and self._submits.pop(submit.attempt, None) is not None:
            self._tell.result(submit.attempt, node, reply["result"], reply["files"], reply["links"])

    def _write(self, folder: Path, submit: Submit, reply: Message) -> None:
        sent = {**self._hello.files, **submit.files}
        for file in objects(reply, "files"):
            content, path = text(file, "hash"), text(file, "path")
            if content in reply["contents"]:
                write_below(folder, path, reply["contents"][content])
            elif content in sent:
                write_below(folder, path, Path(sent[content]).read_bytes())
            else:
                raise ProtocolError(f"`{path}` came without its content {content}")

    def _lost(self, attempt: str, node: str | None, message: str, cluster: bool = False) -> None:
        if self._submits.pop(attempt, None) is not None:
            self._tell.lost(attempt, node, message, cluster)

    # What happens by itself

    def _saw(self, sight: Sight) -> None:
        if self._stopping:
            return
        self._sight = sight
        self._tell.saw(sight.hosts, self._cluster)
        self._dispatch.observed(sight.fits, [node for node, holds in sight.holds.items() if holds > 0])
        self._pump()
        self._warn_of_request(sight)

    def _warn_of_request(self, sight: Sight) -> None:
        now = time.monotonic()
        up = len(self._dispatch.slots) - self._dispatch.count(State.PENDING)
        if up or any(sight.holds.values()):
            self._slotless_since = now
        elif now - self._slotless_since >= _WARN_AFTER_S:
            amounts = ", ".join(
                f"{amount:g} {name}" for name, amount in self._hello.request.amounts().items()
            )
            self._tell.warn(f"no node of the cluster can hold what a trial asks for: {amounts}")

    def _gone(self, message: str) -> None:
        for attempt in list(self._submits):
            self._lost(attempt, None, message, cluster=True)
        self._tell.gone(message)
        self._finish(3)

    async def _tick(self) -> None:
        while not self._stopping:
            await asyncio.sleep(_TICK_S)
            if self._sight is None:
                continue
            self._pump()
            self._tell.heartbeat(
                len(self._dispatch.queue) + len(self._delayed),
                self._dispatch.count(State.BUSY),
                self._dispatch.count(State.PENDING),
            )

    async def _share(self) -> None:
        while not self._stopping:
            await asyncio.sleep(_TICK_S)
            if self._sight is not None:
                await self._ask_share(self._sight)

    async def _ask_share(self, sight: Sight) -> None:
        """Tell the registrar what this run has and wants, and take its share; without an answer the last one holds."""
        import ray

        slots = self._dispatch.slots
        busy = self._dispatch.count(State.BUSY)
        held = len(slots) - self._dispatch.count(State.PENDING)
        waiting = len(self._dispatch.queue)
        if self._hello.most_slots is not None:
            waiting = min(waiting, max(0, self._hello.most_slots - busy))
        total = sum(number for node, number in sight.holds.items() if node not in self._dispatch.refused)
        try:
            if self._registrar is None:
                self._registrar = await asyncio.to_thread(find_registrar)
            report = self._registrar.report.remote(
                self._hello.run, self._hello.weight, busy, waiting, held, total
            )
            self._dispatch.share = await asyncio.wait_for(answer(report), _SHARE_WITHIN_S)
        except (ray.exceptions.RayError, ValueError):
            # It died with the run that made it; the next try makes another.
            self._registrar = None
        except asyncio.TimeoutError:
            pass


async def _in_thread(work: Any, *arguments: Any) -> None:
    await asyncio.to_thread(work, *arguments)


def _hand(loop: asyncio.AbstractEventLoop, work: Any, argument: Any) -> None:
    """Let the loop do `work`, as a thread asks."""
    # A thread may be slower than the end of the loop.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work, argument)
