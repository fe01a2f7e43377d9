#!/usr/bin/env python3
"""Would the simulator notice? Plants one bug after the other in a copy of the source and sails until a voyage is broken.

  tests/scenarios/mutants.py --build build [--seeds 200] [NAME...]

Each mutant is a few replacements of text that must be there exactly once, so that a mutant that no longer fits the source is
an error and not a success. Only the files it touches are compiled again, with the commands of the build, and linked before
its libraries. Exit code 0: every mutant was caught within so many seeds, and the source as it is was not.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONTROL_SEEDS = 20


@dataclasses.dataclass
class Mutant:
    what: str
    changes: dict  # file → [(old, new)]


MUTANTS = {
    'lease-check-removed': Mutant('a result is committed although its attempt holds no lease', {
        'coordinator/scheduler/scheduler_workers.cpp': [(
            '    weigh_late_result(*worker, done);\n    settle(*worker, done.task, done.attempt);\n',
            '    record(facts::TaskCommitted{done.task, done.attempt, done.result, done.outputs});\n'
            '    settle(*worker, done.task, done.attempt);\n')]}),
    'fencing-ignored': Mutant('any attempt of a task passes for the one that holds the lease', {
        'coordinator/scheduler/scheduler_workers.cpp': [(
            '  const auto held = worker.held.find({task, attempt});\n  if (held == worker.held.end()) return false;\n'
            '  const bool live',
            '  const auto held = worker.held.lower_bound({task, 0});\n'
            '  if (held == worker.held.end() || held->first.first != task) return false;\n  const bool live')],
        'coordinator/scheduler/job_book.cpp': [(
            'const Lease* Task::lease_of(Attempt of) const {\n',
            'const Lease* Task::lease_of(Attempt of) const {\n  if (of > 0) return leases.empty() ? nullptr : &leases.front();\n')]}),
    'ack-before-record': Mutant('actions are carried out before their facts are recorded', {
        'tests/support/simulator.cpp': [(
            '  agenda_.at(disk_free_, [this, shared, epoch = epoch_] {\n    for (const Action& action',
            '  agenda_.at(now(), [this, shared, epoch = epoch_] {\n    for (const Action& action')]}),
    'ack-before-sync': Mutant('what is recorded is not synced', {
        'coordinator/store/store.cpp': [('PRAGMA synchronous=FULL', 'PRAGMA synchronous=OFF')]}),
    'half-a-commit': Mutant('each fact is a transaction of its own', {
        'coordinator/store/store.cpp': [(
            '    TRY(state.write(fact));\n',
            '    TRY(state.write(fact));\n    TRY(state.database.run("COMMIT; BEGIN IMMEDIATE"));\n')]}),
    'abilities-ignored': Mutant('a task is leased to a worker that cannot do it', {
        'coordinator/scheduler/worker_book.cpp': [(
            '    if (!worker.takes_tasks(now) || !can(worker)) continue;\n', '    if (!worker.takes_tasks(now)) continue;\n')]}),
    'abilities-ignored-by-repetitions': Mutant('a task is repeated by a worker that cannot do it', {
        'coordinator/scheduler/worker_book.cpp': [(' || contains(other_than, id) || !can(worker)) continue;', ' || contains(other_than, id)) continue;')]}),
    'needs-forgotten': Mutant('a restarted coordinator does not know what tasks need', {
        'coordinator/scheduler/scheduler.cpp': [('job->plan(fact.tasks, fact.needs);', 'job->plan(fact.tasks, {});')]}),
    'commit-forgotten': Mutant('a restarted coordinator does not know what was committed', {
        'coordinator/scheduler/scheduler.cpp': [(
            'void apply(const facts::TaskCommitted& fact) {\n', 'void apply(const facts::TaskCommitted& fact) {\n    if (fact.attempt > 0) return;\n')]}),
}


class Build:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        entries = json.loads((self.folder / 'compile_commands.json').read_text())
        self.commands = {os.path.realpath(os.path.join(e['directory'], e['file'])): shlex.split(e['command']) for e in entries}
        commands = subprocess.run(['ninja', '-C', str(self.folder), '-t', 'commands', 'scenarios_tests'], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout.splitlines()
        link = next(c for c in reversed(commands) if ' -o tests/scenarios_tests ' in c)
        self.link = shlex.split(next(part for part in link.split(' && ') if ' -o tests/scenarios_tests ' in part))

    def run(self, command):
        subprocess.run(command, cwd=self.folder, check=True)

    def mutate(self, mutant, scratch):
        """The simulator's test program with that bug in it."""
        objects = []
        for name, changes in mutant.changes.items():
            source = ROOT / name
            text = source.read_text()
            for old, new in changes:
                if text.count(old) != 1:
                    raise SystemExit(f'{name}: {text.count(old)} places for the mutant, 1 is wanted:\n{old}')
                text = text.replace(old, new)
            copy = scratch / source.name
            copy.write_text(text)
            command = list(self.commands[os.path.realpath(source)])
            objects.append(str(copy.with_suffix('.o')))
            command[command.index('-o') + 1] = objects[-1]
            command[command.index('-c') + 1] = str(copy)
            self.run([*command, '-Wno-error'])  # a bug may leave a parameter unused
        program = scratch / 'mutant'
        link = list(self.link)
        at = link.index('-o')
        link[at:at + 2] = [*objects, '-o', str(program)]
        self.run(link)
        return program


def first_broken(program, seeds):
    """The seed that broke, and how; None where no seed did."""
    for seed in range(1, seeds + 1):
        outcome = subprocess.run([str(program), '--gtest_filter=Simulator.EverySeedEndsAudio'], env={**os.environ, 'GOPMILL_SEED': str(seed)},
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        if outcome.returncode == 0:
            continue
        lines = outcome.stdout.splitlines()
        said = [line for line in lines if line.startswith(f'seed {seed}: ')]
        return seed, said[0] if said else f'ended with {outcome.returncode}: {lines[-1] if lines else "not a word"}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', required=True)
    parser.add_argument('--seeds', type=int, default=200)
    parser.add_argument('mutants', nargs='*', metavar='NAME')
    arguments = parser.parse_args()
    build = Build(arguments.build)
    failed = False
    if (broken := first_broken(build.folder / 'tests/scenarios_tests', CONTROL_SEEDS)) is not None:
        print(f'the source as it is breaks at seed {broken[0]}: {broken[1]}')
        failed = True
    for name in arguments.mutants or MUTANTS:
        with tempfile.TemporaryDirectory(prefix='gopmill-mutant-') as scratch:
            caught = first_broken(build.mutate(MUTANTS[name], pathlib.Path(scratch)), arguments.seeds)
        if caught:
            print(f'{name} ({MUTANTS[name].what}): caught at seed {caught[0]}: {caught[1]}', flush=True)
        else:
            print(f'{name} ({MUTANTS[name].what}): NOT caught within {arguments.seeds} seeds', flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
