"""The seven audio formats of the contract, and samples to bytes and back.

Samples are int16 mono, in one-dimensional numpy arrays.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from duologue.errors import UnsupportedAudioFormat

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Encoding = Literal["pcm", "ulaw"]


@dataclass(frozen=True)
class AudioFormat:
    """How sound is written on the wire: an encoding and a sample rate."""

    encoding: Encoding
    sample_rate_hz: int

    @classmethod
    def parse(cls, name: str) -> AudioFormat:
        """The format with a name such as `pcm_16000` or `ulaw_8000`.

        Raises:
            UnsupportedAudioFormat: `name` is none of the seven formats.
        """
        known = AUDIO_FORMATS.get(name) if isinstance(name, str) else None
        if known is None:
            raise UnsupportedAudioFormat(
                f"{reprlib.repr(name)} is not an audio format of the protocol; "
                f"expected one of {', '.join(AUDIO_FORMATS)}"
            )
        return known

    def __str__(self) -> str:
        return f"{self.encoding}_{self.sample_rate_hz}"

    @property
    def bytes_per_sample(self) -> int:
        """2 for PCM, 1 for μ-law."""
        return 2 if self.encoding == "pcm" else 1

    def encode(self, samples: npt.NDArray[np.int16]) -> bytes:
        """Int16 mono samples as bytes of this format."""
        if self.encoding == "ulaw":
            from duologue.protocol.ulaw import encode_ulaw

            return encode_ulaw(samples).tobytes()
        return samples.astype("<i2", copy=False).tobytes()

    def decode(self, data: bytes) -> npt.NDArray[np.int16]:
        """Bytes of this format as int16 mono samples, in an array that may be read-only.

        Half a sample at the end, which only a broken peer sends, is dropped.
        """
        import numpy as np

        if self.encoding == "ulaw":
            from duologue.protocol.ulaw import decode_ulaw

            return decode_ulaw(np.frombuffer(data, np.uint8))
        whole = len(data) - len(data) % 2
        return np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)


_PCM_RATES_HZ: Final = (8000, 16000, 22050, 24000, 44100, 48000)

AUDIO_FORMATS: Final = {
    str(audio_format): audio_format
    for audio_format in (
        *(AudioFormat("pcm", rate_hz) for rate_hz in _PCM_RATES_HZ),
        AudioFormat("ulaw", 8000),
    )
}
"""The formats by name: `pcm_8000` to `pcm_48000`, and `ulaw_8000`."""

DEFAULT_INPUT_FORMAT: Final = AUDIO_FORMATS["pcm_16000"]
"""What the user's sound is sent in if the metadata does not say."""
