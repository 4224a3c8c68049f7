"""Every error that Duologue raises for its users, as one tree.

An error carries its facts as attributes and builds from them a sentence that says what was
expected, what came, and what to do.
"""

from __future__ import annotations


class DuologueError(Exception):
    """The root of every error that this library raises on purpose."""


class SessionConnectionError(DuologueError):
    """A conversation could not be started, or its start was ended by the server.

    Attributes:
        close_code: the WebSocket close code, 1006 if the connection was refused or lost, or None
            if the server was too slow or its answer made no sense.
        close_reason: the server's own words, or None if it gave none.
    """

    def __init__(
        self, message: str, *, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.close_reason = close_reason


class RequestFailed(DuologueError):
    """A server did not do what it was asked over HTTP: it cannot be reached, is too slow, or its
    answer makes no sense."""


class RequestRefused(RequestFailed):
    """A server answered with an error.

    Attributes:
        http_status: the status of its answer, such as 404.
        detail: its own explanation, or None if it gave none.
    """

    def __init__(self, message: str, *, http_status: int, detail: str | None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.detail = detail


class SignedUrlRefused(RequestRefused, SessionConnectionError):
    """A server gave no signed URL, so there is no way to a private agent.

    Its `http_status` is 401 for a wrong key, for instance.
    """


class ConversationTokenRefused(RequestRefused, SessionConnectionError):
    """A server gave no token for a conversation over WebRTC.

    Its `http_status` is 401 for a private agent and no key, 501 for a server without WebRTC.
    """


class UploadError(DuologueError):
    """A file was not sent, because it cannot be read, is too large, or may not be sent in this
    session; the sentence says which."""


class ConversationEnded(DuologueError):
    """Something was to be sent, but the conversation is over."""


class FeedbackUnavailable(DuologueError):
    """There is no response of the agent that could be rated, or it has been rated already."""


class ApprovalUnavailable(DuologueError):
    """A call of an MCP tool cannot be approved or denied: it was answered, or waits no longer."""


class ToolError(DuologueError):
    """Raised by a client tool that cannot do what the agent asks, as may be expected at times.

    The agent is told the sentence as it is, and that the call has failed. Unlike any other
    exception of a tool it is no mistake of the program, so neither `on_error` nor the log has it.
    """


class SendQueueFull(DuologueError):
    """More control messages wait to be sent than the connection may hold."""


class AudioError(DuologueError):
    """The root of errors about sound: devices, files, formats."""


class DeviceError(AudioError):
    """A microphone or speaker could not be found, opened or kept."""


class UnknownDevice(DeviceError):
    """There are microphones or speakers, but none of that id or name; the sentence lists them."""


class AudioFileError(AudioError):
    """A sound file cannot be read or written; the sentence names the file and the reason."""


class UnsupportedAudioFormat(AudioError):
    """An audio format name that is not one of the seven of the protocol."""


class AgentError(DuologueError):
    """The root of errors of the agent's side: its definition, its models, its server."""


class AgentDefinitionError(AgentError):
    """An agent's definition is wrong; the sentence says in which file, where, and what is right."""


class ModelError(AgentError):
    """A model is missing, cannot be fetched, is damaged, or failed."""


class KeyFileError(AgentError):
    """The file of a server's keys cannot be used, or has no such key; the sentence says which."""


class ServerError(AgentError):
    """The agent's server cannot run, for example because its port is in use."""
