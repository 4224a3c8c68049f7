"""Where the names of a module come from."""

from __future__ import annotations

import pytest

from duologue.conversation import voice
from scripts.generate_blocking.names import Imports, Source


def test_names_are_imported_from_where_the_module_has_them() -> None:
    imports = Source(voice).imports({"Literal", "VoiceConversation", "Sound", "float"})
    assert imports.always == {
        "from typing import Literal",
        "from duologue.conversation.voice import VoiceConversation",
    }
    assert imports.for_types == {"from duologue.conversation.sound.flow import Sound"}


def test_a_name_that_is_nothing_is_told() -> None:
    with pytest.raises(LookupError, match="'Nothing', which is defined nowhere"):
        Source(voice).imports({"Nothing"})


def test_a_module_does_not_import_itself() -> None:
    imports = Imports({"from a.b import c", "from a import d"}, {"from e import f"})
    assert imports.statements(besides="a.b").splitlines() == [
        "from __future__ import annotations",
        "from a import d",
        "from typing import TYPE_CHECKING",
        "if TYPE_CHECKING:",
        "    from e import f",
    ]
