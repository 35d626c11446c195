"""Makes the small checkpoints beside this file, each by the save function of its own library, on a CPU.

Made with Python 3.11, torch 1.13.1 (Debian's python3-torch), safetensors 0.8, transformers 4.40.2 and accelerate 0.30.1,
pytorch-lightning 2.2.5, deepspeed 0.14.5. torchtune wants a newer torch, of which there is no build for the CPU below
500 MB where this was made: its folder has the names that its FullModelHFCheckpointer writes, and the files are of
safetensors and torch.save. nanoGPT and `step_N` are no libraries: they call torch.save.

    DS_ACCELERATOR=cpu python make.py [NAME...]
"""

import dataclasses
import os
import shutil
import sys

plain = dataclasses.dataclass


def with_hash(cls=None, **more):
    """This torch is older than this Python, which wants a default value to have a hash."""
    if cls is None:
        return lambda cls: with_hash(cls, **more)
    return plain(cls, **{**more, "unsafe_hash": "__hash__" not in vars(cls)})


dataclasses.dataclass = with_hash
import torch  # noqa: E402
import torch.distributed._shard.checkpoint  # noqa: E402

dataclasses.dataclass = plain

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(1)


def transformers(folder):
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

    model = GPT2LMHeadModel(GPT2Config(vocab_size=4, n_positions=4, n_embd=2, n_layer=1, n_head=1))
    row = {"input_ids": torch.tensor([0, 1, 2]), "labels": torch.tensor([0, 1, 2])}
    options = dict(logging_dir="/tmp/logs", max_steps=2, save_steps=1, logging_steps=1, report_to=[], use_cpu=True, disable_tqdm=True)
    Trainer(model, TrainingArguments(folder, **options), train_dataset=[row] * 4).train()


def accelerate(folder):
    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    project = ProjectConfiguration(project_dir=folder, automatic_checkpoint_naming=True)
    accelerator = Accelerator(cpu=True, project_config=project)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model, optimizer = accelerator.prepare(model, optimizer)
    for _ in range(2):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        accelerator.save_state()


def lightning(folder):
    import pytorch_lightning as lightning
    from pytorch_lightning.callbacks import ModelCheckpoint

    class Tiny(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch, _):
            return self.layer(batch).sum()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    saves = ModelCheckpoint(folder, every_n_train_steps=1, save_top_k=-1, save_last=True)
    options = dict(logger=False, enable_progress_bar=False, enable_model_summary=False)
    trainer = lightning.Trainer(accelerator="cpu", max_steps=2, callbacks=[saves], **options)
    trainer.fit(Tiny(), torch.utils.data.DataLoader(torch.ones(4, 2)))


def deepspeed(folder):
    import deepspeed

    # One process has nobody to share memory with, and there is no compiler for that.
    sys.modules["deepspeed.comm.torch"].build_shm_op = lambda: None
    os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="29517")
    model = torch.nn.Linear(2, 1)
    config = {"train_batch_size": 1, "zero_optimization": {"stage": 1}, "zero_allow_untested_optimizer": True}
    optimizer = torch.optim.Adam(model.parameters())
    deepspeed.init_distributed("gloo")
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
    for _ in range(2):
        engine.backward(engine(torch.ones(1, 2)).sum())
        engine.step()
        engine.save_checkpoint(folder)
    os.remove(os.path.join(folder, "zero_to_fp32.py"))


def dcp(folder):
    from torch.distributed._shard import checkpoint

    for step in (1, 2):
        state = {"model": torch.ones(3, step), "other": torch.ones(5), "step": step}
        path = os.path.join(folder, f"step-{step}")
        checkpoint.save_state_dict(state, checkpoint.FileSystemWriter(path), no_dist=True)


def nanogpt(folder):
    os.makedirs(folder)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "iter_num": 2, "best_val_loss": 1.5}
    torch.save(saved, os.path.join(folder, "ckpt.pt"))


def steps(folder):
    from safetensors.torch import save_file

    for step in (9, 10):
        path = os.path.join(folder, f"step_{step}")
        os.makedirs(path)
        save_file({"lora": torch.ones(2, 2)}, os.path.join(path, "adapter_model.safetensors"))
        torch.save({"step": step, "rng": torch.ones(3)}, os.path.join(path, "training_state.pt"))


def files(folder):
    os.makedirs(folder)
    for step in (9, 10):
        torch.save({"step": step, "model": torch.ones(3)}, os.path.join(folder, f"step_{step}.pt"))


def legacy(folder):
    os.makedirs(folder)
    for step in (9, 10):
        value = {"step": step, "model": torch.ones(3), "mask": torch.ones(5, dtype=torch.bool)}
        path = os.path.join(folder, f"checkpoint-{step}.pth")
        torch.save(value, path, _use_new_zipfile_serialization=False)


def torchtune(folder):
    import json

    from safetensors.torch import save_file

    for epoch in (0, 1):
        path = os.path.join(folder, f"epoch_{epoch}")
        os.makedirs(path)
        weight_map = {}
        for shard in (1, 2):
            name = f"model-{shard:05}-of-00002.safetensors"
            save_file({f"layer{shard}": torch.ones(2, 2)}, os.path.join(path, name), metadata={"format": "pt"})
            weight_map[f"layer{shard}"] = name
        with open(os.path.join(path, "model.safetensors.index.json"), "w") as file:
            json.dump({"metadata": {"total_size": 32}, "weight_map": weight_map}, file)
    os.makedirs(os.path.join(folder, "recipe_state"))
    torch.save({"epochs_run": 1, "seed": 1}, os.path.join(folder, "recipe_state", "recipe_state.pt"))


ALL = [transformers, accelerate, lightning, deepspeed, dcp, nanogpt, steps, files, legacy, torchtune]

if __name__ == "__main__":
    for make in ALL:
        if len(sys.argv) > 1 and make.__name__ not in sys.argv[1:]:
            continue
        # Some of them keep their own path.
        work, folder = f"/tmp/layouts/{make.__name__}", os.path.join(HERE, make.__name__)
        for old in (work, folder):
            shutil.rmtree(old, ignore_errors=True)
        make(work)
        shutil.move(work, folder)
