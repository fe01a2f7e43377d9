"""What goes wrong when: a list of faults and of submissions that depends on the seed and the size of the run, on nothing else."""

import dataclasses
import hashlib
import random

# How often each kind comes, of 200. Every kind comes at least once in a run of as many faults as there are kinds.
SHARES = {
    'kill worker': 28,
    'stop worker': 20,
    'kill child': 20,
    'stop child': 12,
    'kill coordinator': 20,
    'kill submitter': 6,
    'kill waiter': 6,
    'cancel job': 4,
    'cut': 16,
    'tear': 14,
    'freeze': 14,
    'delay': 8,
    'throttle': 6,
    'flip on the wire': 4,
    'flip on disk': 4,
    'worker disk full': 6,
    'worker disk read-only': 3,
    'coordinator disk full': 3,
    'coordinator disk read-only': 2,
    'clock jump': 4,
}
NEEDS_MOUNTS = {kind for kind in SHARES if 'disk' in kind}
NEEDS_CLOCK = {'clock jump'}

# Seconds that a fault lasts, from and to: below and beyond the time in which silence is noticed.
HOLD_S = {
    'kill worker': (0.0, 3.0),  # until another starts in its place
    'stop worker': (0.2, 6.0),
    'stop child': (0.2, 8.0),
    'kill coordinator': (0.0, 2.0),
    'freeze': (0.5, 7.0),
    'delay': (2.0, 6.0),
    'throttle': (2.0, 6.0),
    'worker disk full': (1.0, 5.0),
    'worker disk read-only': (1.0, 5.0),
    'coordinator disk full': (1.0, 4.0),
    'coordinator disk read-only': (1.0, 3.0),
}
# Twice this, there and back, is longer than the second after which a question is repeated, and shorter than the 1.5 s of
# silence in which ZeroMQ gives a connection up.
DELAY_S = (0.05, 0.7)
THROTTLE_BYTES_PER_S = (20_000, 400_000)
TEAR_AFTER_BYTES = (1, 200_000)
CLOCK_JUMP_S = (-86_400 * 400, 86_400 * 400)


@dataclasses.dataclass(frozen=True)
class Fault:
    at: float      # seconds from the start
    kind: str
    target: int    # a worker's number; as many as there are workers: the submitters' connection
    hold: float
    amount: float  # of delay, throttle, tear and jump; else a number between 0 and 1 for what has to be chosen

    def __str__(self):
        return f'{self.at:7.2f} s {self.kind}, target {self.target}, {self.hold:.2f} s, {self.amount:.3f}'


@dataclasses.dataclass(frozen=True)
class Submission:
    at: float
    clip: int


def shares_of(count, kinds):
    """`count` faults in the proportion of SHARES, largest remainders first; each kind at least once while there is room."""
    total = sum(SHARES[kind] for kind in kinds)
    exact = {kind: SHARES[kind] * count / total for kind in kinds}
    given = {kind: max(1, int(exact[kind])) if count >= len(kinds) else int(exact[kind]) for kind in kinds}
    while sum(given.values()) > count:
        rest = [kind for kind in kinds if given[kind] > 1] or kinds
        given[max(rest, key=lambda kind: given[kind] - exact[kind])] -= 1
    while sum(given.values()) < count:
        given[max(given, key=lambda kind: exact[kind] - given[kind])] += 1
    return given


class Schedule:
    def __init__(self, seed, faults, jobs, clips, workers, seconds, kinds=None):
        chance = random.Random(seed)
        kinds = [kind for kind in SHARES if kinds is None or kind in kinds]
        drawn = [kind for kind, count in shares_of(faults, kinds).items() for _ in range(count)]
        chance.shuffle(drawn)
        self.faults = [self._draw(chance, (number + chance.random()) * seconds / faults, kind, workers)
                       for number, kind in enumerate(drawn)]
        # Work waits from the start to the end: a first lot as large as the farm, the rest evenly while faults go on.
        at_once = min(jobs, workers)
        self.submissions = [Submission(0.0 if number < at_once else (number - at_once) * seconds / max(1, jobs - at_once),
                                       chance.randrange(clips)) for number in range(jobs)]

    @staticmethod
    def _draw(chance, at, kind, workers):
        targets = workers + 1 if kind in ('cut', 'tear', 'freeze', 'delay', 'throttle') else workers
        ranges = {'delay': DELAY_S, 'throttle': THROTTLE_BYTES_PER_S, 'tear': TEAR_AFTER_BYTES, 'clock jump': CLOCK_JUMP_S}
        low, high = HOLD_S.get(kind, (0.0, 0.0))
        return Fault(at, kind, chance.randrange(targets), chance.uniform(low, high), chance.uniform(*ranges.get(kind, (0.0, 1.0))))

    @property
    def fingerprint(self):
        """Equal for equal schedules."""
        return hashlib.sha256(repr((self.faults, self.submissions)).encode()).hexdigest()[:12]
