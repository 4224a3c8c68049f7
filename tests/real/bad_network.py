"""A network between two namespaces of this machine, as bad as a test wants it.

Each namespace has one TUN device. What one side sends comes out of its device here, is lost or
waits, and goes into the other's: nothing of it is left to chance, or to the kernel.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.real.network_pattern import Impairment, Lane

LARGEST_PACKET_BYTES: Final = 65_535
START_LIMIT_S: Final = 20.0

# Of the block that RFC 2544 keeps for tests of networks.
NEAR_ADDRESS: Final = "198.18.0.1"
FAR_ADDRESS: Final = "198.18.0.2"


@dataclass(frozen=True)
class Namespace:
    """One side of a network. Nothing outside is reached from there, nor reaches it.

    Attributes:
        address: its own in the network.
        device: its TUN device, whose packets are IP's.
        enter: goes before a command that is to run there.
    """

    address: str
    device: int
    enter: tuple[str, ...]


class BadNetwork:
    """Two namespaces, and what happens to the packets between them.

    Args:
        near: one side.
        far: the other side.
        seed: decides which packets are lost, and how long the others take.
    """

    def __init__(self, near: Namespace, far: Namespace, seed: int) -> None:
        self.near = near
        self.far = far
        self.lanes = (Lane(seed), Lane(seed + 1))

    def impair(self, impairment: Impairment) -> None:
        """Be so bad from now on, in both directions."""
        for lane in self.lanes:
            lane.impairment = impairment


@contextmanager
def bad_network(seed: int) -> Iterator[BadNetwork]:
    """A network that is perfect as yet; it is gone when the context ends.

    Raises:
        RuntimeError: this machine lets no namespace or no TUN device be made, and what to do.
    """
    with ExitStack() as stack:
        near = stack.enter_context(namespace(NEAR_ADDRESS, FAR_ADDRESS))
        far = stack.enter_context(namespace(FAR_ADDRESS, NEAR_ADDRESS))
        network = BadNetwork(near, far, seed)
        stack.enter_context(_carrying(network))
        yield network


@contextmanager
def namespace(address: str, other: str) -> Iterator[Namespace]:
    """One side of a network, by itself: every packet that is not for it comes out of its device."""
    # Whoever is not root is so in a namespace of users, and may make networks there.
    is_root = os.geteuid() == 0
    make = ("unshare", "--net") if is_root else ("unshare", "--user", "--map-root-user", "--net")
    program = (sys.executable, "-m", "tests.real.tun_end")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            keeper = subprocess.Popen(
                [*make, *program, address, other, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
            )
        with keeper:
            device = _received(ours, keeper)
            target = ("nsenter", "--target", str(keeper.pid), "--net")
            users = () if is_root else ("--user", "--preserve-credentials")
            try:
                yield Namespace(address, device, (*target, *users))
            finally:
                os.close(device)
                assert keeper.stdin is not None
                keeper.stdin.close()


def _received(holder: socket.socket, keeper: subprocess.Popen[bytes]) -> int:
    holder.settimeout(START_LIMIT_S)
    _, devices, _, _ = socket.recv_fds(holder, 16, 1)
    if devices:
        return devices[0]
    assert keeper.stderr is not None
    words = keeper.stderr.read().decode(errors="replace").strip()
    raise RuntimeError(
        "these tests need a network namespace with a TUN device, and this machine gives none: be "
        "root, or let users make namespaces (sysctl user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) and open "
        f"/dev/net/tun; it said: {words}"
    )


@contextmanager
def _carrying(network: BadNetwork) -> Iterator[None]:
    is_over, over = os.pipe()
    carrier = threading.Thread(target=_carry, args=(network, is_over), name="network")
    carrier.start()
    try:
        yield
    finally:
        os.close(over)
        carrier.join()
        os.close(is_over)


def _carry(network: BadNetwork, is_over: int) -> None:
    """Carry packets until the other end of a pipe is closed."""
    near, far = network.near.device, network.far.device
    ways = {near: (network.lanes[0], far), far: (network.lanes[1], near)}
    on_their_way: list[tuple[float, int, int, bytes]] = []
    numbers = itertools.count()
    while True:
        wait_s = max(0.0, on_their_way[0][0] - time.monotonic()) if on_their_way else None
        readable, _, _ = select.select([near, far, is_over], [], [], wait_s)
        if is_over in readable:
            return
        now_s = time.monotonic()
        for device in readable:
            packet = os.read(device, LARGEST_PACKET_BYTES)
            lane, destination = ways[device]
            due_s = lane.due_s(now_s)
            if due_s is not None:
                # The number keeps the order of what is due at once.
                heapq.heappush(on_their_way, (due_s, next(numbers), destination, packet))
        while on_their_way and on_their_way[0][0] <= now_s:
            _, _, destination, packet = heapq.heappop(on_their_way)
            os.write(destination, packet)
