"""What a live conversation looks like in a terminal."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from duologue import DeviceChange, ErrorReport, Message, Mode, TurnMetrics, VoiceConversation
from duologue.dialogue.transcript import corrected, corrected_index
from duologue.protocol.server_events import AgentResponseCorrectionEvent

SHOWN_MESSAGES: Final = 12
"""How many of the latest messages stand on the screen."""

BAR_CELLS: Final = 30
QUIETEST_DBFS: Final = -60.0
"""Where a level's bar is empty; speech is 20 to 40 dB above it."""


class Display:
    """Keeps what is to be shown, and draws it."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=SHOWN_MESSAGES)
        self._latencies_ms: list[float] = []
        self._devices: dict[str, Text] = {}

    def message(self, message: Message) -> None:
        """Add something that was said."""
        self._messages.append(message)

    def correction(self, correction: AgentResponseCorrectionEvent) -> None:
        """Cut an answer down to what had been said when the user interrupted it."""
        index = corrected_index(self._messages, correction)
        if index is not None:
            message = corrected(self._messages[index], correction)
            self._messages[index] = replace(message, text=f"{message.text} —")

    def turn(self, metrics: TurnMetrics) -> None:
        """Add how long a turn took."""
        if metrics.latency_ms is not None:
            self._latencies_ms.append(metrics.latency_ms)

    def device_changed(self, change: DeviceChange) -> None:
        """Show which device is in use now, and why."""
        name = change.device_id or "the system's default"
        shown = Text(name) if change.available else Text("none", style="red")
        if change.reason is not None:
            shown.append(f" ({change.reason})", style="not bold dim")
        self._devices[change.kind] = shown

    def device_failed(self, report: ErrorReport) -> bool:
        """Show that a device was lost, if that is what the report is about; tell whether it is."""
        device = report.context.get("device")
        if device not in ("microphone", "speaker"):
            return False
        self._devices[device] = Text(str(report), style="red")
        return True

    def render(self, conversation: VoiceConversation) -> RenderableType:
        """Draw the conversation as it is now."""
        return Panel(
            Group(self._state(conversation), Text(), *map(_line, self._messages)),
            title="duologue",
            subtitle="Ctrl-C ends the conversation",
            title_align="left",
            subtitle_align="left",
        )

    def _state(self, conversation: VoiceConversation) -> Table:
        table = Table.grid(padding=(0, 2))
        speaking = conversation.mode is Mode.SPEAKING
        table.add_row("status", Text(str(conversation.status), style="bold"))
        table.add_row("mode", Text(str(conversation.mode), style="cyan" if speaking else "green"))
        table.add_row("you", level_bar(conversation.input_level, "green"))
        table.add_row("agent", level_bar(conversation.output_level, "cyan"))
        table.add_row("latency", self._latency())
        for kind, device in self._devices.items():
            table.add_row(kind, device)
        return table

    def _latency(self) -> Text:
        if not self._latencies_ms:
            return Text("–", style="dim")
        latest = " ".join(f"{latency_ms:.0f}" for latency_ms in self._latencies_ms[-8:])
        return Text(f"{latest} ms")


def level_bar(level: float, colour: str) -> Text:
    """A level from 0 to 1 as a bar, by its decibels, as ears judge it."""
    dbfs = 20 * math.log10(level) if level > 0 else QUIETEST_DBFS
    filled = round(BAR_CELLS * min(1.0, max(0.0, 1 - dbfs / QUIETEST_DBFS)))
    bar = Text("█" * filled, style=colour)
    return bar.append("░" * (BAR_CELLS - filled), style="dim")


def _line(message: Message) -> Text:
    name, colour = ("you", "green") if message.role == "user" else ("agent", "cyan")
    return Text(f"{name}: ", style=f"bold {colour}").append(message.text, style="not bold default")
