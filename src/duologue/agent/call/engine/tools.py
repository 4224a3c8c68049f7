"""Tools that the client runs: the call goes over the wire, and so does the result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from livekit.agents import RunContext
from livekit.agents.llm import Tool, ToolError, function_tool

from duologue.agent.call.translation import Translation
from duologue.agent.definition import ClientTool
from duologue.protocol.client_messages import ClientToolResult

NOT_AWAITED = "The client was told to run it; it gives no result."


class ClientTools:
    """The client tools of one call.

    Args:
        tools: as the agent's definition has them.
        translation: tells the client.
    """

    def __init__(self, tools: Sequence[ClientTool], translation: Translation) -> None:
        self._translation = translation
        self._results: dict[str, asyncio.Future[ClientToolResult]] = {}
        self.functions: list[Tool] = [self._function(tool) for tool in tools]

    def take_result(self, result: ClientToolResult) -> bool:
        """Take what a tool returned; False if nobody waits for it (any more)."""
        waiting = self._results.get(result.tool_call_id)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(result)
        return True

    def cancel(self) -> None:
        """Wait for no result any longer: the user has interrupted, or the call is over."""
        for waiting in self._results.values():
            waiting.cancel()

    def _function(self, tool: ClientTool) -> Tool:
        async def call(raw_arguments: dict[str, object], context: RunContext[None]) -> str:
            return await self._call(tool, raw_arguments, context)

        return function_tool(
            call,
            raw_schema={
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        )

    async def _call(
        self, tool: ClientTool, parameters: dict[str, object], context: RunContext[None]
    ) -> str:
        call_id = context.function_call.call_id
        if not tool.expects_response:
            self._translation.tool_requested(tool.name, call_id, parameters)
            return NOT_AWAITED
        waiting = self._results[call_id] = asyncio.get_running_loop().create_future()
        try:
            self._translation.tool_requested(tool.name, call_id, parameters)
            async with asyncio.timeout(tool.response_timeout_secs):
                await context.speech_handle.wait_if_not_interrupted([waiting])
            return self._text_of(tool, call_id, waiting)
        except TimeoutError as error:
            self._translation.tool_responded(tool.name, call_id, is_error=True)
            raise ToolError(
                f"The tool {tool.name} gave no result within {tool.response_timeout_secs:g} s."
            ) from error
        finally:
            waiting.cancel()
            del self._results[call_id]

    def _text_of(
        self, tool: ClientTool, call_id: str, waiting: asyncio.Future[ClientToolResult]
    ) -> str:
        if not waiting.done() or waiting.cancelled():
            raise ToolError(f"The tool {tool.name} was cancelled, because the user interrupted.")
        result = waiting.result()
        self._translation.tool_responded(tool.name, call_id, is_error=result.is_error)
        text = _as_text(result.result)
        if result.is_error:
            raise ToolError(text)
        return text


def _as_text(result: Any) -> str:
    # Some clients send objects; the model reads JSON better than another language's notation.
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
