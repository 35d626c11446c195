"""Trains a small language model on characters, saves checkpoints, and goes on from one when RESUME_FROM names it."""

import os
import signal
import sys
import threading
import time

# Before numpy is there: the matrices are so small that more threads would only spin while they wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import checkpoint  # noqa: E402
from model import Model  # noqa: E402
from settings import Settings, read_settings  # noqa: E402
from text import SHIPPED, Text, find_text, read_text  # noqa: E402

SEED = 20260101


def main() -> int:
    """One run; the exit code."""
    settings = read_settings(sys.argv[1:], os.environ)
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    say(f"branch {settings.name}: learning rate {settings.learning_rate}, hidden {settings.hidden}")
    project = settings.wandb_project or "(none)"
    say(f"{settings.gpus} GPUs, saves every {settings.checkpoint_every} steps, project {project}")
    path = find_text()
    text = read_text(path)
    missing = " (datasets leads nowhere, so the text of the repository)" if path == SHIPPED else ""
    say(f"text: {len(text.codes)} characters, {len(text.alphabet)} different, of {path}{missing}")
    train(settings, text, asked_to_stop)
    return 0


def train(settings: Settings, text: Text, asked_to_stop: threading.Event) -> None:
    """Up to the last step, or until it is asked to stop: either way, what it knows is saved."""
    rng = np.random.default_rng(SEED)
    model = start(settings, text, rng)
    saved = model.step
    while model.step < settings.steps and not asked_to_stop.is_set():
        began = time.monotonic()
        before, target = text.sample(settings.context, settings.batch, rng)
        loss = model.learn(before, target, settings.learning_rate)
        if model.step % settings.checkpoint_every == 0:
            saved = save(model, rng, settings, text)
        took = time.monotonic() - began
        say(f"step {model.step} loss {loss:.3f} seconds {took:.3f}")
        asked_to_stop.wait(settings.step_seconds - took)
    if asked_to_stop.is_set():
        say(f"asked to stop after step {model.step}")
    if saved != model.step:
        save(model, rng, settings, text)


def start(settings: Settings, text: Text, rng: np.random.Generator) -> Model:
    """A fresh model, or the one that was saved. Ends the program when that one learned something else."""
    if settings.resume_from is None:
        return Model.fresh(len(text.alphabet), settings.context, settings.hidden, rng)
    try:
        model, facts = checkpoint.load(settings.resume_from, rng)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{settings.resume_from} is no checkpoint: {error}")
    for name, now in facts_of(settings, text).items():
        if facts[name] != now:
            sys.exit(f"{settings.resume_from} was saved with {name} {facts[name]!r}, and this run has {now!r}")
    say(f"resumed from step {model.step}")
    return model


def save(model: Model, rng: np.random.Generator, settings: Settings, text: Text) -> int:
    """Gives the step that was saved."""
    path = checkpoint.save(model, rng, settings.checkpoint_dir, facts_of(settings, text))
    say(f"saved {path}")
    return model.step


def facts_of(settings: Settings, text: Text) -> dict[str, object]:
    """What a checkpoint fits to."""
    return {"hidden": settings.hidden, "context": settings.context, "alphabet": text.alphabet}


def say(line: str) -> None:
    """At once, so that whoever watches the log sees it."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
