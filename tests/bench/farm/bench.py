"""What the benches of the farm share: options, a folder, a verdict in rows.

Machines of the farm are played by workers on this one, so nothing may depend on how many cores there are: where work has to take time,
it is the link to the worker that is slow (a throttled proxy), not the encoder.
"""

import argparse
import asyncio
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / 'chaos'))

import linux  # noqa: E402
from farm import FarmError, make_source, make_profile  # noqa: E402


class Verdict:
    """Rows of figures against limits."""

    def __init__(self):
        self.rows = []

    def at_most(self, what, figure, limit, unit=''):
        self._row(what, figure, f'at most {limit}', figure is not None and figure <= limit, unit)

    def at_least(self, what, figure, limit, unit=''):
        self._row(what, figure, f'at least {limit}', figure is not None and figure >= limit, unit)

    def exactly(self, what, figure, wanted):
        self._row(what, figure, f'{wanted}', figure == wanted, '')

    def note(self, what, figure):
        self.rows.append((what, str(figure), '', None))

    def _row(self, what, figure, limit, holds, unit):
        shown = 'never' if figure is None else f'{figure:.3f}' if isinstance(figure, float) else str(figure)
        self.rows.append((what, shown + (f' {unit}' if unit else ''), limit, holds))

    def show(self):
        """Prints the table; the exit code."""
        print('| | measured | promised | |')
        print('|---|---|---|---|')
        for what, figure, limit, holds in self.rows:
            print(f'| {what} | {figure} | {limit} | {"" if holds is None else "holds" if holds else "BROKEN"} |')
        return 1 if any(holds is False for *_, holds in self.rows) else 0


def parser_of(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gopmill', default=HERE.parent.parent.parent / 'build' / 'gopmill', type=pathlib.Path)
    parser.add_argument('--keep', action='store_true', help='keep the folder with logs and outputs')
    return parser


def run(name, options, measure):
    """Runs `measure(options, folder, verdict)` in a folder that goes afterwards; the exit code."""
    options.gopmill = options.gopmill.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    linux.adopt_orphans()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f'gopmill-{name}-'))
    verdict = Verdict()
    try:
        asyncio.run(measure(options, folder, verdict))
        return verdict.show()
    except FarmError as error:
        verdict.show()
        print(f'{name} could not be measured: {error}', file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f'kept: {folder}', file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


SEGMENT_S = 2
# The time in which a link carries as many bytes as the clip has in a segment. With the frames before and after it, and its results on
# the way back, a segment takes some 2.5 times that: far more than its encoding.
LINK_S = 0.8


def make_paced_source(folder, segments):
    """A clip of so many segments, its profile, and the bytes a second that make LINK_S."""
    clip = make_source(folder / 'clip.mp4', segments * SEGMENT_S)
    profile = make_profile(folder / 'paced.yaml', segment=SEGMENT_S)
    return clip, profile, clip.stat().st_size / segments / LINK_S


def pace(worker, bytes_per_s):
    worker.data.throttle(bytes_per_s)


async def timed(farm, jobs, segments, clip, profile, out):
    """Seconds from handing in the first of so many jobs until all are done."""
    started = time.monotonic()
    numbers = [await farm.submit(clip, profile, out / str(number), '--quiet') for number in range(jobs)]
    outcome = await farm.wait(*numbers, '--quiet')
    if outcome.code != 0:
        raise FarmError(f'a job was not done: {outcome.err.strip()}')
    seconds = time.monotonic() - started
    # The planner makes segments longer where short ones would decode too much twice.
    tasks = (await farm.job(numbers[0]))['tasks']['total']
    if tasks != segments:
        raise FarmError(f'the job had {tasks} tasks instead of {segments} segments')
    return seconds


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else None
