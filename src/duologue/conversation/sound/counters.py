"""What became of a conversation's sound, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AudioCounters:
    """What became of a conversation's sound until now; for those who look for a fault in it.

    All are sums since the start and only grow, `queued_ms` apart. Of the sound that was received,
    what was neither played nor dropped and does not wait was cut off by interruptions.

    Attributes:
        captured_ms: how much sound the microphone has delivered, silence while muted included; up
            to 20 ms wait for the rest of their chunk, and are not counted yet.
        late_captures: how often the microphone delivered more than 20 ms too late, as it does on a
            machine that is too busy or when it is exchanged; some of its sound may be lost.
        chunks_sent: how many chunks of it were handed to the connection.
        chunks_dropped: how many were dropped, because the server took them too slowly and more
            than 1 s of them waited.
        received_ms: how much of the agent's sound has come that may be heard.
        late_audio_events: how many events with sound were not played, because they belong to what
            the user had interrupted before.
        played_ms: how much of the agent's sound the speaker has taken.
        queued_ms: how much waits to be played at the moment.
        dropped_ms: how much was dropped, because ten minutes waited already.
        underruns: how often the agent's sound ran dry within an utterance: for any time if what
            followed had the same event id, otherwise for up to 300 ms.
        underrun_ms: how long these gaps were in all.
        late_renders: how often the speaker asked for sound more than 20 ms too late; it may have
            had nothing to play meanwhile, whether or not the agent's sound was there.
        reports_dropped: how many reports, of sound before others, were dropped, because callbacks
            were too slow and 10,000 reports waited.
    """

    captured_ms: float = 0.0
    late_captures: int = 0
    chunks_sent: int = 0
    chunks_dropped: int = 0
    received_ms: float = 0.0
    late_audio_events: int = 0
    played_ms: float = 0.0
    queued_ms: float = 0.0
    dropped_ms: float = 0.0
    underruns: int = 0
    underrun_ms: float = 0.0
    late_renders: int = 0
    reports_dropped: int = 0
