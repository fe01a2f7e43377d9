"""The verdict of a chaos run sees what it is there to see; the proxy does what its faults are called; a seed gives one schedule."""

import asyncio
import hashlib
import os
import pathlib
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True

import checker
from farm import line_of
from proxy import Proxy
from schedule import SHARES, Schedule, shares_of


def life(*texts):
    return [line_of(f'2026-01-02T03:04:05.{number:03} debug {text}') for number, text in enumerate(texts)]


class Verdict(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix='gopmill-checker-')
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def outputs(self):
        (self.folder / 'a.mp4').write_bytes(b'clip')
        (self.folder / 'report.json').write_text('{}')
        return {'a.mp4': hashlib.sha256(b'clip').hexdigest()}

    def test_what_holds_draws_no_complaint(self):
        self.assertEqual(checker.check_outputs(self.folder, self.outputs()), [])
        self.assertEqual(checker.check_jobs({1, 2}, {3}, {1: 'done', 2: 'done', 3: 'cancelled'}), [])
        self.assertEqual(checker.check_commits([life('task 1/0 attempt 1 committed', 'task 1/1 attempt 2 committed')]), [])

    def test_wrong_bytes(self):
        expected = self.outputs()
        (self.folder / 'a.mp4').write_bytes(b'fill')
        self.assertIn('in the undisturbed run', checker.check_outputs(self.folder, expected)[0])

    def test_missing_file(self):
        expected = self.outputs()
        (self.folder / 'report.json').unlink()
        self.assertEqual(checker.check_outputs(self.folder, expected), [f'{self.folder}/report.json is missing'])

    def test_folder_that_was_never_made(self):
        self.assertEqual(len(checker.check_outputs(self.folder / 'none', self.outputs())), 2)

    def test_half_written_file(self):
        expected = self.outputs()
        (self.folder / '.a.mp4.part').touch()
        self.assertEqual(checker.check_outputs(self.folder, expected), [f'{self.folder}/.a.mp4.part should not be there'])

    def test_lost_failed_and_unknown_jobs(self):
        self.assertEqual(checker.check_jobs({1, 2, 3}, {4}, {2: 'failed', 3: 'running', 4: 'done', 5: 'done'}),
                         ['job 1 was accepted and is lost', 'job 2 was accepted and is failed, not done',
                          'job 3 was accepted and is running, not done', 'job 4 was accepted and is done, not cancelled',
                          'job 5 is one that nobody handed in'])

    def test_spool(self):
        (self.folder / 'spool').mkdir()
        (self.folder / 'gopmill.db').touch()
        self.assertEqual(checker.check_spool(self.folder), [])
        (self.folder / 'spool' / '7').mkdir()
        (self.folder / 'spool' / '7' / 'input.0').touch()
        self.assertEqual(len(checker.check_spool(self.folder)), 2)
        self.assertEqual(len(checker.check_empty(self.folder)), 2)

    def test_second_commit_in_one_life(self):
        self.assertEqual(checker.check_commits([life('task 1/0 attempt 1 committed', 'task 1/0 attempt 2 committed')]),
                         ['task 1/0 was committed again'])

    def test_second_commit_in_another_life(self):
        recorded = ['job 1 running'] * (checker.UNRECORDED_LINES_MAX + 1)
        again = life('task 1/0 attempt 2 committed')
        self.assertEqual(checker.check_commits([life('task 1/0 attempt 1 committed', *recorded), again]),
                         ['task 1/0 was committed again'])
        # Said, and killed before it was recorded: so it never was.
        self.assertEqual(checker.check_commits([life('task 1/0 attempt 1 committed'), again]), [])

    def test_lease_after_commit(self):
        self.assertEqual(checker.check_attempts([life('task 1/0 attempt 1 leased to worker 3', 'task 1/0 attempt 1 committed',
                                                      'task 1/0 attempt 2 leased to worker 4')]),
                         ['task 1/0 was leased after it was committed'])


class Seeds(unittest.TestCase):
    def schedule(self, seed):
        return Schedule(seed, faults=200, jobs=50, clips=5, workers=8, seconds=300)

    def test_one_seed_one_schedule(self):
        self.assertEqual(self.schedule(7).faults, self.schedule(7).faults)
        self.assertEqual(self.schedule(7).fingerprint, self.schedule(7).fingerprint)
        self.assertNotEqual(self.schedule(7).fingerprint, self.schedule(8).fingerprint)

    def test_every_kind_comes(self):
        self.assertEqual(shares_of(200, list(SHARES)), SHARES)
        self.assertEqual(shares_of(len(SHARES), list(SHARES)), dict.fromkeys(SHARES, 1))
        self.assertEqual(sum(shares_of(77, list(SHARES)).values()), 77)


class Faults(unittest.IsolatedAsyncioTestCase):
    """Against a server that answers what it is sent."""

    async def asyncSetUp(self):
        async def echo(reader, writer):
            try:
                while data := await reader.read(65536):
                    writer.write(data)
            except ConnectionError:
                pass  # that is what some of these tests do
            writer.close()
        self.server = await asyncio.start_server(echo, '127.0.0.1', 0)
        self.proxy = Proxy(self.server.sockets[0].getsockname()[1])
        await self.proxy.start()
        self.reader, self.writer = await asyncio.open_connection('127.0.0.1', self.proxy.port)
        await self.says(b'hello')

    async def asyncTearDown(self):
        self.writer.close()
        await self.proxy.stop()
        self.server.close()

    async def says(self, data, within=5.0):
        self.writer.write(data)
        self.assertEqual(await asyncio.wait_for(self.reader.readexactly(len(data)), within), data)

    async def test_much_data_arrives_whole(self):
        await self.says(os.urandom(2_000_000), within=20.0)

    async def test_reset(self):
        self.proxy.cut(reset=True)
        with self.assertRaises(ConnectionResetError):
            await self.reader.readexactly(1)

    async def test_end_in_order(self):
        self.proxy.cut(reset=False)
        self.assertEqual(await self.reader.read(), b'')

    async def test_torn_in_the_middle(self):
        self.proxy.tear(1000)
        self.writer.write(bytes(5000))
        with self.assertRaises((ConnectionResetError, asyncio.IncompleteReadError)):
            await self.reader.readexactly(5000)

    async def test_one_bit_flipped(self):
        self.proxy.flip(0.5)
        self.writer.write(bytes(5000))
        arrived = await asyncio.wait_for(self.reader.readexactly(5000), 5.0)
        self.assertEqual(sum(byte.bit_count() for byte in arrived), 1)

    async def test_frozen_then_thawed(self):
        self.proxy.freeze()
        self.writer.write(b'later')
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.reader.read(1), 0.3)
        self.proxy.thaw()
        self.assertEqual(await self.reader.readexactly(5), b'later')

    async def test_delay_there_and_back(self):
        self.proxy.delay(0.2)
        started = time.monotonic()
        await self.says(b'slow')
        self.assertGreaterEqual(time.monotonic() - started, 0.4)

    async def test_throttle(self):
        self.proxy.throttle(100_000)
        started = time.monotonic()
        await self.says(bytes(50_000), within=20.0)
        self.assertGreaterEqual(time.monotonic() - started, 0.5)

    async def test_target_that_does_not_listen(self):
        self.proxy.cut()
        self.server.close()
        reader, writer = await asyncio.open_connection('127.0.0.1', self.proxy.port)
        self.assertEqual(await reader.read(), b'')
        writer.close()


if __name__ == '__main__':
    unittest.main()
