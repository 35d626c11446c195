"""The text that is learned, as numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from settings import ROOT

SHIPPED = ROOT / "data" / "corpus.txt"
DATASETS = ROOT / "datasets"


@dataclass(frozen=True)
class Text:
    """`codes` has a number for each character: its place in `alphabet`."""

    alphabet: str
    codes: NDArray[np.int64]

    def sample(self, context: int, batch: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Some places of the text: the characters before each, and the character there."""
        places = rng.integers(context, len(self.codes), size=batch)
        before = self.codes[places[:, None] + np.arange(-context, 0)]
        return before, self.codes[places]


def find_text() -> Path:
    """The machine's data where `datasets` leads to it, else what the repository has."""
    ours = DATASETS / "corpus.txt"
    return ours if ours.is_file() else SHIPPED


def read_text(path: Path) -> Text:
    """A text file; its alphabet is the characters that it has."""
    text = path.read_text(encoding="utf-8")
    alphabet = "".join(sorted(set(text)))
    number = {character: place for place, character in enumerate(alphabet)}
    return Text(alphabet, np.array([number[character] for character in text], dtype=np.int64))
