"""Does to a farm what a schedule says, undoes it, and keeps account of both."""

import asyncio
import collections
import errno
import os
import signal
import struct
import time

import linux
from farm import FarmError

FIND_S_MAX = 15.0       # for a victim to turn up
REFILL_EVERY_S = 0.05   # a full disk gets room when somebody's nameless file goes
RESTART_AFTER_S = 0.5   # what ended by itself is started again, as a service manager would
LOOK_EVERY_S = 0.05
STARTS_MAX = 20         # of a coordinator that cannot start although nothing keeps it from it


class Injector:
    """All faults of one run. `clients`: those at work, as Run keeps them."""

    def __init__(self, farm, client_proxy, clients, clock=None):
        self.farm, self.client_proxy, self.clients, self.clock = farm, client_proxy, clients, clock
        self.cancelled = set()               # ids of jobs that were to be cancelled, whether they were or not
        self.done = collections.Counter()
        self.missed = collections.Counter()  # no victim turned up
        self.complaints = []
        self.kills_of_coordinator = []       # time.time() of each
        self.recoveries_s = []
        self.ended_by_itself = collections.Counter()
        self._held = {'coordinator': 0}      # dead on purpose
        self._disk_faults = 0                # under way at the coordinator's
        self._disk_fault_until = 0.0
        self._filling = {}
        self._read_only = set()
        self._stopped = set()

    # ---- The run ----

    async def run(self, faults, started):
        """Every fault at its time; returns when the last is over."""
        await asyncio.gather(*(self._inject(fault, started) for fault in faults))

    async def tend(self):
        """Starts again what ended by itself, until cancelled, and remembers that it had to."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            farm = self.farm
            if not self._held['coordinator'] and not farm.coordinator.running:
                self._note_end('coordinator', farm.coordinator.code)
                await asyncio.sleep(RESTART_AFTER_S)
                await self._start_coordinator()
            for worker in farm.workers:
                if not self._held.get(worker.number) and not worker.process.running:
                    self._note_end(f'worker {worker.number}', worker.process.code)
                    await asyncio.sleep(RESTART_AFTER_S)
                    worker.start()

    def _note_end(self, who, code):
        self.ended_by_itself[who] += 1
        # A coordinator that cannot record does nothing more and says so; nothing else may end by itself.
        if who != 'coordinator' or (not self._disk_faults and time.monotonic() > self._disk_fault_until):
            self.complaints.append(f'{who} ended by itself with {code}')

    async def _start_coordinator(self):
        """Again and again, as a service manager would: it may not be able to start on a full disk."""
        while True:
            kills = len(self.kills_of_coordinator)
            try:
                self.recoveries_s.append(await self.farm.start_coordinator())
                return
            except FarmError as error:
                if kills != len(self.kills_of_coordinator):
                    return  # killed while it started; that fault sees to it
                if not self._disk_faults and time.monotonic() > self._disk_fault_until:
                    self.complaints.append(f'restarted coordinator: {error}')
                    if self.ended_by_itself['start'] > STARTS_MAX:
                        raise
                self.ended_by_itself['start'] += 1
                self.farm.coordinator.kill()
                await asyncio.sleep(RESTART_AFTER_S)

    async def _inject(self, fault, started):
        await asyncio.sleep(max(0.0, started + fault.at - time.monotonic()))
        doing = getattr(self, '_' + fault.kind.replace(' ', '_').replace('-', '_'))
        if await doing(fault) is False:
            self.missed[fault.kind] += 1
        else:
            self.done[fault.kind] += 1

    def heal(self):
        """Whatever is still wrong is put right."""
        for pid in list(self._stopped):
            linux.signal_quietly(pid, signal.SIGCONT)
        for folder in list(self._filling):
            self._empty(folder)
        for folder in list(self._read_only):
            linux.unmount(folder)
        self._read_only.clear()
        for worker in self.farm.workers:
            worker.control.heal()
            worker.data.heal()
        self.client_proxy.heal()

    # ---- Processes ----

    async def _kill_worker(self, fault):
        worker = self.farm.workers[fault.target]
        self._hold(worker.number, 1)
        worker.kill()
        await asyncio.sleep(fault.hold)
        self._hold(worker.number, -1)
        if not self._held[worker.number] and not worker.process.running:
            worker.start()

    async def _stop_worker(self, fault):
        await self._stop(self.farm.workers[fault.target].pid, fault.hold)

    async def _kill_child(self, fault):
        pid = await self._child(fault)
        return bool(pid) and linux.signal_quietly(pid, signal.SIGKILL)

    async def _stop_child(self, fault):
        pid = await self._child(fault)
        if not pid:
            return False
        await self._stop(pid, fault.hold)
        return True

    async def _stop(self, pid, seconds):
        linux.signal_quietly(pid, signal.SIGSTOP)
        self._stopped.add(pid)
        await asyncio.sleep(seconds)
        self._stopped.discard(pid)
        linux.signal_quietly(pid, signal.SIGCONT)

    async def _kill_coordinator(self, fault):
        self._hold('coordinator', 1)
        self.kills_of_coordinator.append(time.time())
        self.farm.coordinator.kill()
        await asyncio.sleep(fault.hold)
        if self._held['coordinator'] == 1:  # the last of several that overlap
            await self._start_coordinator()
        self._hold('coordinator', -1)

    async def _kill_submitter(self, fault):
        return await self._kill_client('submit', fault)

    async def _kill_waiter(self, fault):
        return await self._kill_client('wait', fault)

    async def _kill_client(self, command, fault):
        number = await self._client(command, fault)
        if number is not None:
            self.clients[command][number].signal(signal.SIGKILL)
        return number is not None

    async def _cancel_job(self, fault):
        """Asks once: what comes of it, while everything else goes wrong, is seen by whoever waits for the job."""
        job = await self._client('wait', fault)
        if job is not None:
            self.cancelled.add(job)
            await self.farm.ask('cancel', job)
        return job is not None

    async def _client(self, command, fault):
        """The number of one that is at work."""
        give_up_at = time.monotonic() + FIND_S_MAX
        while not (numbers := sorted(self.clients[command])):
            if time.monotonic() > give_up_at:
                return None
            await asyncio.sleep(REFILL_EVERY_S)
        return numbers[int(fault.amount * len(numbers))]

    def _hold(self, who, by):
        self._held[who] = self._held.get(who, 0) + by

    async def _child(self, fault):
        """A media child at work: of the target, else of its neighbours, the coordinator's among them."""
        places = len(self.farm.workers) + 1
        give_up_at = time.monotonic() + FIND_S_MAX
        while time.monotonic() < give_up_at:
            for step in range(places):
                place = (fault.target + step) % places
                pid = self.farm.coordinator.pid if place == places - 1 else self.farm.workers[place].pid
                alive = [child for child in linux.children_of(pid)
                         if linux.is_media_child(child) and linux.state_of(child) in ('R', 'S', 'D')]
                if alive:
                    return alive[int(fault.amount * len(alive))]
            await asyncio.sleep(REFILL_EVERY_S)
        return None

    # ---- Network ----

    def _proxies(self, target):
        if target == len(self.farm.workers):
            return [self.client_proxy]
        worker = self.farm.workers[target]
        return [worker.control, worker.data]

    async def _cut(self, fault):
        for proxy in self._proxies(fault.target):
            proxy.cut(reset=fault.amount < 0.5)

    async def _tear(self, fault):
        self._proxies(fault.target)[-1].tear(int(fault.amount))

    async def _freeze(self, fault):
        for proxy in self._proxies(fault.target):
            proxy.freeze()
        await asyncio.sleep(fault.hold)
        for proxy in self._proxies(fault.target):
            proxy.thaw()

    async def _delay(self, fault):
        for proxy in self._proxies(fault.target):
            proxy.delay(fault.amount)
        await asyncio.sleep(fault.hold)
        for proxy in self._proxies(fault.target):
            proxy.delay(0.0)

    async def _throttle(self, fault):
        proxy = self._proxies(fault.target)[-1]
        proxy.throttle(fault.amount)
        await asyncio.sleep(fault.hold)
        proxy.throttle(0.0)

    async def _flip_on_the_wire(self, fault):
        """Of a worker's data. Control messages have TCP's checksum and no other."""
        self.farm.workers[fault.target].data.flip(fault.amount)

    # ---- Disks ----

    async def _flip_on_disk(self, fault):
        """One bit of a task's input or output that waits in the spool."""
        give_up_at = time.monotonic() + FIND_S_MAX
        while time.monotonic() < give_up_at:
            files = sorted(path for kind in ('input', 'output') for path in self.farm.data.glob(f'spool/*/{kind}.*')
                           if path.suffix != '.part')
            if files and flip(files[int(fault.amount * len(files))], fault.amount):
                return True
            await asyncio.sleep(REFILL_EVERY_S)
        return False

    async def _worker_disk_full(self, fault):
        await self._fill(self.farm.workers[fault.target].disk, fault.hold)

    async def _worker_disk_read_only(self, fault):
        return await self._forbid_writing(self.farm.workers[fault.target].temporary, fault.hold)

    async def _coordinator_disk_full(self, fault):
        self._disk_faults += 1
        await self._fill(self.farm.coordinator_disk, fault.hold)
        self._end_disk_fault()

    async def _coordinator_disk_read_only(self, fault):
        self._disk_faults += 1
        done = await self._forbid_writing(self.farm.data, fault.hold)
        self._end_disk_fault()
        return done

    def _end_disk_fault(self):
        self._disk_faults -= 1
        self._disk_fault_until = time.monotonic() + 2 * RESTART_AFTER_S  # its end may be seen a moment later

    async def _fill(self, folder, seconds):
        self._filling[folder] = self._filling.get(folder, 0) + 1
        until = time.monotonic() + seconds
        while time.monotonic() < until and folder in self._filling:
            fill(folder / 'filling')
            await asyncio.sleep(REFILL_EVERY_S)
        if folder in self._filling:
            self._filling[folder] -= 1
            if not self._filling[folder]:
                self._empty(folder)

    def _empty(self, folder):
        self._filling.pop(folder, None)
        (folder / 'filling').unlink(missing_ok=True)

    async def _forbid_writing(self, folder, seconds):
        if folder in self._read_only:
            return False
        linux.make_read_only(folder)
        self._read_only.add(folder)
        await asyncio.sleep(seconds)
        if folder in self._read_only:
            self._read_only.discard(folder)
            linux.unmount(folder)
        return True

    # ---- Clocks ----

    async def _clock_jump(self, fault):
        """Everybody's at once, for good: until the next jump."""
        self.clock.write_bytes(struct.pack('q', int(fault.amount)))


def flip(path, place):
    """False if the file went, or is empty."""
    try:
        with open(path, 'r+b') as file:
            at = int(place * (os.fstat(file.fileno()).st_size - 1))
            byte = os.pread(file.fileno(), 1, max(0, at))
            return bool(byte) and os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << at % 8]), at) == 1
    except OSError:
        return False


def fill(path):
    """All that is left of the disk `path` is on."""
    with open(path, 'ab') as file:
        step = 1 << 20
        while step:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                step //= 2
                if step < 4096:
                    return
