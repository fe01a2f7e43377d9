#!/usr/bin/env python3
"""Chaos: a farm of real processes, everything going wrong that does go wrong on farms, and nothing lost.

Workers, their media children, the coordinator and submitters, handing in or waiting, are killed; workers and children are stopped;
jobs are cancelled and handed in again; connections are cut, torn in the middle of a message, frozen, delayed and throttled; bits flip on the wire and on disk; disks fill up and become
read-only; the wall clock jumps. Then everything is put right and all that was accepted has to end: every job done, every rendition the same, byte for
byte, as in an undisturbed run; no segment committed twice; no process, no temporary file, no byte in the spool left behind.

    scripts/chaos                        50 jobs, 8 workers, 200 faults
    tests/chaos/run.py --short           what ctest runs
    tests/chaos/run.py --short --seed 7  the same faults at the same times as in any other run with that seed

Needs ffmpeg (for the clips). Full and read-only disks need root, for tmpfs mounts that only the farm sees; clocks jump where
--clock-library names the library that CMake builds for it. What cannot be done is said, and other faults take its place. The
last line is a JSON object of counts; the exit code is 0 only if everything held.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import checker
import linux
from farm import Farm, FarmError, line_of, make_source, make_profile
from faults import Injector
from proxy import Proxy
from schedule import NEEDS_CLOCK, NEEDS_MOUNTS, SHARES, Schedule

HERE = pathlib.Path(__file__).resolve().parent
MIB = 1 << 20
WORKER_DISK = 16 * MIB
COORDINATOR_DISK = 128 * MIB
CALM_S_MAX = 240.0       # from the last fault until every job has ended: the longest back-off is a minute
LEAVE_S_MAX = 30.0
TRY_AGAIN_S = 0.3        # a submitter that found no coordinator
TRIES_MAX = 1000         # of one submission; the run's own deadline comes first
MISSED_SHARE_MAX = 0.1   # of faults that found no victim: with more, the run did not show what it says
TMPFS_SLACK = 64 * 1024  # a tmpfs counts folders as pages


class Run:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.clips = []        # (clip, profile, {name: sha256})
        self.jobs = {}         # id: the clip's number
        self.folders = {}      # id: where its files go
        self.clients = {'submit': {}, 'wait': {}}  # at work now, by the number of the submission and by the job's id
        self.to_cancel, self.cancelled = set(), set()  # ids of jobs
        self.counts = collections.Counter()
        self.complaints = []

    # ---- Before ----

    def make_sources(self):
        """Several lengths, one with audio; and what each becomes when nothing goes wrong."""
        short = self.options.short
        for number, (seconds, pattern, audio) in enumerate([(8, 'testsrc2', False), (6, 'testsrc', True)] if short else
                                                           [(30, 'testsrc2', False), (24, 'mandelbrot', False), (16, 'testsrc', True),
                                                            (40, 'rgbtestsrc', False), (2, 'smptebars', False)]):
            clip = make_source(self.folder / f'clip-{number}.mp4', seconds, pattern, audio=audio)
            profile = make_profile(self.folder / f'profile-{number}.yaml', audio=audio)
            out = self.folder / f'undisturbed-{number}'
            done = subprocess.run([self.options.gopmill, 'run', clip, '-p', profile, '-o', out, '--workers', '2', '--quiet'],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise FarmError(f'the undisturbed run of clip {number}: {done.stderr}')
            self.clips.append((clip, profile, checker.renditions_of(out)))

    # ---- Submitters ----

    async def drive(self, number, submission, started, endpoint):
        """One submitter: hands its clip in and waits for it; where somebody cancelled the job, once more."""
        await asyncio.sleep(max(0.0, started + submission.at - time.monotonic()))
        out = self.folder / 'out' / str(number)
        for attempt in range(TRIES_MAX):
            job = await self.hand_in(submission.clip, out, number, f'{number}.{attempt}', endpoint)
            if await self.wait_for(job, endpoint) != 'cancelled':
                return
            self.cancelled.add(job)
            del self.jobs[job]

    async def hand_in(self, number, out, submitter, key, endpoint):
        """The job's id. Whatever happens to the client, the key makes it one job."""
        clip, profile, _ = self.clips[number]
        for _ in range(TRIES_MAX):
            outcome = await self.client('submit', submitter, [clip, '-p', profile, '-o', out, '--key', key, '--quiet'], endpoint)
            if outcome.code == 0:
                break
            self.counts['submissions repeated'] += 1
            await asyncio.sleep(TRY_AGAIN_S)
        job = int(outcome.out)
        self.jobs[job], self.folders[job] = number, out
        return job

    async def wait_for(self, job, endpoint):
        """How the job ended, as far as that is as it should be; comes back whenever waiting fails, as a person or a script would."""
        for _ in range(TRIES_MAX):
            outcome = await self.client('wait', job, [str(job), '--quiet'], endpoint)
            if outcome.code == 0:
                return 'done'
            if outcome.code not in (-signal.SIGKILL, 69):
                # May be an answer for good; only the coordinator's word on the job decides that.
                state = await self.state_of(job)
                if state == 'cancelled' and job in self.to_cancel:
                    return state
                if state in ('failed', 'cancelled'):
                    self.complaints.append(f'job {job} {state}: {outcome.err.strip()}')
                    return state
                self.counts['waits that ended otherwise'] += 1
                print(f'  wait for job {job} ended with {outcome.code}: {outcome.err.strip()}', flush=True)
            self.counts['waits repeated'] += 1
            await asyncio.sleep(TRY_AGAIN_S)

    async def client(self, command, number, arguments, endpoint):
        """A client that may be killed."""
        self.clients[command][number] = process = self.farm.start([command, *arguments], endpoint)
        await process.ended(self.options.seconds + CALM_S_MAX)
        del self.clients[command][number]
        return self.farm.forget(process)

    async def state_of(self, job):
        outcome = await self.farm.ask('job', str(job), '--json')
        return json.loads(outcome.out)['state'] if outcome.code == 0 else None

    # ---- The run ----

    async def run(self, schedule, mounts, clock):
        environment = {}
        if clock:
            clock_file = self.folder / 'clock'
            clock_file.write_bytes(struct.pack('q', 0))
            environment = {'LD_PRELOAD': str(clock), 'GOPMILL_CLOCK_JUMP': str(clock_file)}
        async with Farm(self.options.gopmill, self.folder / 'farm', self.options.workers, proxied=True,
                        worker_disk=WORKER_DISK if mounts else 0, coordinator_disk=COORDINATOR_DISK if mounts else 0,
                        environment=environment) as self.farm:
            client_proxy = Proxy(self.farm.port)
            await client_proxy.start()
            await self.farm.all_joined()
            injector = Injector(self.farm, client_proxy, self.clients, clock_file if clock else None)
            self.to_cancel = injector.cancelled
            await self.disturb(schedule, injector, f'tcp://127.0.0.1:{client_proxy.port}')
            await self.come_to_rest(injector)
            await client_proxy.stop()
            return self.summary(schedule, injector)

    async def disturb(self, schedule, injector, endpoint):
        started = time.monotonic()
        tending = asyncio.create_task(injector.tend())
        drives = [asyncio.create_task(self.drive(number, submission, started, endpoint))
                  for number, submission in enumerate(schedule.submissions)]
        try:
            await injector.run(schedule.faults, started)
            injector.heal()
            self.counts['seconds of faults'] = round(time.monotonic() - started)
            print(f'  calm after {self.counts["seconds of faults"]} s, {sum(injector.done.values())} faults; '
                  f'{sum(not drive.done() for drive in drives)} jobs still to end', flush=True)
            done, left = await asyncio.wait(drives, timeout=CALM_S_MAX)
            for drive in left:
                drive.cancel()
            for drive in done:
                if drive.exception():
                    self.complaints.append(f'a submitter of the harness failed: {drive.exception()!r}')
            if left:
                self.complaints.append(f'{len(left)} submitters still wait {CALM_S_MAX:.0f} s after the last fault')
            self.counts['seconds until done'] = round(time.monotonic() - started)
            try:
                await self.farm.all_joined()
            except FarmError as error:
                self.complaints.append(f'in the calm: {error}')
        finally:
            tending.cancel()
            await asyncio.wait([tending])
        if not tending.cancelled() and tending.exception():
            raise tending.exception()

    async def come_to_rest(self, injector):
        """Everybody leaves; then the verdict."""
        statuses = {job['job']: job for job in await self.farm.jobs()}
        for job in self.jobs.keys() - statuses.keys():  # the list is bounded
            outcome = await self.farm.ask('job', str(job), '--json')
            if outcome.code == 0:
                statuses[job] = json.loads(outcome.out)
        self.counts['accepted'] = len(self.jobs) + len(self.cancelled)
        self.counts['cancelled'] = len(self.cancelled)
        self.counts['done'] = sum(statuses.get(job, {}).get('state') == 'done' for job in self.jobs)
        if self.options.plant:
            self.plant(statuses)
        self.complaints += await self.farm.drain(LEAVE_S_MAX)
        self.complaints += injector.complaints
        states = {job: status['state'] for job, status in statuses.items()}
        self.complaints += checker.check_jobs(set(self.jobs), self.cancelled, states)
        for job, clip in sorted(self.jobs.items()):
            self.complaints += checker.check_outputs(self.folders[job], self.clips[clip][2])
        self.complaints += self.leftovers()
        lives = checker.lives_of(self.farm.coordinator_log, line_of)
        self.count_attempts([line.text for life in lives for line in life if line.level == 'debug'])
        self.complaints += checker.check_commits(lives) + checker.check_attempts(lives)

    def count_attempts(self, texts):
        """How much the faults hit."""
        for text in texts:
            if found := re.match(r'task \d+/\d+ attempt \d+ (leased|adopted|committed|reopened|lost, [a-z ]+)', text):
                self.counts[f'attempts {found.group(1).strip()}'] += 1

    def leftovers(self):
        complaints = checker.check_spool(self.farm.data) + checker.check_empty(self.farm.temporary)
        for worker in self.farm.workers:
            complaints += checker.check_empty(worker.temporary)
            if worker.disk.is_mount():  # nameless files, too, that somebody holds
                disk = os.statvfs(worker.disk)
                used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
                if used > TMPFS_SLACK:
                    complaints.append(f'{used} bytes of the disk of worker {worker.number} are not given back')
        mine = {self.farm.coordinator.pid, *(worker.pid for worker in self.farm.workers)}
        for pid in linux.children_of(os.getpid()):
            if pid not in mine and linux.state_of(pid) not in ('Z', ''):
                complaints.append(f'process {pid} is left behind')
        return complaints

    def plant(self, statuses):
        """Breaks what held, so that a test can see that the verdict notices."""
        first, last = min(self.jobs), max(self.jobs)
        rendition = {job: next(path for path in sorted(self.folders[job].iterdir()) if path.suffix == '.mp4') for job in (first, last)}
        rendition[first].write_bytes(rendition[first].read_bytes()[:-1] + b'?')
        rendition[last].unlink()
        (self.folders[first] / f'.{rendition[first].name}.part').touch()
        (self.farm.data / 'spool' / '1').mkdir(exist_ok=True)
        (self.farm.data / 'spool' / '1' / 'input.0').write_bytes(b'left')
        (self.farm.temporary / 'left').write_bytes(b'left')
        (self.farm.workers[0].temporary / 'left').write_bytes(bytes(2 * TMPFS_SLACK))
        statuses.pop(first)
        statuses[last]['state'] = 'failed'
        statuses[10**9] = {'state': 'running'}
        self.farm.start(['worker', '--connect', 'tcp://127.0.0.1:9', '--temp', self.folder])
        self.log_again(r' committed$')
        self.log_again(r'attempt 1 leased')

    def log_again(self, pattern):
        line = next(raw for raw in self.farm.coordinator_log.read_text().splitlines() if (seen := line_of(raw)) and seen.match(pattern))
        with open(self.farm.coordinator_log, 'a', encoding='utf-8') as log:
            log.write(line + '\n')

    def summary(self, schedule, injector):
        missed = sum(injector.missed.values())
        if missed > MISSED_SHARE_MAX * len(schedule.faults):
            self.complaints.append(f'{missed} of {len(schedule.faults)} faults found no victim: too few jobs for them')
        return {
            'seed': self.options.seed,
            'schedule': schedule.fingerprint,
            'faults': dict(sorted(injector.done.items())),
            'faults that found no victim': dict(injector.missed),
            **self.counts,
            'coordinator kills': len(injector.kills_of_coordinator),
            'coordinator ended by itself': injector.ended_by_itself['coordinator'],
            'slowest restart, seconds': round(max(injector.recoveries_s, default=0.0), 2),
            'complaints': len(self.complaints),
        }


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gopmill', default=HERE.parent.parent / 'build' / 'gopmill', type=pathlib.Path)
    parser.add_argument('--clock-library', type=pathlib.Path, help='libgopmill_clock_jump.so; none: clocks stay as they are')
    parser.add_argument('--seed', type=int, help='of the faults; by default another one each time')
    parser.add_argument('--short', action='store_true', help='10 jobs, 3 workers, 20 faults')
    parser.add_argument('--jobs', type=int)
    parser.add_argument('--workers', type=int)
    parser.add_argument('--faults', type=int)
    parser.add_argument('--seconds', type=float, help='in which the faults come')
    parser.add_argument('--only', help='kinds of faults, comma-separated: ' + ', '.join(SHARES))
    parser.add_argument('--keep', action='store_true', help='keep the folder with logs and outputs')
    parser.add_argument('--plant', action='store_true', help='break everything at the end that the verdict looks at: the run has to fail')
    options = parser.parse_args()
    usual = {'jobs': 10, 'workers': 3, 'faults': 20, 'seconds': 30.0} if options.short else \
            {'jobs': 50, 'workers': 8, 'faults': 200, 'seconds': 300.0}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    options.gopmill = options.gopmill.resolve()
    return options


