"""A script that loads by the two parts of a checkpoint's path."""

import argparse
import os

from saved import train

parser = argparse.ArgumentParser()
parser.add_argument("--deepspeed", action="store_true", required=True)
parser.add_argument("--deepspeed_config", required=True)
parser.add_argument("--save_dir", required=True)
parser.add_argument("--load_dir")
parser.add_argument("--tag")
flags = parser.parse_args()
open(flags.deepspeed_config).close()
resume = flags.load_dir and os.path.join(flags.load_dir, flags.tag)
if resume:
    open(os.path.join(resume, "mp_rank_00_model_states.pt")).close()
train(flags.save_dir, resume, os.environ["WORLD_SIZE"])
