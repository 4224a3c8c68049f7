"""What runs over the wire, the same for every client that is measured."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 16_000
CHUNK_MS: Final = 25
CHUNK_SAMPLES: Final = RATE_HZ * CHUNK_MS // 1000
PARTS_PER_S: Final = 10
"""How fast a written answer comes."""
MESSAGE_EVERY_S: Final = 1.0

ROOMS_AT_ONCE: Final = 4
"""So many are entered at the same time: more take a LiveKit server on two cores over 10 s."""

CONVERSATION_PATH: Final = "/v1/convai/conversation"

METADATA: Final = json.dumps(
    {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": "conv_load",
            "agent_output_audio_format": f"pcm_{RATE_HZ}",
            "user_input_audio_format": f"pcm_{RATE_HZ}",
        },
    }
)

PART: Final = json.dumps(
    {
        "type": "agent_chat_response_part",
        "text_response_part": {"text": " word", "type": "delta", "event_id": 7},
    }
)


def speech(seconds: float) -> npt.NDArray[np.int16]:
    """Sound that is loud and quiet by turns, as speech is, four times a second."""
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    loudness = np.clip(np.sin(2 * np.pi * 4 * at_s), 0.0, 1.0)
    wave = 8000 * loudness * np.sin(2 * np.pi * 220 * at_s)
    samples: npt.NDArray[np.int16] = np.rint(wave).astype(np.int16)
    return samples


def audio_frames() -> list[str]:
    """A second of the agent's sound, as the frames that carry it."""
    return [
        json.dumps(
            {
                "type": "audio",
                "audio_event": {
                    "audio_base_64": base64.b64encode(chunk).decode(),
                    "event_id": 1,
                },
            }
        )
        for chunk in chunks()
    ]


def chunks() -> list[bytes]:
    """A second of speech, in the pieces that go over the wire."""
    sound = speech(1.0)
    return [
        sound[start : start + CHUNK_SAMPLES].tobytes()
        for start in range(0, len(sound), CHUNK_SAMPLES)
    ]


def latenesses_ms(arrivals_s: Sequence[float], from_s: float, until_s: float) -> list[float]:
    """How late each chunk of one call was against the call's own clock.

    Args:
        arrivals_s: when each chunk came, in order.
        from_s: what came before is not judged,
        until_s: nor what came after.
    """
    offsets = [
        (arrived_s, arrived_s - number * CHUNK_MS / 1000)
        for number, arrived_s in enumerate(arrivals_s)
        if from_s <= arrived_s <= until_s
    ]
    if not offsets:
        return []
    earliest = min(offset for _, offset in offsets)
    return [(offset - earliest) * 1000 for _, offset in offsets]


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed; not a number if there is none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.floor(len(ordered) * percent / 100))]
