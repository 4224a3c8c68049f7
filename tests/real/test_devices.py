"""Microphone and speaker on the virtual devices of a real sound server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from duologue.audio import Microphone, Playout, Speaker, devices_available
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes, silence
from duologue.conversation import Conversation
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError
from duologue.protocol.client_messages import UserAudioChunk
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.audio.signals import tone
from tests.conversation.fakes import eventually
from tests.real.listening import listening
from tests.real.pulseaudio import MICROPHONE, SPEAKER, PulseAudio, running_pulseaudio

pytestmark = [pytest.mark.devices, pytest.mark.xdist_group("devices")]

RATE_HZ = 48_000
LIMIT_S = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseAudio]:
    with running_pulseaudio(tmp_path_factory.mktemp("pulseaudio")) as running:
        yield running


@pytest.fixture
def pulseaudio(server: PulseAudio, monkeypatch: pytest.MonkeyPatch) -> PulseAudio:
    monkeypatch.setenv("XDG_RUNTIME_DIR", server.environment["XDG_RUNTIME_DIR"])
    for name in ("PULSE_SERVER", "PULSE_SINK", "PULSE_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    return server


def loudest_hz(samples: Samples, sample_rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / sample_rate_hz)[spectrum.argmax()])


def read_once_loud(recording: IO[bytes], duration_ms: int) -> Samples:
    """Read what is recorded until it is loud, and so much from there."""
    give_up_at_s = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up_at_s:
        block = samples_from_bytes(recording.read(960))
        if np.abs(block.astype(int)).max() > 1000:
            return samples_from_bytes(recording.read(duration_ms * RATE_HZ // 1000 * 2))
    raise TimeoutError("nothing loud was recorded")


class Received:
    """What a microphone has delivered."""

    def __init__(self) -> None:
        self._blocks: list[Samples] = []
        self._loud = threading.Event()

    def deliver(self, data: memoryview) -> None:
        block = samples_from_bytes(data)
        self._blocks.append(block)
        if np.abs(block.astype(int)).max() > 1000:
            self._loud.set()

    def since_loud(self, duration_ms: int) -> Samples:
        assert self._loud.wait(LIMIT_S)
        time.sleep(duration_ms / 1000)
        samples = np.concatenate(self._blocks)
        first = int(np.flatnonzero(np.abs(samples.astype(int)) > 1000)[0])
        return samples[first:]


def test_what_a_speaker_plays_can_be_heard(pulseaudio: PulseAudio) -> None:
    playout = Playout(RATE_HZ)
    playout.enqueue(tone(2000, RATE_HZ, hz=750), RATE_HZ, 1)
    speaker = Speaker(SPEAKER, sample_rate_hz=RATE_HZ)
    with pulseaudio.recording(f"{SPEAKER}.monitor", RATE_HZ) as recording:
        speaker.start(playout.render)
        try:
            heard = read_once_loud(recording, 500)
        finally:
            speaker.stop()
    assert loudest_hz(heard, RATE_HZ) == pytest.approx(750, abs=5)


def test_a_speaker_does_not_run_dry_while_its_program_is_late(pulseaudio: PulseAudio) -> None:
    late_s, calls, delays = 0.012, 400, 20
    loud = np.full(RATE_HZ, 8000, dtype=np.int16)
    done = threading.Event()
    count = 0

    def render(frames: int) -> memoryview:
        nonlocal count
        count += 1
        if count % (calls // delays) == 0:
            time.sleep(late_s)
        if count == calls:
            done.set()
        return bytes_from_samples(loud[:frames])

    speaker = Speaker(SPEAKER, sample_rate_hz=RATE_HZ)
    with listening(pulseaudio, f"{SPEAKER}.monitor") as heard:
        speaker.start(render)
        try:
            assert done.wait(2 * LIMIT_S)
        finally:
            speaker.stop()
    is_loud = np.abs(heard.samples.astype(int)) > 4000
    first, *_, last = np.flatnonzero(is_loud)
    gaps = int(np.count_nonzero(np.diff(is_loud[first:last].astype(int)) == -1))
    assert last - first > RATE_HZ
    assert gaps < delays // 2


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_what_is_said_into_a_microphone_is_delivered(
    pulseaudio: PulseAudio, rate_hz: int, tmp_path: Path
) -> None:
    sound = tmp_path / "sound.raw"
    sound.write_bytes(bytes_from_samples(tone(2000, RATE_HZ, hz=600)))
    microphone, received = Microphone(MICROPHONE, sample_rate_hz=rate_hz), Received()
    microphone.start(received.deliver)
    try:
        with pulseaudio.playing(f"{MICROPHONE}_in", sound, RATE_HZ):
            heard = received.since_loud(500)
    finally:
        microphone.stop()
    assert loudest_hz(heard, rate_hz) == pytest.approx(600, abs=5)


@pytest.mark.usefixtures("pulseaudio")
def test_the_default_devices_work_as_well() -> None:
    rendered, delivered = threading.Event(), threading.Event()

    def render(frames: int) -> memoryview:
        rendered.set()
        return bytes_from_samples(silence(frames))

    speaker, microphone = Speaker(), Microphone()
    speaker.start(render)
    microphone.start(lambda data: delivered.set())
    try:
        assert rendered.wait(LIMIT_S)
        assert delivered.wait(LIMIT_S)
    finally:
        speaker.stop()
        microphone.stop()


@pytest.mark.usefixtures("pulseaudio")
def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DeviceError, match=r"no speaker 'nowhere'\..*'spk1' \(Speaker_One\)"):
        Speaker("nowhere").start(lambda frames: bytes_from_samples(silence(frames)))
    with pytest.raises(DeviceError, match=r"no microphone 'nowhere'\..*'mic1' \(Mic_One\)"):
        Microphone("nowhere").start(lambda data: None)


@pytest.mark.usefixtures("pulseaudio")
async def test_a_conversation_begins_with_the_devices_of_its_options() -> None:
    async def listen(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserAudioChunk)
        await call.receive_until_gone()

    changes: list[DeviceChange] = []
    async with (
        ScriptedAgent(listen) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            input_device_id=MICROPHONE,
            output_device_id="nowhere",
            on_device_change=changes.append,
        ),
    ):
        await eventually(lambda: changes and len(agent.calls[0].received) > 1)
    [change] = changes
    assert (change.kind, change.device_id) == ("speaker", None)
    assert "no speaker 'nowhere'" in (change.reason or "")


@pytest.mark.usefixtures("pulseaudio")
def test_a_device_can_be_opened_more_often_than_the_sound_system_has_contexts() -> None:
    speaker = Speaker(SPEAKER)
    for _ in range(80):
        speaker.start(lambda frames: bytes_from_samples(silence(frames)))
        speaker.stop()


@pytest.mark.usefixtures("pulseaudio")
def test_starting_twice_is_refused_and_stopping_twice_is_not() -> None:
    speaker = Speaker(SPEAKER)
    speaker.start(lambda frames: bytes_from_samples(silence(frames)))
    with pytest.raises(RuntimeError, match="speaker is running already"):
        speaker.start(lambda frames: bytes_from_samples(silence(frames)))
    speaker.stop()
    speaker.stop()


class Failures:
    """What a device reports as its failures."""

    def __init__(self) -> None:
        self._errors: list[Exception] = []
        self._failed = threading.Event()

    def add(self, error: Exception) -> None:
        self._errors.append(error)
        self._failed.set()

    def first(self) -> Exception:
        assert self._failed.wait(LIMIT_S)
        return self._errors[0]

    def all_within(self, duration_ms: int) -> list[str]:
        time.sleep(duration_ms / 1000)
        return [str(error) for error in self._errors]


@pytest.mark.usefixtures("pulseaudio")
def test_an_exception_in_what_a_microphone_calls_is_reported_once() -> None:
    def deliver(data: memoryview) -> None:
        raise LookupError("of the receiver")

    microphone, failures = Microphone(MICROPHONE), Failures()
    microphone.failed = failures.add
    microphone.start(deliver)
    try:
        assert str(failures.first()) == "of the receiver"
        # Long enough for a second report, by another call or by the watch over the device.
        assert failures.all_within(400) == ["of the receiver"]
    finally:
        microphone.stop()


@pytest.mark.usefixtures("pulseaudio")
def test_an_exception_in_what_a_speaker_calls_is_reported_once() -> None:
    def render(frames: int) -> memoryview:
        raise LookupError("of the renderer")

    speaker, failures = Speaker(SPEAKER), Failures()
    speaker.failed = failures.add
    speaker.start(render)
    try:
        assert str(failures.first()) == "of the renderer"
        assert failures.all_within(400) == ["of the renderer"]
    finally:
        speaker.stop()


def test_a_device_that_goes_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    playing = threading.Event()

    def render(frames: int) -> memoryview:
        playing.set()
        return bytes_from_samples(silence(frames))

    speaker, failures = Speaker(SPEAKER), Failures()
    speaker.failed = failures.add
    with running_pulseaudio(tmp_path) as server:
        monkeypatch.setenv("XDG_RUNTIME_DIR", server.environment["XDG_RUNTIME_DIR"])
        speaker.start(render)
        assert playing.wait(LIMIT_S)
        server.unload(f"sink_name={SPEAKER}")
        failure = failures.first()
        speaker.stop()
    assert isinstance(failure, DeviceError)
    assert "speaker 'spk1' has gone" in str(failure)


@pytest.mark.usefixtures("pulseaudio")
def test_devices_are_available_where_there_are_some() -> None:
    assert devices_available()


def test_where_there_are_none_it_is_told_quickly_and_silently(tmp_path: Path) -> None:
    program = (
        "import time; from duologue.audio import devices_available; "
        "started = time.monotonic(); print(devices_available(), time.monotonic() - started < 2)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert (result.stdout, result.stderr) == ("False True\n", "")


def test_alsa_keeps_quiet_about_devices_that_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "pcm").write_text("00-00: Analog : playback 1 : capture 1\n")
    program = (
        "import sys; from pathlib import Path; from duologue.audio import devices_available; "
        "from duologue.audio.devices import alsa; "
        "alsa.DEVICES_FILE = Path(sys.argv[1]); print(devices_available())"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "pcm")],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert (result.stdout, result.stderr) == ("False\n", "")


def test_the_command_lists_the_devices_of_the_sound_server(pulseaudio: PulseAudio) -> None:
    pulseaudio.pactl("set-default-source", MICROPHONE)
    result = subprocess.run(
        [sys.executable, "-m", "duologue", "devices"],
        env={**pulseaudio.environment, "COLUMNS": "200", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")] for line in result.stdout.splitlines()
    ]
    assert ["microphone", "Mic_One", MICROPHONE, "yes", "48000"] in rows
    assert ["speaker", "Speaker_One", SPEAKER, "yes", "48000"] in rows
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("option", "known"), [("--microphone", "mic1' (Mic_One)"), ("--speaker", "spk1' (Speaker_One)")]
)
def test_the_command_refuses_a_device_that_is_not_there(
    pulseaudio: PulseAudio, option: str, known: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "duologue", "talk", option, "nonsense"],
        env={**pulseaudio.environment, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 1
    assert "'nonsense'" in result.stderr
    assert known in result.stderr
    assert "Traceback" not in result.stderr
