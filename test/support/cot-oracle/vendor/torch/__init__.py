"""Stands for PyTorch: saves and loads, and its files are zips with a pickle as those of PyTorch are."""

import pickle
import zipfile

DATA = "archive/data.pkl"


def save(state, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DATA, pickle.dumps(state))


def load(path):
    with zipfile.ZipFile(path) as archive:
        return pickle.loads(archive.read(DATA))
