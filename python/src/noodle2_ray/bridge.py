"""The main loop: requests of the controller come in, placements go out to Ray, what comes of them goes back.

One asyncio loop owns all state. `dispatch` decides; this carries out, and turns every way in which Ray tells of a loss into `lost`.
A trial is retried by the controller alone: Ray's own restarts and retries are off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from . import __version__
from .cluster import Sight, Watch
from .connect import NAMESPACE, Cluster, describe, join, versions
from .dispatch import Dispatcher, Order, Slot, State
from .files import UnsafePath, write_below
from .protocol import (
    VERSION,
    Cancel,
    Hello,
    Message,
    ProtocolError,
    Submit,
    encode,
    objects,
    parse_hello,
    parse_request,
    read_frame,
    text,
)
from .security import Refused
from .shares import ACTOR_NAME, ShareRegistrar
from .slot import END_WITHIN_S, KILL_WITHIN_S, Noodle2Slot
from .store import ObjectStore

_TICK_S = 1.0
# What nothing of the cluster can hold is said, once, after so long without a slot.
_WARN_AFTER_S = 10.0


class Outlet:
    """Frames to the controller, written by a thread of its own so that a slow reader holds nothing up."""

    def __init__(self, descriptor: int) -> None:
        """Write to `descriptor` from now on."""
        self._descriptor = descriptor
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="noodle2-outlet", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Put one frame behind those that wait to be written."""
        self._frames.put(encode(message))

    def close(self, within_s: float) -> None:
        """Write what waits, for at most so long."""
        self._frames.put(None)
        self._thread.join(within_s)

    def _write(self) -> None:
        while (frame := self._frames.get()) is not None:
            try:
                while frame:
                    frame = frame[os.write(self._descriptor, frame) :]
            except OSError:
                # Nobody reads any more; the end of the other pipe tells what follows from that.
                return


def serve(source: int, target: int) -> NoReturn:
    """Serve one run, then exit."""
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
    except ProtocolError as error:
        refused = Refused(
            "N2-RAY-002", str(error), "install the bridge that came with this version of Noodle 2"
        )
        outlet.send(_refused(refused))
        return 1
    except Refused as error:
        outlet.send(_refused(error))
        return 1
    return await Bridge(hello, cluster, outlet).run(reader)


def _greet(first: Message) -> Hello:
    if first["type"] != "hello":
        raise ProtocolError(f"the first frame is `{first['type']}`, not `hello`")
    if first.get("protocol") != VERSION:
        raise ProtocolError(
            f"the controller speaks version {first.get('protocol')} of the protocol, and this bridge {VERSION}"
        )
    return parse_hello(first)


def _refused(refused: Refused) -> Message:
    return {"type": "refused", "code": refused.code, "message": refused.message, "help": refused.help}


