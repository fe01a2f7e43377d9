"""A run of real processes in which nothing goes wrong until its end, where everything is broken that the verdict looks at: each break
has to be named, and the run has to fail.

    verdict_test.py GOPMILL
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BROKEN = [
    r'job \d+ was accepted and is lost',
    r'job \d+ was accepted and is failed',
    r'job 1000000000 is one that nobody handed in',
    r'out/.*\.mp4 has sha256 .* in the undisturbed run',
    r'out/.*\.mp4 is missing',
    r'out/.*\.part should not be there',
    r'spool/1/input\.0 is left behind, 4 bytes',
    r'spool/1 is left behind',
    r'farm/tmp/left is left behind, 4 bytes',
    r'worker-0/tmp/left is left behind',
    r'process \d+ is left behind',
    r'task \d+/\d+ was committed again',
    r'task \d+/\d+ was leased after it was committed',
]
# Where mounting is allowed.
OF_MOUNTS = r'\d+ bytes of the disk of worker 0 are not given back'


def main():
    done = subprocess.run([sys.executable, HERE / 'run.py', '--gopmill', sys.argv[1], '--short', '--jobs', '2', '--workers', '2',
                           '--faults', '0', '--plant'], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stdout.splitlines() if line.startswith('broken: ')]
    wrong = [f'not noticed: {pattern}' for pattern in BROKEN if not any(re.search(pattern, line) for line in complaints)]
    wrong += [f'not asked for: {line}' for line in complaints if not any(re.search(pattern, line) for pattern in [*BROKEN, OF_MOUNTS])]
    if done.returncode != 1:
        wrong.append(f'exit code {done.returncode} instead of 1')
    for line in wrong:
        print(line)
    print(f'{len(BROKEN) - len(wrong)} of {len(BROKEN)} breaks noticed')
    if wrong:
        print(done.stdout, done.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
