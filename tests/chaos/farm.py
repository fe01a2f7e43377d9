"""A farm of real processes on loopback: one coordinator, workers, their folders, and a fault proxy before each worker.

Everything lives under one folder. Processes die with the harness; mounts are seen by the harness and its children alone. A
farm is used inside one asyncio loop:

    async with Farm(gopmill, folder, workers=3) as farm:
        job = await farm.submit(clip, profile, folder / 'out')
        await farm.wait(job)
"""

import asyncio
import dataclasses
import datetime
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import linux
from proxy import Proxy

LOOK_EVERY_S = 0.02
START_S_MAX = 20.0
ASK_S_MAX = 60.0
PORT_TRIES = 20
# Below the range that the kernel hands out by itself, so that nothing outgoing sits on a port a coordinator comes back to.
PORTS = range(12_000, 32_000, 2)


class FarmError(Exception):
    """The harness cannot go on: something did not start or did not answer."""


@dataclasses.dataclass
class Outcome:
    code: int | None  # None: killed because it took too long; negative: killed by that signal
    out: str
    err: str


async def eventually(holds, seconds, what):
    """Looks again and again until it holds."""
    give_up_at = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > give_up_at:
            raise FarmError(f'not within {seconds} s: {what}')
        await asyncio.sleep(LOOK_EVERY_S)
    return found


class Process:
    """A child of ours, with its output in a file that restarts append to."""

    def __init__(self, command, log, environment=None, out=None):
        self.log = log
        with open(log, 'ab') as stderr, open(out or log, 'ab') as stdout:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                           env={**os.environ, **(environment or {})}, preexec_fn=linux.die_with_parent)
        self.pid = self._child.pid

    @property
    def running(self):
        return self._child.poll() is None

    @property
    def code(self):
        return self._child.poll()

    def signal(self, number):
        if self.running:
            self._child.send_signal(number)

    def kill(self):
        if self.running:
            self._child.kill()
        return self._child.wait()

    async def ended(self, seconds):
        """Its exit code; None if it is still there after `seconds`."""
        give_up_at = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > give_up_at:
                return None
            await asyncio.sleep(LOOK_EVERY_S)
        return self.code


class Worker:
    """A place where a worker runs: its number, folder and proxies stay the same while its processes come and go."""

    def __init__(self, farm, number, disk, log):
        self.farm, self.number, self.disk, self.log = farm, number, disk, log
        self.temporary = disk / 'tmp'
        self.temporary.mkdir()
        self.control = self.data = None  # proxies
        self.process = None
        self.lives = 0

    def start(self):
        arguments = ['worker', '--connect', self.farm.endpoint, '--temp', str(self.temporary), '--verbose']
        if self.control:
            arguments = ['worker', '--connect', f'tcp://127.0.0.1:{self.control.port}', '--data',
                         f'tcp://127.0.0.1:{self.data.port}', '--temp', str(self.temporary), '--verbose']
        self.process = Process([self.farm.gopmill, *arguments], self.log, self.farm.environment)
        self.lives += 1

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.signal(number)

    def kill(self):
        self.process.kill()

    def children(self):
        """Media children at work."""
        return [pid for pid in linux.children_of(self.pid) if linux.is_media_child(pid) and linux.state_of(pid) not in ('Z', '')]


