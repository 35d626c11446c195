"""nanoGPT: a file of settings, and --name=value of names that there are."""

import os
import sys

from saved import train

settings = {"out_dir": "out", "always_save_checkpoint": "False", "init_from": "scratch"}
config, *words = sys.argv[1:]
open(config).close()
open("data/shakespeare_char/train.bin").close()
with open(os.path.expanduser("~/.installed")) as file:
    assert {"numpy", "tiktoken"} < set(file.read().split("\n"))
for word in words:
    name, value = word[2:].split("=")
    assert name in settings, name
    settings[name] = value
resume = os.path.join(settings["out_dir"], "ckpt.pt") if settings["init_from"] == "resume" else None
if resume:
    open(resume).close()
train(settings["out_dir"], resume, os.environ["WORLD_SIZE"])
