"""A script with TrainingArguments, of transformers or of TRL."""

import argparse
import json
import os

from saved import train

parser = argparse.ArgumentParser()
parser.add_argument("--output_dir", required=True)
parser.add_argument("--save_strategy", choices=["no", "steps", "epoch"], required=True)
parser.add_argument("--save_steps", type=int, required=True)
parser.add_argument("--resume_from_checkpoint")
flags = parser.parse_args()
if flags.resume_from_checkpoint:
    with open(os.path.join(flags.resume_from_checkpoint, "trainer_state.json")) as file:
        assert json.load(file)["global_step"] > 0
train(flags.output_dir, flags.resume_from_checkpoint, os.environ["WORLD_SIZE"])
