"""What a run is told: by its configuration file, by flags, and by its environment."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """One run. Paths are absolute or relative to the current folder."""

    name: str
    hidden: int
    learning_rate: float
    context: int
    batch: int
    steps: int
    step_seconds: float
    checkpoint_every: int
    checkpoint_dir: Path
    resume_from: Path | None
    gpus: int
    wandb_project: str


def read_settings(arguments: Sequence[str], env: Mapping[str, str]) -> Settings:
    """Flags win over the configuration file. Ends the program with a usage message when a flag is wrong."""
    parser = argparse.ArgumentParser(description="Trains a small language model on characters.")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "train.yaml")
    parser.add_argument("--steps", type=int, help="how many steps the whole run has")
    parser.add_argument("--checkpoint-every", type=int, metavar="STEPS")
    parser.add_argument("--step-seconds", type=float, metavar="SECONDS", help="the least that a step takes")
    flags = parser.parse_args(arguments)
    config = read_config(flags.config)
    resume_from = env.get("RESUME_FROM", "")

    def chosen(key: str) -> str:
        flag = getattr(flags, key)
        return config[key] if flag is None else flag

    return Settings(
        name=config["name"],
        hidden=int(config["hidden"]),
        learning_rate=float(config["learning_rate"]),
        context=int(config["context"]),
        batch=int(config["batch"]),
        steps=int(chosen("steps")),
        step_seconds=float(chosen("step_seconds")),
        checkpoint_every=int(chosen("checkpoint_every")),
        checkpoint_dir=Path(env.get("CHECKPOINT_DIR", "checkpoints")),
        resume_from=Path(resume_from) if resume_from else None,
        gpus=int(env.get("NUM_GPUS", "0")),
        wandb_project=env.get("WANDB_PROJECT", ""),
    )


def read_config(path: Path) -> dict[str, str]:
    """The part of YAML that a list of settings needs: `key: value` lines and comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split(":", 1) for line in lines if line)
    return {key.strip(): value.strip() for key, value in pairs}
