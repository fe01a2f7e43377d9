"""What Linux offers a harness that breaks things on purpose and wants to leave nothing behind."""

import ctypes
import os
import pathlib

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2
_SIGKILL = 9


def _checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f'{what}: {os.strerror(ctypes.get_errno())}')


def die_with_parent():
    """Of a child, between fork and exec: it goes when the harness goes, however that ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def adopt_orphans():
    """Processes that outlive their parent become ours, so that none can hide."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'cannot adopt orphans')


def own_mounts():
    """Mounts made from now on are seen by this process and its children alone, and vanish with them. False without the right to."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        return False
    return _libc.mount(b'none', b'/', None, _MS_REC | _MS_PRIVATE, None) == 0


def mount_tmpfs(folder, size_bytes):
    _checked(_libc.mount(b'tmpfs', bytes(folder), b'tmpfs', 0, f'size={size_bytes},mode=700'.encode()), f'cannot mount {folder}')


def make_read_only(folder):
    """By a second mount of the folder upon itself, because one that has files open for writing cannot change: what is open stays
    as it is, whatever is opened from now on is read-only. unmount() undoes it."""
    _checked(_libc.mount(bytes(folder), bytes(folder), None, _MS_BIND, None), f'cannot bind {folder}')
    _checked(_libc.mount(None, bytes(folder), None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None), f'cannot make {folder} read-only')


def unmount(folder):
    _libc.umount2(bytes(folder), _MNT_DETACH)


# ---- Processes ----

def children_of(pid):
    """Ids of its living and dead children."""
    found = []
    try:
        for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
            found += [int(word) for word in (task / 'children').read_text().split()]
    except (OSError, ValueError):
        pass  # it ended while we looked
    return found


def state_of(pid):
    """R, S, T (stopped), Z (dead, not yet collected) ...; empty if there is none."""
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except (OSError, IndexError):
        return ''


def is_media_child(pid):
    try:
        return b'media-child' in pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return False


def memory_kib(pid):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1])
    return 0


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def signal_quietly(pid, number):
    """True if it was there to be signalled."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
