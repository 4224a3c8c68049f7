"""One end of a network: a TUN device in the namespace that this program was started in.

    unshare --net python -m tests.real.tun_end <address> <the other's> <descriptor of a socket>

The device goes over the socket to whoever is to carry its packets; the namespace stays for as long
as standard input.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from typing import Final

DEVICE: Final = "tun0"
NODE: Final = "/dev/net/tun"

# From linux/if_tun.h: packets of IP, as they are.
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN: Final = 0x0001
_IFF_NO_PI: Final = 0x1000


def main() -> None:
    address, other, descriptor = sys.argv[1:]
    device = _open()
    for command in (
        "ip link set lo up",
        f"ip address add {address} peer {other} dev {DEVICE}",
        f"ip link set {DEVICE} up",
        f"ip route add default dev {DEVICE}",
    ):
        subprocess.run(command.split(), check=True)
    with socket.socket(fileno=int(descriptor)) as holder:
        socket.send_fds(holder, [b"device"], [device])
    sys.stdin.read()


def _open() -> int:
    device = os.open(NODE, os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


if __name__ == "__main__":
    main()