class Farm:
    """See above. `worker_disk`, `coordinator_disk`: bytes of a tmpfs for each folder; none where mounting is not allowed."""

    def __init__(self, gopmill, folder, workers, proxied=False, worker_disk=0, coordinator_disk=0, environment=None):
        self.gopmill = str(gopmill)
        self.folder = pathlib.Path(folder)
        self.coordinator_disk = self.folder / 'coordinator'
        self.data = self.coordinator_disk / 'data'
        self.temporary = self.folder / 'tmp'  # everybody's TMPDIR
        self.coordinator = None
        self.coordinator_log = self.folder / 'coordinator.log'
        self.port = None
        self.workers = []
        self.proxied = proxied
        self.processes = []  # submitters and such
        self._count = workers
        self._disks = (worker_disk, coordinator_disk)
        self._mounts = []
        self.environment = {'TMPDIR': str(self.temporary), **(environment or {})}
        # LD_PRELOAD and the like are for the services alone.
        self._client_environment = {'TMPDIR': str(self.temporary)}
        self._outputs = 0

    async def __aenter__(self):
        self.temporary.mkdir(parents=True)
        self._make_disk(self.coordinator_disk, self._disks[1])
        await self._first_start()
        for number in range(self._count):
            await self._add_worker(number)
        return self

    async def __aexit__(self, *_):
        for process in [worker.process for worker in self.workers if worker.process] + self.processes:
            process.kill()
        if self.coordinator:
            self.coordinator.kill()
        for worker in self.workers:
            for proxy in filter(None, (worker.control, worker.data)):
                proxy.heal()
                await proxy.stop()
        for folder in reversed(self._mounts):
            linux.unmount(folder)

    # ---- Its parts ----

    @property
    def endpoint(self):
        return f'tcp://127.0.0.1:{self.port}'

    def _make_disk(self, folder, size_bytes):
        folder.mkdir()
        if size_bytes:
            linux.mount_tmpfs(folder, size_bytes)
            self._mounts.append(folder)

    async def _first_start(self):
        for _ in range(PORT_TRIES):
            self.port = random.choice(PORTS)
            try:
                await self.start_coordinator()
                return
            except FarmError:
                if 'in use' not in self.coordinator_log.read_text():
                    raise
        raise FarmError('no free port')

    async def _add_worker(self, number):
        disk = self.folder / f'worker-{number}'
        self._make_disk(disk, self._disks[0])
        worker = Worker(self, number, disk, self.folder / f'worker-{number}.log')
        if self.proxied:
            worker.control, worker.data = Proxy(self.port), Proxy(self.port + 1)
            await worker.control.start()
            await worker.data.start()
        self.workers.append(worker)
        worker.start()

    def spawn_coordinator(self):
        self.coordinator = Process([self.gopmill, 'coordinator', '--listen', self.endpoint, '--data', str(self.data), '--verbose'],
                                   self.coordinator_log, self.environment)

    async def start_coordinator(self):
        """Returns once it listens; gives how long that took."""
        said = self.coordinator_log.stat().st_size if self.coordinator_log.exists() else 0
        started = time.monotonic()
        self.spawn_coordinator()

        def listening():
            with open(self.coordinator_log, 'rb') as log:
                log.seek(said)
                words = log.read()
            if b'listening on' in words:
                return True
            if not self.coordinator.running:
                raise FarmError(f'the coordinator ended with {self.coordinator.code}: {words.decode(errors="replace")[-500:]}')
            return False
        await eventually(listening, START_S_MAX, 'the coordinator listens')
        return time.monotonic() - started

    async def all_joined(self):
        """Returns once the coordinator knows as many workers as there are."""
        await self.until(lambda workers: len(workers) == len(self.workers), 'all workers join')

    async def until(self, holds, what, seconds=ASK_S_MAX):
        """Waits until holds(list of workers)."""
        give_up_at = time.monotonic() + seconds
        while not holds(await self.workers_seen()):
            if time.monotonic() > give_up_at:
                raise FarmError(f'not within {seconds} s: {what}')
            await asyncio.sleep(LOOK_EVERY_S)

    # ---- What a user does ----

    def start(self, arguments, endpoint=None):
        """A client of this farm that runs on; its output goes to files of its own."""
        self._outputs += 1
        base = self.folder / f'client-{self._outputs}'
        environment = {**self._client_environment, 'GOPMILL_CONNECT': endpoint or self.endpoint}
        process = Process([self.gopmill, *map(str, arguments)], base.with_suffix('.err'), environment, base.with_suffix('.out'))
        self.processes.append(process)
        process.out = base.with_suffix('.out')
        return process

    def forget(self, process):
        """Gives what it said; its files go."""
        self.processes.remove(process)
        outcome = Outcome(process.code, process.out.read_text(), process.log.read_text())
        process.out.unlink()
        process.log.unlink()
        return outcome

    async def ask(self, *arguments, seconds=ASK_S_MAX, endpoint=None):
        process = self.start(arguments, endpoint)
        if await process.ended(seconds) is None:
            process.kill()
            outcome = self.forget(process)
            outcome.code = None
            return outcome
        return self.forget(process)

    async def asked(self, *arguments):
        """The same, as JSON; the coordinator has to answer."""
        outcome = await self.ask(*arguments, '--json')
        if outcome.code != 0:
            raise FarmError(f'{" ".join(map(str, arguments))} ended with {outcome.code}: {outcome.err}')
        return json.loads(outcome.out)

    async def jobs(self):
        return await self.asked('jobs')

    async def job(self, number):
        return await self.asked('job', str(number))

    async def workers_seen(self):
        return await self.asked('workers')

    async def submit(self, clip, profile, out, *more):
        outcome = await self.ask('submit', clip, '-p', profile, '-o', out, *more)
        if outcome.code != 0:
            raise FarmError(f'submit ended with {outcome.code}: {outcome.err}')
        return int(outcome.out)

    async def wait(self, *numbers, seconds=600):
        return await self.ask('wait', *map(str, numbers), '--json', seconds=seconds)

    # ---- Its end ----

    async def drain(self, seconds):
        """SIGTERM to all workers, then to the coordinator; gives complaints."""
        complaints = []
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            if (code := await worker.process.ended(seconds)) != 0:
                complaints.append(f'worker {worker.number} ended with {code} when asked to leave')
        self.coordinator.signal(signal.SIGTERM)
        if (code := await self.coordinator.ended(seconds)) != 0:
            complaints.append(f'the coordinator ended with {code} when asked to')
        return complaints


