"""nanoGPT's data, in the folder of this file."""

import os

open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "train.bin"), "w").close()
