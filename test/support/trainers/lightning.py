"""A LightningCLI: each start has a folder of its own."""

import argparse
import glob
import os

from saved import train

parser = argparse.ArgumentParser()
parser.add_argument("subcommand", choices=["fit"])
parser.add_argument("--config", required=True)
parser.add_argument("--trainer.devices", dest="devices", type=int, required=True)
parser.add_argument("--trainer.default_root_dir", dest="root", required=True)
parser.add_argument("--ckpt_path")
flags = parser.parse_args()
open(flags.config).close()
if flags.ckpt_path:
    assert os.path.isfile(flags.ckpt_path), flags.ckpt_path
version = os.path.join(flags.root, "lightning_logs", "version_%d")
folder = version % len(glob.glob(version.replace("%d", "*")))
os.makedirs(folder)
with open(os.path.join(folder, "config.yaml"), "w") as file:
    file.write("seed_everything: true\n")
train(os.path.join(folder, "checkpoints"), flags.ckpt_path, flags.devices)
