"""What to do about a device that cannot be opened: each system has its own place for that."""

from __future__ import annotations

import sys
from enum import Enum, auto
from typing import Final

import miniaudio


class Obstacle(Enum):
    """What keeps a device from being opened."""

    DENIED = auto()
    BUSY = auto()
    MISSING = auto()
    NO_SOUND_SYSTEM = auto()
    UNKNOWN = auto()


_BY_RESULT: Final = {
    miniaudio.lib.MA_ACCESS_DENIED: Obstacle.DENIED,
    miniaudio.lib.MA_BUSY: Obstacle.BUSY,
    miniaudio.lib.MA_ALREADY_IN_USE: Obstacle.BUSY,
    miniaudio.lib.MA_UNAVAILABLE: Obstacle.BUSY,
    miniaudio.lib.MA_SHARE_MODE_NOT_SUPPORTED: Obstacle.BUSY,
    miniaudio.lib.MA_NO_DEVICE: Obstacle.MISSING,
    miniaudio.lib.MA_DOES_NOT_EXIST: Obstacle.MISSING,
    miniaudio.lib.MA_NO_BACKEND: Obstacle.NO_SOUND_SYSTEM,
    miniaudio.lib.MA_FAILED_TO_INIT_BACKEND: Obstacle.NO_SOUND_SYSTEM,
}

_LINUX: Final = {
    Obstacle.DENIED: (
        "Give this program access to the sound system: add the user to the group 'audio' and log "
        "in again, or grant it to the container, Flatpak or snap that this runs in."
    ),
    Obstacle.BUSY: (
        "Close the program that holds it ('fuser -v /dev/snd/*' and pavucontrol show which), or "
        "choose another; 'duologue devices' lists them."
    ),
    Obstacle.MISSING: (
        "Connect one, and see in the sound settings or in pavucontrol whether it is switched off."
    ),
    Obstacle.NO_SOUND_SYSTEM: (
        "Start PipeWire or PulseAudio ('systemctl --user start pipewire-pulse'), and see that "
        "XDG_RUNTIME_DIR is set to that of the user who is logged in."
    ),
}

_MACOS: Final = {
    Obstacle.DENIED: (
        "Allow it for the terminal or the program in System Settings > Privacy & Security > "
        "Microphone, and start that again."
    ),
    Obstacle.BUSY: (
        "Close the program that holds it, or choose another in System Settings > Sound; "
        "'duologue devices' lists them."
    ),
    Obstacle.MISSING: "Connect one, and see in System Settings > Sound whether it is listed.",
    Obstacle.NO_SOUND_SYSTEM: "Run this in the session of a user who is logged in at the screen.",
}

_WINDOWS: Final = {
    Obstacle.DENIED: (
        "Turn on 'Let desktop apps access your microphone' in Settings > Privacy & security > "
        "Microphone."
    ),
    Obstacle.BUSY: (
        "Close the program that holds it, or take exclusive control from programs in Settings > "
        "System > Sound > More sound settings > Properties > Advanced."
    ),
    Obstacle.MISSING: "Connect one, and see in Settings > System > Sound whether it is disabled.",
    Obstacle.NO_SOUND_SYSTEM: "Start the service 'Windows Audio' (services.msc).",
}

_BY_SYSTEM: Final = {"darwin": _MACOS, "win32": _WINDOWS}

_IN_ANY_CASE: Final = (
    "See whether another program holds it and whether this one may use it, or choose another."
)


def obstacle_of(error: miniaudio.MiniaudioError) -> Obstacle:
    """What a sound system's error stands for."""
    return _BY_RESULT.get(error.args[-1] if error.args else None, Obstacle.UNKNOWN)


def advice(obstacle: Obstacle, platform: str = sys.platform) -> str:
    """What to do on this system, in a sentence.

    Args:
        platform: as `sys.platform` has it; what is unknown counts as Linux.
    """
    return _BY_SYSTEM.get(platform, _LINUX).get(obstacle, _IN_ANY_CASE)
