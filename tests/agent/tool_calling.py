"""A scripted language model that calls a tool of the client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from livekit.agents import APIConnectOptions, NotGivenOr, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN

from duologue.agent.speech.stack import CallSpeechOptions, SessionParts
from duologue.testing.scripted_speech import ScriptedSpeech

ARGUMENTS = {"room": "kitchen", "levels": [1, None, {"a": "ä"}]}
LIGHT = {"type": "client", "name": "light", "expects_response": True}


class ToolCallingModel(llm.LLM[Any]):
    """Calls the tool `light` for a message of the user, and then tells the tool's result."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _Answer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Answer(llm.LLMStream):
    async def _run(self) -> None:
        latest = self._chat_ctx.items[-1]
        if latest.type == "function_call_output":
            delta = llm.ChoiceDelta(role="assistant", content=f"It says: {latest.output}")
        elif latest.type == "message" and latest.text_content == "Light!":
            call = llm.FunctionToolCall(
                name="light", arguments=json.dumps(ARGUMENTS), call_id="call_1"
            )
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
        else:
            delta = llm.ChoiceDelta(role="assistant", content="As you like.")
        self._event_ch.send_nowait(llm.ChatChunk(id="x", delta=delta))


class ToolCallingSpeech(ScriptedSpeech):
    """A scripted stack with that model."""

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        return replace(super().session_parts(options), llm=ToolCallingModel())
