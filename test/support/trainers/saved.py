"""What every stand-in does instead of training."""

import os
import shutil
import time


def train(folder, resume, world):
    """Says that it goes on from this checkpoint, or lays out in the folder what the real trainer's library has saved."""
    if int(os.environ.get("RANK", "0")) > 0:
        return
    if resume:
        print(f"{world} processes go on from {resume}", flush=True)
        return
    print(f"{world} processes begin anew", flush=True)
    names = [
        os.path.relpath(os.path.join(at, name), "saved") for at, _, files in os.walk("saved") for name in files
    ]
    for number, name in enumerate(sorted(names)):
        to = os.path.join(folder, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copyfile(os.path.join("saved", name), to)
        # One after the other, and long enough ago that nobody waits whether it still changes.
        os.utime(to, (time.time() - 1000 + number,) * 2)
