"""A slot: an actor on some node that keeps one runner, and relays one attempt at a time to it.

It holds the processors of an attempt as long as it lives, and so keeps what the runner has warm. Its code travels to the nodes by
value: it may use the standard library, Ray and the two modules below, and nothing else. It decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from .files import read_below, sha256_of, write_whole
from .protocol import VERSION, Message, ProtocolError, encode, objects, optional_text, read_frame, text, typed

# How long a runner may take to end in order before its process group is killed.
END_WITHIN_S = 4.0
# How long an attempt that is to be killed may take to come back before its runner is.
KILL_WITHIN_S = 10.0
_STDERR_LINES = 20
# A worker of Ray that exits kills its direct children by SIGKILL, which would leave a runner no time to end what it started.
# One process further away it finds the end of its pipe, and does.
_LAUNCH = 'exec 3<&0 </dev/null; "$0" runner <&3 3<&- & exec 3<&-; wait "$!"'


class RunnerDied(Exception):
    """The runner ended, or broke the protocol, while it was wanted."""


class RunnerRefused(Exception):
    """The runner said that this node cannot run the study."""

    def __init__(self, refusal: Message) -> None:
        """Keep what it said."""
        super().__init__(refusal.get("message"))
        self.refusal = refusal


class Unsuccessful(Exception):
    """An attempt that came to no measurement: Ray shows its task as failed, with this text."""

    def __init__(self, message: str, reply: Message) -> None:
        """Say `message`, and bring `reply`, as `carry_out` would have returned it."""
        super().__init__(message, reply)
        self.reply = reply

    def __str__(self) -> str:
        """Return what people want to know of it."""
        return str(self.args[0])


class Runner:
    """The process, its pipes and its last words."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take over a process that was just started in a session of its own."""
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._last_words: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while block := await self.process.stderr.read(4096):
            words = block.decode(errors="replace")
            sys.stderr.write(words)
            sys.stderr.flush()
            self._last_words.extend(words.splitlines())

    async def send(self, message: Message) -> None:
        """Write one frame; `RunnerDied` where nobody reads it any more."""
        try:
            self.stdin.write(encode(message))
            await self.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise RunnerDied(await self.end_of()) from error

    async def receive(self) -> Message:
        """Return the next frame; `RunnerDied` with the runner's last words where there is none."""
        try:
            message = await read_frame(self.stdout)
        except ProtocolError as error:
            raise RunnerDied(f"the runner broke the protocol: {error}; {await self.end_of()}") from error
        if message is None:
            raise RunnerDied(await self.end_of())
        return message

    async def end_of(self) -> str:
        """End the runner, in order if it will; return how it did and what it said last."""
        with contextlib.suppress(Exception):
            self.stdin.close()
        try:
            status = await asyncio.wait_for(self.process.wait(), END_WITHIN_S)
        except asyncio.TimeoutError:
            self.kill()
            status = await self.process.wait()
        # What it had started, if it left anything behind.
        self.kill()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._listener), 1.0)
        words = "\n".join(self._last_words)
        return f"the runner ended {_status(status)}" + (f":\n{words}" if words else "")

    def kill(self) -> None:
        """Kill the process group of the runner."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Noodle2Slot:
    """The actor. `config` is the same for all slots of a run but for `slot`."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Note what the run needs; nothing is started before the first order."""
        self._config = config
        self._runner: Runner | None = None
        # The attempt that the runner has the order of.
        self._ordered: str | None = None
        self._cancelled: str | None = None
        self._insisting: set[asyncio.Task[None]] = set()
        self._objects: dict[str, Any] = {}
        scratch = config["scratch"] or f"{tempfile.gettempdir()}/noodle2-{os.getuid()}"
        self._scratch = Path(scratch).absolute()

    async def where(self) -> dict[str, Any]:
        """Return where this slot is."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        return {"node": node, "host": socket.gethostname(), "pid": os.getpid()}

    async def carry_out(
        self, attempt: str, name: str, order: Any, files: dict[str, Any], more: Message
    ) -> Message:
        """Carry one attempt out; return how that ended, as an object with a `kind`, or raise it as `Unsuccessful`.

        `result` has the result, its files and their contents by hash, but those that came with the order; `refused` what the
        runner said of this node; `died` why the attempt was lost. `files` are boxed references by hash.
        """
        self._objects = {**self._config["files"], **files}
        try:
            if self._runner is None or self._runner.process.returncode is not None:
                self._runner = await self._start(more)
            runner = self._runner
            if self._cancelled == attempt:
                return {"kind": "died", "message": "cancelled before it began", "alive": True}
            self._ordered = attempt
            await runner.send({"type": "order", "attempt": attempt, "order": order})
            done = await self._answer(runner, "done")
            if text(done, "attempt") != attempt:
                raise RunnerDied(
                    f"the runner told the end of `{done['attempt']}`, which it was not asked for"
                )
            said, failed = text(done, "said"), typed(done, "failed", bool)
            contents = await asyncio.to_thread(self._collect, done)
            with contextlib.suppress(RunnerDied):
                # What was done is done, whatever becomes of the runner.
                await runner.send({"type": "forget", "attempt": attempt})
        except RunnerRefused as refused:
            await self.end()
            reply = {"kind": "refused", **_refusal(refused.refusal)}
            raise Unsuccessful(f"{reply['code']}: {reply['message']}", reply) from None
        except (RunnerDied, ProtocolError, OSError, ValueError) as error:
            await self.end()
            reply = {"kind": "died", "message": str(error), "alive": False}
            raise Unsuccessful(str(error), reply) from None
        finally:
            self._ordered = None
            self._objects = {}
        told = f"{name} attempt {attempt}: {said}, artifacts in {more['place']}"
        # Ray keeps this in the worker's log, and the dashboard shows it there.
        print(told, flush=True)
        reply = {
            "kind": "result",
            "result": done.get("result"),
            "files": done.get("files") or [],
            "links": done.get("links") or [],
            "contents": contents,
        }
        if failed:
            raise Unsuccessful(told, reply)
        return reply

    async def cancel(self, attempt: str, kill: bool) -> None:
        """Tell the runner to end an attempt; where it is to be killed and is not, kill the runner."""
        self._cancelled = attempt
        runner = self._runner
        if self._ordered != attempt or runner is None:
            # It has not begun, and will not.
            return
        with contextlib.suppress(RunnerDied):
            await runner.send({"type": "cancel", "attempt": attempt, "kill": kill})
        if kill:
            task = asyncio.create_task(self._insist(attempt, runner))
            self._insisting.add(task)
            task.add_done_callback(self._insisting.discard)

    async def _insist(self, attempt: str, runner: Runner) -> None:
        await asyncio.sleep(KILL_WITHIN_S / 2)
        if self._ordered == attempt and self._runner is runner:
            runner.kill()

    async def end(self) -> None:
        """End the runner, in order if it will."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.end_of()

    async def _start(self, more: Message) -> Runner:
        """Return a runner that is ready for orders."""
        executable = await self._install()
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _LAUNCH,
            str(executable),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            cwd=self._scratch,
        )
        self._runner = runner = Runner(process)
        await runner.send(
            {
                "type": "open",
                "protocol": VERSION,
                "header": self._config["header"],
                "scratch": str(self._scratch),
                "slot": self._config["slot"],
                "slots_on_node": more["slots_on_node"],
            }
        )
        await self._answer(runner, "ready")
        return runner

    async def _answer(self, runner: Runner, wanted: str) -> Message:
        """Return the runner's next frame of the type `wanted`, bringing what it needs on the way."""
        while True:
            message = await runner.receive()
            kind = message["type"]
            if kind == wanted:
                return message
            if kind == "needs":
                await self._bring(objects(message, "files"))
                await runner.send({"type": "have"})
            elif kind == "refused":
                raise RunnerRefused(message)
            else:
                raise RunnerDied(f"the runner said `{kind}` where `{wanted}` was due")

    async def _bring(self, needed: list[Message]) -> None:
        for file in needed:
            content, path = text(file, "hash"), Path(text(file, "path"))
            boxed = self._objects.get(content)
            if boxed is None:
                raise RunnerDied(f"the runner needs {content} for {path}, which was not sent along")
            await asyncio.to_thread(write_whole, path, await boxed[0])

    async def _install(self) -> Path:
        """Return the runner's executable, which is brought to this node once and checked each time."""
        wanted = str(self._config["runner_sha256"])
        executable = self._scratch / "runners" / wanted / "noodle2"
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._config["scratch"] and self._scratch.stat().st_uid != os.getuid():
            # Anybody may make a folder of this name among the temporary ones, and change what is in it.
            raise RunnerDied(f"{self._scratch} belongs to another user; say where runners may write")
        if await asyncio.to_thread(sha256_of, executable) != wanted:
            await asyncio.to_thread(write_whole, executable, await self._config["runner"][0], 0o755)
            if await asyncio.to_thread(sha256_of, executable) != wanted:
                raise RunnerDied(f"the runner at {executable} is not the one with the SHA-256 {wanted}")
        return executable

    def _collect(self, done: Message) -> dict[str, bytes]:
        """Return the contents of the attempt's files by hash, each once, but those that came with the order."""
        folder = optional_text(done, "folder")
        contents: dict[str, bytes] = {}
        if folder is None:
            return contents
        for file in objects(done, "files"):
            content = text(file, "hash")
            if content not in contents and content not in self._objects:
                contents[content] = read_below(Path(folder), text(file, "path"))
        return contents


def _refusal(message: Message) -> Message:
    return {key: str(message.get(key) or "") for key in ("code", "message", "help")}


def _status(status: int) -> str:
    """Return how a process ended; a shell tells of its child's signal by 128 more."""
    number = -status if status < 0 else status - 128
    if number in {known.value for known in signal.Signals}:
        return f"by {signal.Signals(number).name}"
    return f"with status {status}"