# ---- What the coordinator says ----

@dataclasses.dataclass
class Line:
    at: float  # as time.time(), to the millisecond
    level: str
    text: str

    def match(self, pattern):
        return re.search(pattern, self.text)


LINE = re.compile(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}) (\w+) (.*)')


def line_of(raw):
    """None for what has no time stamp."""
    found = LINE.match(raw)
    return found and Line(datetime.datetime.fromisoformat(found.group(1)).timestamp(), found.group(2), found.group(3))


def lines_of(log):
    """The stamped lines of a log, oldest first."""
    return [line for raw in pathlib.Path(log).read_text(errors='replace').splitlines() if (line := line_of(raw))]


# ---- Sources ----

def make_source(path, seconds, pattern='testsrc2', size='160x90', rate=25, audio=False, gop=12, more=()):
    """A small clip that is quick to decode and has key frames often enough to be cut."""
    frame = pattern if '=' in pattern else f'{pattern}=size={size}:rate={rate}'
    tones = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-c:a', 'aac', '-b:a', '48k'] if audio else []
    command = ['ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i', frame, *tones, '-t', str(seconds), '-c:v', 'libx264', '-preset',
               'ultrafast', '-g', str(gop), '-bf', '0', '-threads', '1', '-fflags', '+bitexact', '-flags:v', '+bitexact', *more, str(path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FarmError(f'ffmpeg: {done.stderr}')
    return pathlib.Path(path)


def make_profile(path, segment=2, height='source', audio=False, gop=1):
    """One small, quick rung in short segments."""
    audio = '' if audio else 'audio: none\n'
    pathlib.Path(path).write_text(f'name: {pathlib.Path(path).stem}\ngop: {gop}\nsegment: {segment}\n{audio}'
                                  f'renditions:\n  - {{codec: h264, preset: veryfast, height: {height}, quality: 30}}\n')
    return pathlib.Path(path)
