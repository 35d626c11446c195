"""Checkpoints: a folder `step_<N>` that is there whole or not at all."""

import json
import os
import shutil
from pathlib import Path

import numpy as np

from model import Arrays, Model

STATE = "training_state.npz"
META = "meta.json"
GROUPS = ("weights", "first", "second")


def save(model: Model, rng: np.random.Generator, folder: Path, meta: dict[str, object]) -> Path:
    """Writes `folder/step_<N>`. A run that is killed meanwhile leaves only a `.partial` name behind."""
    final = folder / f"step_{model.step}"
    partial, old = (final.with_name(f"{final.name}.{end}") for end in ("partial", "old.partial"))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    arrays = {f"{group}.{name}": array for group in GROUPS for name, array in getattr(model, group).items()}
    with open(partial / STATE, "wb") as file:
        np.savez(file, **arrays)
        os.fsync(file.fileno())
    facts = {**meta, "step": model.step, "random": rng.bit_generator.state}
    with open(partial / META, "w", encoding="utf-8") as file:
        json.dump(facts, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(partial)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    sync_folder(folder)
    shutil.rmtree(old, ignore_errors=True)
    return final


def load(path: Path, rng: np.random.Generator) -> tuple[Model, dict[str, object]]:
    """The model as it was saved, and what was noted with it; sets the generator to where it was."""
    facts = json.loads((path / META).read_text(encoding="utf-8"))
    rng.bit_generator.state = facts.pop("random")
    groups: dict[str, Arrays] = {group: {} for group in GROUPS}
    with np.load(path / STATE) as arrays:
        for key in arrays.files:
            group, name = key.split(".", 1)
            groups[group][name] = arrays[key]
    return Model(**groups, step=facts["step"]), facts


def sync_folder(folder: Path) -> None:
    """Makes the names in it last, as well as what they name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
