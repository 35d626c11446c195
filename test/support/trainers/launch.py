#!/usr/bin/env python3
"""Stands for the launchers and tools of trainers on one machine, by the name it is called by. Each takes what its own
takes of our examples, and nothing else."""

import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.getcwd())


def main():
    name = os.path.basename(sys.argv[0])
    return {"torchrun": torchrun, "accelerate": accelerate, "deepspeed": deepspeed, "tune": tune, "pip": pip}[name]()


def torchrun():
    parser = argparse.ArgumentParser("torchrun")
    parser.add_argument("--nproc_per_node", type=int, required=True)
    parser.add_argument("--standalone", action="store_true")
    return start(parser, "nproc_per_node")


def accelerate():
    parser = argparse.ArgumentParser("accelerate")
    parser.add_argument("command", choices=["launch"])
    parser.add_argument("--num_processes", type=int, required=True)
    return start(parser, "num_processes")


def deepspeed():
    parser = argparse.ArgumentParser("deepspeed")
    parser.add_argument("--num_gpus", type=int, required=True)
    return start(parser, "num_gpus")


def start(parser, number):
    """The script, once for each GPU."""
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    flags = parser.parse_args()
    world = vars(flags)[number]
    workers = [
        subprocess.Popen(
            [sys.executable, flags.script, *flags.arguments],
            env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)},
        )
        for rank in range(world)
    ]
    return max([worker.wait() for worker in workers])


def tune():
    parser = argparse.ArgumentParser("tune")
    commands = parser.add_subparsers(dest="command", required=True)
    download = commands.add_parser("download")
    download.add_argument("model")
    download.add_argument("--output-dir", required=True)
    run = commands.add_parser("run")
    run.add_argument("--nnodes", required=True)
    run.add_argument("--nproc_per_node", type=int, required=True)
    run.add_argument("recipe", choices=["full_finetune_distributed"])
    run.add_argument("--config", required=True)
    flags, settings = parser.parse_known_args()
    if flags.command == "download":
        os.environ["HF_TOKEN"]  # the model is gated
        os.makedirs(flags.output_dir, exist_ok=True)
    else:
        open(flags.config).close()
        finetune(dict(setting.split("=", 1) for setting in settings), flags.nproc_per_node)
    return 0


def finetune(settings, world):
    from saved import train

    base, output = settings["checkpointer.checkpoint_dir"], settings["checkpointer.output_dir"]
    epoch = None
    if settings.get("resume_from_checkpoint") == "True":
        open(os.path.join(output, "recipe_state/recipe_state.pt")).close()
        files = [os.path.join(output, name) for name in settings["checkpointer.checkpoint_files"][1:-1].split(",")]
        for number, file in enumerate(files, 1):
            assert file.endswith("/model-%05d-of-%05d.safetensors" % (number, len(files))), file
            open(file).close()
        [epoch] = {os.path.dirname(file) for file in files}
    assert os.path.isdir(base), base
    train(settings["output_dir"], epoch, world)


def pip():
    assert sys.argv[1] == "install"
    with open(os.path.expanduser("~/.installed"), "w") as file:
        file.write("\n".join(sys.argv[2:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
