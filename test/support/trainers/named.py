"""A script whose files are called as nobody knows."""

import argparse
import os

from saved import train

parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
parser.add_argument("--resume")
flags = parser.parse_args()
if flags.resume:
    assert os.path.isfile(flags.resume), flags.resume
train(flags.out, flags.resume, 1)
