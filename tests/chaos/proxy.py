"""A TCP port in front of another one, and the faults of the network between the two.

    cut       every connection ends at once, with a reset or in order
    tear      a connection is reset after so many bytes more: in the middle of a message
    freeze    half-open, like a cable pulled out: nothing moves, nobody is told; thaw() plugs it in again
    delay     every byte arrives so much later
    flip      one bit of a chunk arrives as the other: what a bad cable, card or switch does past TCP's checksum
    throttle  so many bytes a second in each direction of each connection

TCP neither doubles nor reorders, so a proxy cannot either without breaking the stream. Doubled and late messages come from the
other faults: whatever gets no answer within its time is asked again, so a delay beyond that time makes every question of gopmill arrive twice, and
a cut makes it uncertain which ones arrived at all.
"""

import asyncio
import socket
import struct

CHUNK_BYTES = 16 * 1024
# What may be on its way inside the proxy, per direction of a connection: 1 MiB. Beyond it the sender feels the pressure.
CHUNKS_MAX = 64
FLIP_BYTES_MIN = 1024  # smaller chunks are questions and answers; what has to be found is damage to clips
RESET = struct.pack('ii', 1, 0)  # SO_LINGER on, for no time: close() sends RST


class Proxy:
    """One port. All of it runs in the event loop that called start()."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = None
        self.bytes = 0        # forwarded, both ways
        self.accepted = 0     # connections
        self._delay_s = 0.0
        self._bytes_per_s = 0.0
        self._tear_after = None
        self._flip_at = None
        self._moving = asyncio.Event()
        self._moving.set()
        self._server = None
        self._connections = set()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, '127.0.0.1', 0, limit=CHUNK_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    # ---- Faults ----

    def cut(self, reset=True):
        for connection in list(self._connections):
            connection.end(reset)

    def tear(self, after_bytes):
        self._tear_after = after_bytes

    def flip(self, place):
        """A bit of the next large chunk, `place` (0 to 1) of the way into it."""
        self._flip_at = place

    def freeze(self):
        self._moving.clear()

    def thaw(self):
        self._moving.set()

    def delay(self, seconds):
        self._delay_s = seconds

    def throttle(self, bytes_per_s):
        self._bytes_per_s = bytes_per_s

    def heal(self):
        self._delay_s = self._bytes_per_s = 0.0
        self._tear_after = self._flip_at = None
        self.thaw()

    # ---- Forwarding ----

    async def _serve(self, reader, writer):
        self.accepted += 1
        connection = Connection(reader, writer)
        self._connections.add(connection)
        try:
            await self._moving.wait()
            await connection.reach(self.target_port)
            await asyncio.gather(self._forward(connection, connection.near, connection.far),
                                 self._forward(connection, connection.far, connection.near))
        except (OSError, asyncio.CancelledError):
            pass  # either end is gone, or the target does not listen now
        finally:
            connection.end(reset=False)
            self._connections.discard(connection)

    async def _forward(self, connection, source, sink):
        """One direction: what is read waits in a queue until it is due, so that a delay is a delay and not a throttle."""
        queue = asyncio.Queue(CHUNKS_MAX)
        loop = asyncio.get_running_loop()

        async def take():
            while True:
                chunk = await source[0].read(CHUNK_BYTES)
                await queue.put((loop.time() + self._delay_s, chunk))
                if not chunk:
                    return

        async def give():
            while True:
                due, chunk = await queue.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._moving.wait()  # an end of the stream does not pass a pulled cable either
                if not chunk:
                    connection.end(reset=False)
                    return
                if self._bytes_per_s:
                    await asyncio.sleep(len(chunk) / self._bytes_per_s)
                if self._tear_after is not None and len(chunk) >= self._tear_after:
                    sink[1].write(chunk[:self._tear_after])
                    self._tear_after = None
                    connection.end(reset=True)
                    return
                if self._tear_after is not None:
                    self._tear_after -= len(chunk)
                if self._flip_at is not None and len(chunk) >= FLIP_BYTES_MIN:
                    chunk = flipped(chunk, self._flip_at)
                    self._flip_at = None
                sink[1].write(chunk)
                self.bytes += len(chunk)
                await sink[1].drain()

        await asyncio.gather(take(), give())


def flipped(data, place):
    at = int(place * (len(data) - 1))
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]


class Connection:
    """Both sockets of one connection; each end is a (reader, writer)."""

    def __init__(self, reader, writer):
        self.near = (reader, writer)
        self.far = None
        self._task = asyncio.current_task()

    async def reach(self, port):
        self.far = await asyncio.open_connection('127.0.0.1', port, limit=CHUNK_BYTES)

    def end(self, reset):
        for end in (self.near, self.far):
            if end is None or end[1].is_closing():
                continue
            if reset:
                try:
                    end[1].get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                except OSError:
                    pass  # already gone
                end[1].transport.abort()
            else:
                end[1].close()
        # Whatever waits inside (a frozen or delayed chunk) is dropped with the connection.
        if self._task is not asyncio.current_task():
            self._task.cancel()
