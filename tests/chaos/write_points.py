#!/usr/bin/env python3
"""The coordinator killed at one write after the other, and what it remembers when it is started again.

A real farm works on tiny clips. A library in the coordinator (write_point.cpp) kills it at the n-th thing it does to its data
folder: before the call, or half way through a write. It is started again at once and dies at another n, and so on: n goes
through 1 to 100 in steps of 37, so that a start is killed as well as all that comes after it. After each death the store is read as it lies there:

  an accepted job is there until it is over,
  a committed task stays committed, and is never leased again.

In the end every job is done, every rendition has the sha256 of an undisturbed run, and nothing is left in the spool.

  tests/chaos/write_points.py --gopmill build/gopmill --library build/tests/libgopmill_write_point.so [--points 500]
      [--recovery-s-max 2]

Prints what it was killed at and how long it took to listen again, which is judged only where a longest time is given; exit code 1 if
a promise is broken.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

import linux

LIFE_S_MAX = 60.0   # a coordinator that does not come to its point in this time has nothing to do, and is killed like that
LONGEST_LIFE = 100  # calls: several times what a start needs
STRIDE = 37         # has no factor with LONGEST_LIFE: every n comes
LOOK_EVERY_S = 0.02
AWAY = 69           # exit code of a submitter that nobody answered
PROFILE = ('name: quick\nsegment: 2\nrendition: {codec: h264, preset: ultrafast}\n'
           'renditions:\n  - {height: 144, quality: 30}\n  - {height: 96, quality: 30}\n')
LEASED, COMMITTED, REOPENED = 4, 5, 11  # kinds of facts: docs/operations.md


class Store:
    """What the store told at one death after the other."""

    def __init__(self, data, scratch):
        self.data, self.scratch = data, scratch
        self.accepted, self.committed, self.complaints = set(), {}, []

    def look(self):
        """Reads a copy, because opening it would clean up what the next coordinator is to find."""
        for name in ('gopmill.db', 'gopmill.db-wal'):
            (self.scratch / name).unlink(missing_ok=True)
            if (self.data / name).exists():
                shutil.copy(self.data / name, self.scratch / name)
        (self.scratch / 'gopmill.db-shm').unlink(missing_ok=True)
        database = sqlite3.connect(self.scratch / 'gopmill.db')
        try:
            self._compare(database)
        except sqlite3.DatabaseError as error:
            if self.accepted:
                self.complaints.append(f'the store cannot be read: {error}')
        finally:
            database.close()

    def _compare(self, database):
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'ended_fact'").fetchone():
            if self.accepted:
                self.complaints.append('the store has lost its tables')
            return
        if (verdict := database.execute('PRAGMA integrity_check').fetchone()[0]) != 'ok':
            self.complaints.append(f'the store is damaged: {verdict}')
        over = {job for job, in database.execute('SELECT DISTINCT job FROM ended_fact')}
        living = {job for job, in database.execute('SELECT DISTINCT job FROM fact')} - over
        for job in sorted(self.accepted - living - over):
            self.complaints.append(f'job {job} was accepted and is lost')
        committed = {}
        for seq, kind, body in database.execute('SELECT seq, kind, body FROM fact WHERE kind IN (?, ?, ?) ORDER BY seq',
                                                (LEASED, COMMITTED, REOPENED)):
            job, index, attempt = struct.unpack_from('<QII', body)
            if kind == COMMITTED:
                committed[job, index] = attempt
            elif kind == REOPENED:
                self.complaints.append(f'task {job}/{index}: a commit was taken back')
            elif (job, index) in committed:
                self.complaints.append(f'task {job}/{index} is committed and was leased again (fact {seq})')
        for task, attempt in self.committed.items():
            if task[0] in living and committed.get(task) != attempt:
                self.complaints.append(f'task {task[0]}/{task[1]}: its commit by attempt {attempt} is lost')
        self.accepted |= living | over
        self.committed |= committed


class Farm:
    def __init__(self, arguments, folder):
        self.gopmill, self.library = os.path.abspath(arguments.gopmill), os.path.abspath(arguments.library)
        self.folder, self.data = folder, folder / 'data'
        self.data.mkdir()
        self.endpoint = f'ipc://{folder}/c'
        self.log = open(folder / 'log', 'ab')
        self.killed_at = folder / 'killed'
        self.recoveries = []

    def spawn(self, *command, environment=None, **more):
        return subprocess.Popen([self.gopmill, *command], stdin=subprocess.DEVNULL, preexec_fn=linux.die_with_parent,
                                env={**os.environ, 'GOPMILL_CONNECT': self.endpoint, **(environment or {})}, **more)

    def live(self, point):
        """One life of the coordinator, to that call or to its end; how long it took to listen, or None."""
        started = time.monotonic()
        child = self.spawn('coordinator', '--listen', self.endpoint, '--data', str(self.data), stdout=self.log, stderr=subprocess.PIPE,
                           environment={'LD_PRELOAD': self.library, 'GOPMILL_WRITE_FOLDER': str(self.data),
                                        'GOPMILL_WRITE_POINT': str(point), 'GOPMILL_WRITE_LOG': str(self.killed_at)})
        listening = []

        def read():
            for line in child.stderr:
                self.log.write(line)
                if line.startswith(b'listening'):
                    listening.append(time.monotonic() - started)

        reader = threading.Thread(target=read)
        reader.start()
        return child, reader, listening

    def die_at(self, point):
        child, reader, listening = self.live(point)
        try:
            code = child.wait(LIFE_S_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        reader.join()
        self.recoveries += listening
        if code != -signal.SIGKILL:
            raise SystemExit(f'the coordinator ended by itself: {code}; {self.folder}/log has its words')

    def submit(self, clip, profile, out):
        return self.spawn('submit', str(clip), '-p', str(profile), '-o', str(out), '--wait', stdout=self.log, stderr=self.log)

    def jobs(self):
        told = self.spawn('jobs', '--json', stdout=subprocess.PIPE, stderr=self.log)
        return json.loads(told.communicate()[0])


def renditions(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.name != 'report.json'}


def keep_busy(farm, clip, profile, count, enough, failures):
    """Submits a clip, waits for it and looks at what came, again and again."""
    while not enough.is_set():
        out = farm.folder / f'out.{next(count)}'
        if (code := farm.submit(clip, profile, out).wait()) not in (0, AWAY):
            failures.append(f'{out.name}: submit --wait ended with {code}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--gopmill', required=True)
    parser.add_argument('--library', required=True)
    parser.add_argument('--points', type=int, default=500)
    parser.add_argument('--submission', action='store_true', help='one submission instead, killed at each of its calls')
    parser.add_argument('--recovery-s-max', type=float, help='judge as well how long it takes to listen again, on a machine that does nothing else')
    parser.add_argument('--submitters', type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='gopmill-points-') as name:
        return (submit_through if arguments.submission else run)(arguments, pathlib.Path(name))


def run(arguments, folder):
    farm = Farm(arguments, folder)
    clip, profile = folder / 'clip.mp4', folder / 'quick.yaml'
    profile.write_text(PROFILE)
    for command in (['make-clip', str(clip), '--seconds', '5'],
                    ['run', str(clip), '-p', str(profile), '-o', str(folder / 'undisturbed'), '--workers', '1']):
        subprocess.run([farm.gopmill, *command], check=True, stdout=farm.log, stderr=farm.log)
    expected = renditions(folder / 'undisturbed')
    (folder / 'scratch').mkdir()
    store = Store(farm.data, folder / 'scratch')

    workers = [farm.spawn('worker', '--connect', farm.endpoint, stdout=farm.log, stderr=farm.log) for _ in range(2)]
    enough, failures, count = threading.Event(), [], iter(range(1_000_000))
    people = [threading.Thread(target=keep_busy, args=(farm, clip, profile, count, enough, failures)) for _ in range(arguments.submitters)]
    started = time.monotonic()
    for person in people:
        person.start()
    for life in range(arguments.points):
        farm.die_at(1 + life * STRIDE % LONGEST_LIFE)
        store.look()
        if (life + 1) % 50 == 0:
            print(f'{life + 1} deaths after {time.monotonic() - started:.0f} s, {len(store.complaints)} complaints', flush=True)
    enough.set()
    child, reader, listening = farm.live(0)
    for person in people:
        person.join()
    # Submitters that gave up while nobody answered may have been accepted: their jobs are seen through like the others.
    for job in farm.jobs():
        if not job['delivered']:
            farm.spawn('wait', str(job['job']), stdout=farm.log, stderr=farm.log).wait()
    jobs = farm.jobs()
    for worker in workers:
        worker.terminate()
        worker.wait()
    child.terminate()
    child.wait()
    reader.join()
    farm.recoveries += listening
    store.look()

    complaints = store.complaints + failures
    outs = sorted(out for out in folder.glob('out.*') if out.is_dir())
    if len(outs) != len(jobs):
        complaints.append(f'{len(jobs)} jobs, and {len(outs)} folders with results')
    complaints += [f'{out.name} is not what an undisturbed run makes' for out in outs if renditions(out) != expected]
    complaints += [f"job {job['job']} is {job['state']}" for job in jobs if job['state'] != 'done']
    complaints += [f'{path} is left behind' for path in (farm.data / 'spool').rglob('*') if path.is_file()]
    if arguments.recovery_s_max is not None:
        complaints += [f'listened again only after {seconds:.2f} s' for seconds in farm.recoveries if seconds > arguments.recovery_s_max]
    report(farm, store, outs, time.monotonic() - started)
    for complaint in complaints:
        print(complaint)
    if complaints:
        shutil.copy(folder / 'log', tempfile.gettempdir() + '/gopmill-points.log')
    return 1 if complaints else 0


def submit_through(arguments, folder):
    """One submission with its upload, killed at each of its calls: its submitter must not notice."""
    complaints, point = [], 0
    clip, profile = folder / 'clip.mp4', folder / 'quick.yaml'
    profile.write_text(PROFILE)
    subprocess.run([os.path.abspath(arguments.gopmill), 'make-clip', str(clip), '--seconds', '2'], check=True, stdout=subprocess.DEVNULL)
    while True:
        point += 1
        place = folder / f'point.{point}'
        place.mkdir()
        farm = Farm(arguments, place)
        child, reader, _ = farm.live(point)
        submitter = farm.spawn('submit', str(clip), '-p', str(profile), '-o', str(place / 'out'), stdout=farm.log, stderr=farm.log)
        while child.poll() is None and submitter.poll() is None:
            time.sleep(LOOK_EVERY_S)
        killed = child.poll() is not None
        if killed:
            reader.join()
            child, reader, _ = farm.live(0)
        if (code := submitter.wait()) != 0:
            complaints.append(f'call {point}, {farm.killed_at.read_text().strip()}: submit ended with {code}')
        child.kill()
        child.wait()
        reader.join()
        if not killed:
            break
    print(f'one submission, killed at each of its {point - 1} calls')
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def report(farm, store, outs, seconds):
    places = collections.Counter()
    for line in farm.killed_at.read_text().splitlines():
        call, path = line.split(' ', 1)
        place = os.path.relpath(path, farm.data)
        place = re.sub(r'\d+', 'N', place)
        places[f'{call} {place}'] += 1
    for place, deaths in sorted(places.items()):
        print(f'{deaths:5} {place}')
    recoveries = sorted(farm.recoveries)
    print(f'{sum(places.values())} deaths at {len(places)} kinds of calls in {seconds:.0f} s; {len(outs)} jobs, '
          f'{len(store.committed)} tasks committed, none leased again' if not store.complaints else 'promises broken:')
    print(f'{len(recoveries)} times it listened again: median {recoveries[len(recoveries) // 2]:.3f} s, longest {recoveries[-1]:.3f} s')


if __name__ == '__main__':
    sys.exit(main())