def kinds_of(options, mounts, clock):
    kinds = set(options.only.split(',')) if options.only else set(SHARES)
    if unknown := kinds - SHARES.keys():
        sys.exit(f'no such fault: {", ".join(sorted(unknown))}')
    if not mounts and kinds & NEEDS_MOUNTS:
        print('  without root: disks stay as they are')
        kinds -= NEEDS_MOUNTS
    if not clock and kinds & NEEDS_CLOCK:
        print('  without --clock-library: clocks stay as they are')
        kinds -= NEEDS_CLOCK
    return kinds


def main():
    options = parse()
    print(f'seed {options.seed}', flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    linux.adopt_orphans()
    mounts = linux.own_mounts()
    clock = options.clock_library and options.clock_library.resolve(strict=True)
    kinds = kinds_of(options, mounts, clock)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='gopmill-chaos-'))
    run = Run(options, folder)
    try:
        run.make_sources()
        schedule = Schedule(options.seed, options.faults, options.jobs, len(run.clips), options.workers, options.seconds, kinds)
        print(f'schedule {schedule.fingerprint}: {options.jobs} jobs, {options.workers} workers, {options.faults} faults '
              f'in {options.seconds:.0f} s', flush=True)
        try:
            summary = asyncio.run(run.run(schedule, mounts, clock))
        except FarmError as error:
            run.complaints.append(str(error))
            summary = {'seed': options.seed, 'complaints': len(run.complaints)}
        for complaint in run.complaints:
            print(f'broken: {complaint}')
        print(json.dumps(summary))
        return 1 if run.complaints else 0
    finally:
        if options.keep:
            print(f'kept: {folder}', file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
