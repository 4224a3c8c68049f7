"""Generated from `duologue.conversation.uploads` by `make blocking`; not to be edited."""

from __future__ import annotations

from duologue.blocking.base import BlockingBase
from duologue.conversation.uploads import DEFAULT_TIMEOUT_S, UploadableFile
from duologue.conversation.uploads import Uploads as AsyncioUploads


class Uploads(BlockingBase):
    """The upload of files to a conversation."""

    _conversation: AsyncioUploads

    def upload_file(
        self,
        file: UploadableFile,
        *,
        name: str | None = None,
        media_type: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> str:
        """Upload a file, and return its id for `send_multimodal_message(file_ids=[…])`.

        ElevenLabs takes images and PDFs. It may be done at any time after the start, even after the
        end.

        Args:
            file: a path, the content as bytes, or a file opened in binary mode, which is read
                from where it stands to its end and is not closed; 64 MiB at most.
            name: the file name to send; without it the file's own, or `upload.` and the type.
            media_type: what the file is, such as "application/pdf"; without it what the name says,
                or else "image/png".
            timeout: how many seconds reading and sending may take.

        Raises:
            TypeError: a value of the wrong kind, such as a file opened in text mode.
            ValueError: `media_type` is none, `timeout` is not positive, or the file is closed.
            UploadError: the file cannot be read, or is too large, or no file may leave this
                session; nothing has been sent.
            RequestRefused: the server answered with an error.
            RequestFailed: the server cannot be reached, takes too long, or gives no id.
        """
        return self._wait_for(
            lambda: self._conversation.upload_file(
                file, name=name, media_type=media_type, timeout=timeout
            )
        )
