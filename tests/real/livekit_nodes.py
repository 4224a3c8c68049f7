"""Nodes of one LiveKit: servers on loopback that know of each other through Redis."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
import urllib.request
from pathlib import Path
from typing import Final

from duologue.agent.rooms.livekit_server import DISCARD_PORT, ensure_binary
from duologue.agent.settings import LiveKitSettings
from tests.real.redis_server import Redis
from tests.real.tied_program import HOST, START_LIMIT_S, TiedProgram, free_port

_NODE_ID: Final = re.compile(r'"nodeID": "(ND_\w+)"')


class LiveKitNodes:
    """One LiveKit of several nodes, which are started and stopped one by one.

    Attributes:
        api_key, api_secret: are those of every node.
    """

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.api_key = f"key{secrets.token_hex(6)}"
        self.api_secret = secrets.token_urlsafe(32)
        self._redis = redis
        self._folder = folder
        self._running: dict[str, LiveKitNode] = {}

    @property
    def running(self) -> list[LiveKitNode]:
        """The nodes that run, the oldest first."""
        return list(self._running.values())

    def start(self) -> LiveKitNode:
        """Start one more node."""
        node = LiveKitNode(self, self._redis, self._folder)
        self._running[node.id] = node
        return node

    def stop(self, node: LiveKitNode) -> None:
        """Stop a node in order. It waits for participants of its rooms."""
        del self._running[node.id]
        node.program.stop()

    def stop_all(self) -> None:
        """Stop those that still run."""
        for node in self.running:
            self.stop(node)

    def settings(self, port: int) -> LiveKitSettings:
        """What is needed to reach it at a port."""
        return LiveKitSettings(f"ws://{HOST}:{port}", self.api_key, self.api_secret)

    def node_of(self, room: str) -> LiveKitNode:
        """The node that has a room, and carries what is said there."""
        node_id = self._redis.ask("HGET", "room_node_map", room)
        assert node_id is not None, f"there is no room {room}"
        return self._running[node_id]


class LiveKitNode:
    """One server of several.

    Attributes:
        port: for everything but sound and messages.
        id: by which the others know it.
    """

    def __init__(self, nodes: LiveKitNodes, redis: Redis, folder: Path) -> None:
        self.port = free_port()
        log = folder / f"livekit-{self.port}.log"
        configuration = {
            "port": self.port,
            "bind_addresses": [HOST],
            "keys": {nodes.api_key: nodes.api_secret},
            "redis": {"address": redis.address},
            "rtc": {
                "node_ip": HOST,
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": [f"{HOST}/32"]},
                "udp_port": free_port(socket.SOCK_DGRAM),
                "stun_servers": [f"{HOST}:{DISCARD_PORT}"],
                "tcp_port": 0,
            },
            "logging": {"level": "info", "json": False},
        }
        self.program = TiedProgram(
            [str(ensure_binary(print))],
            log,
            environment={"LIVEKIT_CONFIG": json.dumps(configuration)},
            answers=self._is_well,
        )
        self.id = _node_id(log)

    def _is_well(self) -> bool:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}", timeout=1) as answer:
            return bool(answer.status == 200)


def _node_id(log: Path) -> str:
    give_up_at_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at_s:
        if (found := _NODE_ID.search(log.read_text())) is not None:
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"the LiveKit server did not say who it is:\n{log.read_text()}")
