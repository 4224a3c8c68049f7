"""LiveKit and the agent at one address, for as long as standard input.

    python -m tests.real.network_agent <address> <folder>

It says where the agent is by one line of JSON, and writes its logs into the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from duologue.agent.access.keys import KeyFile
from duologue.agent.parent import announcement
from duologue.agent.settings import LiveKitSettings
from tests.real.agent_process import running_agent_server
from tests.real.livekit_server import running_livekit

AGENTS = Path(__file__).with_name("agents")


def main() -> None:
    address, folder = sys.argv[1], Path(sys.argv[2])
    keys = KeyFile(folder / "keys.json")
    with running_livekit(folder, host=address) as livekit:
        settings = LiveKitSettings(
            url=livekit.url, api_key=livekit.api_key, api_secret=livekit.api_secret
        )
        log = folder / "serve.log"
        with running_agent_server(AGENTS, log, keys, settings, host=address) as server:
            sys.stdout.write(announcement(server.url) + "\n")
            sys.stdout.flush()
            sys.stdin.read()


if __name__ == "__main__":
    main()
