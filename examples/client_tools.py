"""Functions of this program that an agent calls while it talks.

Shows a registry of tools, plain and async ones, whose parameters are checked against their
signatures (the agent is told what is wrong), and a loop over the events of a conversation.

The agent has to know the tools. `weather_agent.yaml` beside this file defines one that does; it
needs a language model that calls tools, which the small bundled one does not. So, with a model of
your own behind an OpenAI-compatible API:

    duologue serve examples/weather_agent.yaml \\
        --llm-base-url http://127.0.0.1:11434/v1 --llm-model llama3.2
    python examples/client_tools.py
    python examples/client_tools.py --question "Remind me in ten minutes to bring the washing in."

At ElevenLabs, give an agent the client tools `get_weather` and `set_reminder` with the parameters
of the functions below, tick "wait for response", allow the override "text only", and name it:

    python examples/client_tools.py agent_… --origin wss://api.elevenlabs.io
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from duologue import ClientTools, Conversation, DuologueError
from duologue.protocol.server_events import AgentResponseEvent, ClientToolCallEvent

ANSWER_LIMIT_S = 60.0

FORECASTS = {"lyon": ["sunny", "sunny", "cloudy"], "oslo": ["snow", "cloudy", "sunny"]}

tools = ClientTools()


@tools.tool(timeout=5)
def get_weather(city: str, days: int = 1) -> dict[str, object]:
    """A plain function runs in a thread of its own, so it may block; its result becomes JSON.

    What it raises is told to the agent as well, but it is logged as a mistake of this program's.
    """
    forecast = FORECASTS.get(city.lower())
    if forecast is None:
        return {"city": city, "error": "there is no forecast for this city"}
    return {"city": city, "forecast": forecast[:days]}


@tools.tool()
async def set_reminder(text: str, minutes: float) -> str:
    """An async function runs on the event loop, beside the conversation."""
    asyncio.get_running_loop().call_later(minutes * 60, print, f"Reminder: {text}")
    return f"The reminder will come in {minutes:g} minutes."


async def main(arguments: argparse.Namespace) -> None:
    called = False
    async with (
        asyncio.timeout(ANSWER_LIMIT_S),
        Conversation.start_session(
            agent_id=arguments.agent_id,
            origin=arguments.origin,
            text_only=True,
            client_tools=tools,
            on_error=lambda report: print(f"error: {report}"),
        ) as conversation,
    ):
        print(f"user: {arguments.question}")
        conversation.send_user_message(arguments.question)
        async for event in conversation:
            match event:
                case ClientToolCallEvent():
                    print(f"tool: {event.tool_name} {event.parameters}")
                    called = True
                case AgentResponseEvent():
                    print(f"agent: {event.agent_response}")
                    if called:
                        return
        sys.exit(f"The conversation ended before the answer: {conversation.disconnection}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Let an agent call functions of this program.")
    parser.add_argument("agent_id", nargs="?", default="weather_agent")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--question", default="What will the weather be in Lyon, for two days?")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main(parse_arguments()))
    except KeyboardInterrupt:
        pass
    except TimeoutError:
        sys.exit(f"The agent called no tool and answered within {ANSWER_LIMIT_S:g} s.")
    except DuologueError as error:
        sys.exit(str(error))
