"""The command `duologue talk`: which agent, and which way of talking."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from duologue.audio import DeviceKind, WavSource, devices_available
from duologue.audio.devices.listing import find_device
from duologue.cli.talk.live import talk_live
from duologue.cli.talk.options import AgentOptions, SoundOptions, TalkOptions
from duologue.cli.talk.own_agent import own_agent
from duologue.cli.talk.recorded import talk_recorded
from duologue.cli.talk.wishes import check, let_key_count_for, with_wishes
from duologue.cli.talk.written import talk_written
from duologue.connection.http.endpoints import Region, chosen_origin, socket_origin
from duologue.conversation.options.transport import ConnectionType
from duologue.event_loop import new_event_loop

QUESTION = Path(__file__).parent / "question.wav"
"""A spoken question, for machines without a microphone."""


def talk(
    agent_id: Annotated[
        str | None,
        typer.Argument(help="An agent's id. Without it, an agent on this machine answers."),
    ] = None,
    *,
    text: Annotated[bool, typer.Option("--text", help="In writing, line by line.")] = False,
    origin: Annotated[
        str | None, typer.Option(help="The agent's server; by default ElevenLabs'.")
    ] = None,
    region: Annotated[
        Region | None, typer.Option(help="ElevenLabs' server there, instead of --origin.")
    ] = None,
    signed_url: Annotated[
        str | None,
        typer.Option(help="The URL of one conversation with a private agent, from a back end."),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="A file with the key for a private agent's server.")
    ] = None,
    dynamic_variable: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A dynamic variable; may be given again."),
    ] = None,
    dynamic_variables: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="A JSON object of dynamic variables.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="What differs from the agent's definition, such as agent.first_message=Hello; "
            "may be given again.",
        ),
    ] = None,
    overrides: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="A JSON object of overrides.")
    ] = None,
    transport: Annotated[
        ConnectionType | None,
        typer.Option(
            help="websocket or webrtc. By default WebSocket with the agent on this machine; with "
            "another, WebRTC for voice if it has that, and WebSocket for text."
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input", help="A sound file instead of the microphone: WAV, FLAC, Ogg, MP3 …"
        ),
    ] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="A WAV file for what the speaker plays.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="A WAV file for both sides: you left, the agent right.")
    ] = None,
    microphone: Annotated[
        str | None,
        typer.Option(help="A microphone's id or a part of its name, see `duologue devices`."),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="A speaker's id or a part of its name.")
    ] = None,
    echo_cancellation: Annotated[
        bool | None, typer.Option(help="By default on with a microphone, off with --input.")
    ] = None,
    noise_suppression: Annotated[
        bool | None, typer.Option(help="By default on with a microphone, off with --input.")
    ] = None,
    gain_control: Annotated[bool | None, typer.Option(help="By default off.")] = None,
    transcript: Annotated[
        Path | None, typer.Option(help="A file for the messages, one JSON object a line.")
    ] = None,
    wait_for_greeting: Annotated[
        bool, typer.Option(help="Play --input once the agent's greeting has been heard.")
    ] = True,
    agent_file: Annotated[
        Path | None,
        typer.Option(help="The definition (YAML or JSON) of the agent on this machine."),
    ] = None,
    agent_log: Annotated[
        Path | None,
        typer.Option(
            help="A file for all that the agent on this machine does, what is said included."
        ),
    ] = None,
) -> None:
    """Talk with a voice agent: live, from a sound file, or in writing.

    The key for a private agent is taken from --api-key-file, or else from ELEVENLABS_API_KEY for
    ElevenLabs, and from DUOLOGUE_API_KEY for the server in --origin or DUOLOGUE_ORIGIN.
    """
    _check(
        agent_id,
        signed_url=signed_url,
        text=text,
        server=(origin, region),
        sounds=any(
            option is not None
            for option in (
                input_file,
                output_file,
                record,
                microphone,
                speaker,
                echo_cancellation,
                noise_suppression,
                gain_control,
            )
        ),
        own=(agent_file, agent_log),
    )
    if agent_id is None and api_key_file is not None:
        raise typer.BadParameter("--api-key-file goes with AGENT_ID: its server asks for the key")
    if input_file is not None and (microphone or speaker):
        raise typer.BadParameter("--input takes the place of --microphone and --speaker")
    for option, path in (
        ("--output", output_file),
        ("--record", record),
        ("--transcript", transcript),
        ("--agent-log", agent_log),
    ):
        _check_folder(option, path)

    _check_devices(microphone, speaker)
    question = _question(input_file, text=text, devices_named=bool(microphone or speaker))
    sound = _sound(echo_cancellation, noise_suppression, gain_control, record)
    is_own = agent_id is None and signed_url is None
    asked = with_wishes(
        AgentOptions() if is_own else _named_agent(agent_id, signed_url, origin, region, transport),
        api_key_file=api_key_file,
        variables=dynamic_variable or (),
        variables_file=dynamic_variables,
        overrides=override or (),
        overrides_file=overrides,
    )
    check(asked if not is_own else {**asked, "agent_id": "default"}, text=text)

    async def converse() -> None:
        async with (
            own_agent(agent_file, agent_log, transport=transport or "websocket")
            if is_own
            else nullcontext(AgentOptions())
        ) as agent:
            options = TalkOptions(
                agent={**agent, **asked},
                microphone=microphone,
                speaker=speaker,
                sound=sound,
                output=output_file,
                transcript=transcript,
                wait_for_greeting=wait_for_greeting,
            )
            if text:
                await talk_written(options)
            elif question is not None:
                await talk_recorded(options, question)
            else:
                await talk_live(options)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(converse())


def _sound(
    echo_cancellation: bool | None,
    noise_suppression: bool | None,
    gain_control: bool | None,
    record: Path | None,
) -> SoundOptions:
    """What was asked for; the rest is left to the session."""
    sound: SoundOptions = {}
    if echo_cancellation is not None:
        sound["echo_cancellation"] = echo_cancellation
    if noise_suppression is not None:
        sound["noise_suppression"] = noise_suppression
    if gain_control is not None:
        sound["auto_gain_control"] = gain_control
    if record is not None:
        sound["record"] = record
    return sound


def _question(input_file: Path | None, *, text: bool, devices_named: bool) -> WavSource | None:
    """The recording to play, read before anything is started; None for a microphone or writing.

    Raises:
        AudioFileError: the file cannot be read.
    """
    if text:
        return None
    if input_file is not None:
        return WavSource(input_file, held=True)
    if devices_named or devices_available():
        return None
    typer.echo("No microphone and speaker were found; a recorded question is asked instead.")
    return WavSource(QUESTION, held=True)


def _check(
    agent_id: str | None,
    *,
    signed_url: str | None,
    text: bool,
    server: tuple[str | None, str | None],
    sounds: bool,
    own: tuple[Path | None, Path | None],
) -> None:
    """Refuse options that contradict one another."""
    if text and sounds:
        raise typer.BadParameter(
            "--text has no sound: leave out files of sound, devices, and what is done with sound"
        )
    if agent_id is not None and not agent_id.strip():
        raise typer.BadParameter("AGENT_ID is empty; leave it out for the agent on this machine")
    if signed_url is not None and (agent_id is not None or any(server)):
        raise typer.BadParameter(
            "--signed-url names its agent and its server already: leave AGENT_ID, --origin and "
            "--region out"
        )
    if signed_url is not None and any(own):
        raise typer.BadParameter("--agent-file and --agent-log are for the agent on this machine")
    if agent_id is None and any(server):
        raise typer.BadParameter(
            "--origin and --region name a server: name the agent there as well, AGENT_ID"
        )
    if agent_id is not None and any(own):
        raise typer.BadParameter(
            "--agent-file and --agent-log are for the agent on this machine, which AGENT_ID is not"
        )


def _check_devices(microphone: str | None, speaker: str | None) -> None:
    """Refuse a device that is not there: a person who names one wants no other.

    Raises:
        DeviceError: there is none, or more than one such; the sentence lists what there is.
    """
    for kind, named in ((DeviceKind.MICROPHONE, microphone), (DeviceKind.SPEAKER, speaker)):
        if named is not None:
            find_device(kind, named)


def _check_folder(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written, before an agent is started in vain."""
    if path is None:
        return
    if path.is_dir():
        raise typer.BadParameter(f"{option} {path} is a folder; name a file in it")
    if not os.access(path.parent, os.W_OK):
        raise typer.BadParameter(f"{option} {path}: its folder is not there, or not writable")


def _origin(origin: str | None, region: Region | None) -> str:
    try:
        return socket_origin(chosen_origin(origin, region))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _named_agent(
    agent_id: str | None,
    signed_url: str | None,
    origin: str | None,
    region: Region | None,
    transport: ConnectionType | None,
) -> AgentOptions:
    """An agent elsewhere; without a transport the session chooses one."""
    agent: AgentOptions = {}
    if signed_url is not None:
        agent["signed_url"] = signed_url
    elif agent_id is not None:
        agent |= {"agent_id": agent_id, "origin": _origin(origin, region)}
        let_key_count_for(agent["origin"])
    if transport is not None:
        agent["connection_type"] = transport
    return agent
