"""What must hold when a farm has come to rest. Each function gives complaints, in words; none means that it holds."""

import hashlib
import pathlib
import re

# What a coordinator's data folder holds when there is nothing to do.
STANDING = {'gopmill.db', 'gopmill.db-wal', 'gopmill.db-shm', 'lock'}
# A fact is in the log before it is on disk, so a kill may come in between and the next life not know of it. Told by the place
# in the log, because clocks jump; one turn of the coordinator's loop says no more than this.
UNRECORDED_LINES_MAX = 50


def sha256_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def renditions_of(folder):
    """{name: sha256} of what a job delivered, but for its report: that one says when and where it ran."""
    return {path.name: sha256_of(path) for path in sorted(pathlib.Path(folder).iterdir()) if path.name != 'report.json'}


def check_jobs(accepted, cancelled, statuses):
    """`accepted`: ids that a submitter was given and that nobody cancelled. `cancelled`: the others. `statuses`: {id: state} of all jobs
    the coordinator tells of."""
    complaints = []
    for expected, jobs in (('done', accepted), ('cancelled', cancelled)):
        for job in sorted(jobs):
            if job not in statuses:
                complaints.append(f'job {job} was accepted and is lost')
            elif statuses[job] != expected:
                complaints.append(f'job {job} was accepted and is {statuses[job]}, not {expected}')
    complaints += [f'job {job} is one that nobody handed in' for job in sorted(statuses.keys() - accepted - cancelled)]
    return complaints


def check_outputs(folder, expected):
    """`expected`: {name: sha256} of an undisturbed run."""
    folder = pathlib.Path(folder)
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    complaints = [f'{folder / name} is missing' for name in sorted({*expected, 'report.json'} - found)]
    complaints += [f'{folder / name} should not be there' for name in sorted(found - {*expected, 'report.json'})]
    for name in sorted(found & expected.keys()):
        if (sha := sha256_of(folder / name)) != expected[name]:
            complaints.append(f'{folder / name} has sha256 {sha}, {expected[name]} in the undisturbed run')
    return complaints


def check_empty(folder, standing=frozenset()):
    """No file in it but those standing in its top, however deep."""
    folder = pathlib.Path(folder)
    return [f'{path} is left behind, {path.lstat().st_size} bytes' for path in sorted(folder.rglob('*'))
            if not path.is_dir() and not (path.parent == folder and path.name in standing)]


def check_spool(data):
    """Neither files nor folders of jobs."""
    return check_empty(data, STANDING) + [f'{path} is left behind' for path in sorted((pathlib.Path(data) / 'spool').glob('*')) if path.is_dir()]


def check_commits(lives):
    """`lives`: what each life of the coordinator said, as lists of farm.Line. Every task is committed once."""
    complaints = []
    committed = {}  # task: (life, lines before the end of that life)
    for number, life in enumerate(lives):
        for place, line in enumerate(life):
            found = line.match(r'^(task \d+/\d+) attempt \d+ (committed$|reopened)')
            if not found:
                continue
            if found.group(2) == 'reopened':  # its bytes were damaged, and found to be
                committed.pop(found.group(1), None)
                continue
            task = found.group(1)
            before = committed.get(task)
            if before and (before[0] == number or before[1] > UNRECORDED_LINES_MAX):
                complaints.append(f'{task} was committed again')
            committed[task] = (number, len(life) - place)
    return complaints


def check_attempts(lives):
    """A task that is committed is not leased again in the same life."""
    complaints = []
    for life in lives:
        committed = set()
        for line in life:
            if found := line.match(r'^(task \d+/\d+) attempt \d+ (committed|reopened|leased)'):
                if found.group(2) == 'committed':
                    committed.add(found.group(1))
                elif found.group(2) == 'reopened':
                    committed.discard(found.group(1))
                elif found.group(1) in committed:
                    complaints.append(f'{found.group(1)} was leased after it was committed')
    return complaints


def lives_of(log, parse):
    """What a coordinator said, split where it began anew."""
    lives = [[]]
    for raw in pathlib.Path(log).read_text(errors='replace').splitlines():
        if re.match('listening on ', raw):
            lives.append([])
        elif line := parse(raw):
            lives[-1].append(line)
    return lives
