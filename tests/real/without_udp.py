"""A call over WebRTC where no UDP goes through: a program for a network namespace of its own.

`python -m tests.real.without_udp FOLDER call` holds a call through a LiveKit server that offers UDP
and TCP, `… refusal` tries one with a server that offers UDP alone, and prints what it is told.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from duologue import Conversation, SessionConnectionError
from duologue.agent.rooms.livekit_server import running_livekit_server
from tests.real.livekit_server import LiveKit, running_livekit
from tests.real.room_agent import RATE_HZ
from tests.real.test_webrtc import calling, tone, tone_in
from tests.real.waiting import eventually

CONNECT_TIMEOUT_S = 6.0


async def call(folder: Path) -> None:
    """Hear the agent, and be heard by it."""
    with running_livekit(folder) as livekit:
        async with calling(livekit) as held:
            await held.agent.say(tone(2000, 660))
            await eventually(lambda: tone_in(held.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
            held.microphone.feed(tone(5000, 440))
            await eventually(lambda: tone_in(held.heard_by_agent[-RATE_HZ // 5 :]), "it hears")


async def refusal(folder: Path) -> None:
    """Print why no call comes about."""
    with running_livekit_server(print, log=folder / "livekit.log") as settings:
        livekit = LiveKit(settings.url, settings.api_key, settings.api_secret, pid=0)
        try:
            await Conversation.start_session(
                text_only=True,
                conversation_token=livekit.token("room", "user_1"),
                livekit_url=livekit.url,
                connect_timeout=CONNECT_TIMEOUT_S,
            )
        except SessionConnectionError as error:
            sys.stdout.write(f"{error}\n")


def no_udp_goes_through() -> bool:
    """Whether the network is as this program wants it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.sendto(b"?", ("127.0.0.1", 9))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    if not no_udp_goes_through():
        sys.exit("UDP goes through here")
    asyncio.run({"call": call, "refusal": refusal}[sys.argv[2]](Path(sys.argv[1])))
