from __future__ import annotations

import pytest

from duologue.conversation.options import CommonOptions, TextOptions, VoiceOptions
from duologue.conversation.telling.callbacks import Callbacks

EXPLAINED = (CommonOptions.__doc__ or "") + (VoiceOptions.__doc__ or "")


def test_whatever_goes_for_writing_goes_for_speaking() -> None:
    assert set(TextOptions.__annotations__) < set(VoiceOptions.__annotations__)


@pytest.mark.parametrize(
    "name", sorted(set(VoiceOptions.__annotations__) - {*Callbacks.__annotations__})
)
def test_every_option_is_explained(name: str) -> None:
    assert f"`{name}`" in EXPLAINED