class Bridge:
    """One run on one cluster."""

    def __init__(self, hello: Hello, cluster: Cluster, outlet: Outlet) -> None:
        """Take over a cluster that was just joined."""
        import ray

        ray.cloudpickle.register_pickle_by_value(sys.modules[__package__ or "noodle2_ray"])
        self._hello = hello
        self._cluster = cluster
        self._out = outlet
        self._dispatch = Dispatcher(hello.most_slots)
        self._store = ObjectStore(ray.put)
        self._slot_class: Any = ray.remote(Noodle2Slot)
        self._handles: dict[int, Any] = {}
        self._submits: dict[str, Submit] = {}
        self._delayed: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sight: Sight | None = None
        self._told: tuple[int, int, int] | None = None
        self._config: dict[str, Any] = {}
        self._stopping = False
        self._registrar: Any = None
        self._slotless_since = time.monotonic()
        self._warned: set[str] = set()
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, reader: asyncio.StreamReader) -> int:
        """Serve until the controller or the cluster ends; return the exit status."""
        loop = asyncio.get_running_loop()
        # Ctrl-C reaches all processes of a terminal; it is the controller who decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, self._finish, 0)
        await asyncio.to_thread(self._clear_former)
        try:
            runner = await self._store.take({self._hello.runner_sha256: self._hello.runner_path})
            files = await self._store.take(self._hello.files)
        except OSError as error:
            self._out.send(
                _refused(
                    Refused(
                        "N2-RAY-006", f"a file of the run cannot be read: {error}", "see that it is there"
                    )
                )
            )
            return 1
        self._config = {
            "scratch": self._hello.scratch,
            "header": self._hello.header,
            "files": files,
            "runner": runner[self._hello.runner_sha256],
            "runner_sha256": self._hello.runner_sha256,
        }
        self._watch = Watch(
            self._hello.request,
            self._cluster.address,
            self._cluster.raylet_socket,
            lambda sight: loop.call_soon_threadsafe(self._saw, sight),
            lambda message: loop.call_soon_threadsafe(self._gone, message),
        )
        self._spawn(self._listen(reader))
        self._spawn(self._tick())
        status = await self._end
        self._stopping = True
        self._watch.end()
        for task in self._tasks:
            task.cancel()
        await self._leave(status)
        return status

    def _clear_former(self) -> None:
        """End what a former bridge of this run left: a controller that was killed leaves its bridge no time."""
        import ray

        prefix = f"{self._hello.run}-slot-"
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            left = [name for name in ray.util.list_named_actors() if name.startswith(prefix)]
            if not left:
                return
            for name in left:
                with contextlib.suppress(ValueError, ray.exceptions.RayError):
                    ray.kill(ray.get_actor(name, namespace=NAMESPACE), no_restart=True)
            time.sleep(0.1)

    async def _leave(self, status: int) -> None:
        """Leave no actor and no runner. A cluster that is gone may still have nodes that listen."""
        import ray

        ends = [handle.end.remote() for handle in self._handles.values()]
        if ends:
            await asyncio.wait(
                [asyncio.ensure_future(_settled(end)) for end in ends], timeout=END_WITHIN_S + 1.0
            )
        if status == 3:
            return

        def away() -> None:
            for handle in self._handles.values():
                with contextlib.suppress(Exception):
                    ray.kill(handle, no_restart=True)
            ray.shutdown()

        leaving = threading.Thread(target=away, daemon=True)
        leaving.start()
        await asyncio.to_thread(leaving.join, 5.0)

    def _finish(self, status: int) -> None:
        if not self._end.done():
            self._end.set_result(status)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A flaw of the bridge: it ends rather than go on with half of its work.
            sys.stderr.write(f"noodle2_ray: {describe(error)}\n")
            import traceback

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
        handle = self._handles[slot.id]
        word = asyncio.ensure_future(_settled(handle.cancel.remote(cancel.attempt, cancel.kill)))
        await asyncio.wait([word], timeout=KILL_WITHIN_S + 5.0)
        if cancel.kill and slot.order is not None and slot.order.attempt == cancel.attempt:
            # The slot itself does not answer.
            await asyncio.to_thread(_kill, handle)

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
        self._tell_capacity()

    async def _raise(self, slot: Slot) -> None:
        """Make an actor of a pending slot, and wait until it is up."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        request = self._hello.request
        name = f"{self._hello.run}-slot-{slot.id}"
        options: dict[str, Any] = {
            "name": name,
            "namespace": NAMESPACE,
            "num_cpus": request.cpus,
            "resources": {key: amount for key, amount in request.resources.items() if amount > 0},
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 16,
        }
        if request.memory_bytes:
            options["memory"] = request.memory_bytes
        if slot.node is not None:
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(slot.node, soft=False)
        try:
            handle = self._slot_class.options(**options).remote({**self._config, "slot": name})
            self._handles[slot.id] = handle
            place = await handle.where.remote()
        except (ray.exceptions.RayError, ValueError) as error:
            if self._handles.pop(slot.id, None) is not None and slot.id in self._dispatch.slots:
                self._dispatch.down(slot.id, lost=False)
                self._warn(f"slot {slot.id} did not come up: {describe(error)}")
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
                    [asyncio.ensure_future(_settled(handle.end.remote()))], timeout=END_WITHIN_S + 1.0
                )
            await asyncio.to_thread(_kill, handle)
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
            self._out.send({"type": "started", "attempt": order.attempt, **self._place(node)})
            more = {
                "slots_on_node": max(1, (self._sight.holds if self._sight else {}).get(node, 1)),
                "folder": submit.folder,
                "run_host": socket.gethostname(),
            }
            reply: Message = await handle.carry_out.options(name=submit.name).remote(
                order.attempt, submit.name, submit.order, files, more
            )
        except ray.exceptions.RayError as error:
            reply = {
                "kind": "died",
                "message": f"the slot or its node is gone: {describe(error)}",
                "alive": False,
            }
        finally:
            self._store.release(submit.files)
        if self._stopping:
            return
        kind = reply["kind"]
        if kind == "refused":
            self._refuse(slot, node, reply)
        elif kind == "died":
            self._died(slot, order, node, reply)
        else:
            await self._deliver(submit, node, reply)
            self._dispatch.ended(slot.id, time.monotonic())
        self._pump()

    def _died(self, slot: Slot, order: Order, node: str, reply: Message) -> None:
        if reply["alive"]:
            self._dispatch.ended(slot.id, time.monotonic())
        else:
            # It may be there again in a moment, with the attempt that was given up: it is never used again.
            self._dispatch.down(slot.id, lost=True)
            handle = self._handles.pop(slot.id)
            self._spawn(_to_thread(_kill, handle))
        self._lost(order.attempt, node, reply["message"])

    def _refuse(self, slot: Slot, node: str, reply: Message) -> None:
        known = node in self._dispatch.refused
        for other in self._dispatch.refuse(slot.id):
            self._retire(other)
        if not known:
            refusal = {key: reply[key] for key in ("code", "message")}
            if reply["help"]:
                refusal["message"] += f" ({reply['help']})"
            self._out.send({"type": "node", "event": "refused", **self._place(node), **refusal})
        if not self._dispatch.nodes:
            self._warn("every node of the cluster that could hold a trial refused to run this study")

    async def _deliver(self, submit: Submit, node: str, reply: Message) -> None:
        """Write an attempt's files where they belong, then tell its result."""
        try:
            if submit.folder is not None:
                await asyncio.to_thread(self._write, Path(submit.folder), submit, reply)
        except (OSError, UnsafePath, ProtocolError) as error:
            self._lost(submit.attempt, node, f"its files cannot be written: {error}")
            return
        self._submits.pop(submit.attempt, None)
        told = {"type": "result", "attempt": submit.attempt, **self._place(node), "result": reply["result"]}
        files = [{key: file[key] for key in ("path", "hash")} for file in reply["files"]]
        self._out.send({**told, "files": files, "links": reply["links"]})

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

    # What the bridge tells

    def _place(self, node: str) -> dict[str, str | None]:
        return {"node": node, "host": self._sight.hosts.get(node) if self._sight else None}

    def _lost(self, attempt: str, node: str | None, message: str, cluster: bool = False) -> None:
        if self._submits.pop(attempt, None) is None:
            return
        place = {"node": None, "host": None} if node is None else self._place(node)
        told = {"type": "lost", "attempt": attempt, **place, "message": message}
        self._out.send({**told, "cluster": cluster})

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._out.send({"type": "log", "level": "warning", "message": message})

    def _tell_capacity(self) -> None:
        if self._sight is None:
            return
        slots = len(self._dispatch.of(State.IDLE)) + len(self._dispatch.of(State.BUSY))
        now = (slots, self._dispatch.offered(), len(self._sight.hosts))
        if now != self._told:
            self._told = now
            self._out.send(dict(zip(("slots", "offered", "nodes"), now, strict=True), type="capacity"))

    # What happens by itself

    def _saw(self, sight: Sight) -> None:
        if self._stopping:
            return
        before, self._sight = self._sight, sight
        if before is None:
            self._out.send(
                {
                    "type": "connected",
                    "protocol": VERSION,
                    "bridge_version": __version__,
                    "ray_version": versions()["ray"],
                    "python_version": versions()["python"],
                    "address": self._cluster.address,
                    "dashboard": self._cluster.dashboard,
                    "nodes": len(sight.hosts),
                }
            )
        else:
            for node, host in sight.hosts.items():
                if node not in before.hosts:
                    self._tell_node("joined", node, host, "the node joined the cluster")
            for node, host in before.hosts.items():
                if node not in sight.hosts:
                    self._tell_node("lost", node, host, "the node left the cluster, or does not answer it")
        self._dispatch.observed(sight.fits, [node for node, holds in sight.holds.items() if holds > 0])
        self._pump()
        self._warn_of_request(sight)

    def _tell_node(self, event: str, node: str, host: str, message: str) -> None:
        self._out.send(
            {"type": "node", "event": event, "node": node, "host": host, "code": None, "message": message}
        )

    def _warn_of_request(self, sight: Sight) -> None:
        now = time.monotonic()
        if any(sight.holds.values()) or any(
            s.state is not State.PENDING for s in self._dispatch.slots.values()
        ):
            self._slotless_since = now
        elif now - self._slotless_since >= _WARN_AFTER_S:
            amounts = ", ".join(
                f"{amount:g} {name}" for name, amount in self._hello.request.amounts().items()
            )
            self._warn(f"no node of the cluster can hold what a trial asks for: {amounts}")

    def _gone(self, message: str) -> None:
        for attempt in list(self._submits):
            self._lost(attempt, None, message, cluster=True)
        self._out.send({"type": "gone", "message": message})
        self._finish(3)

    async def _tick(self) -> None:
        while not self._stopping:
            await asyncio.sleep(_TICK_S)
            if self._sight is None:
                continue
            await self._ask_share()
            self._pump()
            self._out.send(
                {
                    "type": "heartbeat",
                    "queued": len(self._dispatch.queue) + len(self._delayed),
                    "running": len(self._dispatch.of(State.BUSY)),
                    "pending": len(self._dispatch.of(State.PENDING)),
                }
            )

    async def _ask_share(self) -> None:
        """Tell the registrar what this run has and wants, and take its share; without an answer the last one holds."""
        import ray

        assert self._sight is not None
        slots = self._dispatch.slots
        busy = len(self._dispatch.of(State.BUSY))
        held = sum(1 for slot in slots.values() if slot.state is not State.PENDING)
        waiting = len(self._dispatch.queue)
        if self._hello.most_slots is not None:
            waiting = min(waiting, max(0, self._hello.most_slots - busy))
        total = sum(
            number for node, number in self._sight.holds.items() if node not in self._dispatch.refused
        )
        try:
            if self._registrar is None:
                self._registrar = await asyncio.to_thread(self._find_registrar)
            report = self._registrar.report.remote(
                self._hello.run, self._hello.weight, busy, waiting, held, total
            )
            self._dispatch.share = await asyncio.wait_for(_answer(report), 2.0)
        except (ray.exceptions.RayError, ValueError):
            # It died with the run that made it; the next try makes another.
            self._registrar = None
        except asyncio.TimeoutError:
            pass

    def _find_registrar(self) -> Any:
        import ray

        return (
            ray.remote(ShareRegistrar)
            .options(name=ACTOR_NAME, namespace=NAMESPACE, get_if_exists=True, num_cpus=0, max_restarts=0)
            .remote()
        )


async def _answer(reference: Any) -> Any:
    return await reference


async def _settled(reference: Any) -> None:
    """Wait for an answer, whatever it is."""
    with contextlib.suppress(Exception):
        await reference


async def _to_thread(work: Any, *arguments: Any) -> None:
    await asyncio.to_thread(work, *arguments)


def _kill(handle: Any) -> None:
    import ray

    with contextlib.suppress(Exception):
        ray.kill(handle, no_restart=True)
