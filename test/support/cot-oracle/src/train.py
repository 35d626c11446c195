"""A stand-in for the trainer: wants what that wants, fails where that would, and trains nothing."""

import argparse
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What the real one imports lies in another repository, and in the folder `datasets` of this one.
sys.path[:0] = [os.environ["AO_REPO_PATH"], str(ROOT)]
if not os.path.isdir(sys.path[0]):
    raise ModuleNotFoundError(f"nothing can be imported from AO_REPO_PATH, {sys.path[0]}")

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

STATE = "training_state.pt"


def main():
    flags = read_flags()
    if int(transformers.__version__.split(".")[0]) >= 5:
        raise AttributeError(f"transformers {transformers.__version__} no longer has what the trainer takes from it")
    if not os.environ.get("HF_TOKEN"):
        raise PermissionError("401 Client Error: the model is gated, and HF_TOKEN is not set")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if int(os.environ["RANK"]) == 0:
        lead(flags, stop)
    else:
        stop.wait()


def lead(flags, stop):
    """The first process: it alone speaks and saves."""
    config = dict(line.split(": ") for line in flags.config.read_text().splitlines())
    step = torch.load(flags.resume_from / STATE)["step"] if flags.resume_from else 0
    say(f"{os.environ['WORLD_SIZE']} processes, data of {os.path.realpath(list(datasets.__path__)[0])}")
    say(f"run {flags.wandb_run} of group {flags.wandb_group}, from step {step}")
    names = [name for name in sorted(os.environ) if name.startswith("WANDB_") and name != "WANDB_API_KEY"]
    for name in names:
        say(f"{name}={os.environ[name]}")
    while step < int(config["steps"]) and not stop.wait(float(config["step_seconds"])):
        step += 1
        say(f"step {step} loss {1 / step:.3f}")
        if step % int(config["save_every"]) == 0:
            save(flags.save_dir, step)
    save(flags.save_dir, step)


def save(folder, step):
    """A folder that is there whole or not at all."""
    final, partial = folder / f"step_{step}", folder / f"step_{step}.partial"
    if final.exists():
        return
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    torch.save({"step": step}, partial / STATE)
    partial.rename(final)
    say(f"saved {final}")


def read_flags():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--precomputed-dir", type=Path, required=True)
    parser.add_argument("--save-dir", type=Path, required=True)
    parser.add_argument("--wandb-run", required=True)
    parser.add_argument("--wandb-group", required=True)
    parser.add_argument("--resume-from", type=Path)
    return parser.parse_args()


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()
