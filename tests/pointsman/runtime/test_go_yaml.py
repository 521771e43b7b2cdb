"""What kubectl reads as no text, tried with kubectl 1.32, and what it does read as text."""

import pytest
import yaml

from pointsman.runtime import go_yaml

WORDS = (
    "y", "N", "1e3", "12E5", "1.5e3", "+1e5", "1e-3", "08", "-08", "0987654", "0_8", "1e3_0",
    "0o17", "-0O17", "0o_7", ".5e1", "5.", "yes", "010", "0x1F", "1_000", "-.inf",
)  # fmt: skip
TEXTS = (
    "yy",
    "1e",
    "1e3x",
    "0o8",
    "0o",
    "1.2.3",
    "_1",
    "-",
    ".",
    "e3",
    "65000:100",
    "1,5",
    "no-export",
)


@pytest.mark.parametrize("base", [yaml.SafeDumper, yaml.CSafeDumper])
def test_a_text_that_kubectl_would_take_for_something_else_is_quoted(base: type) -> None:
    dumper = type("Taught", (base,), {})
    go_yaml.teach(dumper)
    for word in WORDS:
        assert yaml.dump({"k": word}, Dumper=dumper) == f"k: '{word}'\n"
    for text in TEXTS:
        plain = yaml.dump({"k": text}, Dumper=base)
        assert yaml.dump({"k": text}, Dumper=dumper) == plain
