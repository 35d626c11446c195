"""As much of torch as the script of docs/your-repository.md takes, slowly."""

import pickle
import time
import types
import zipfile


class Tensor:
    def sum(self):
        return self

    def backward(self):
        pass


class Kept:
    """Has a state: how often it was loaded."""

    def __init__(self, *_):
        self.state = {"loads": 0}

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = {"loads": state["loads"] + 1}


class Linear(Kept):
    def __call__(self, _):
        return Tensor()

    def parameters(self):
        return []


class Adam(Kept):
    def zero_grad(self):
        pass

    def step(self):
        time.sleep(0.02)


def ones(*_):
    return Tensor()


def save(value, path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(value))


def load(path):
    with zipfile.ZipFile(path) as file:
        return pickle.loads(file.read("archive/data.pkl"))


nn = types.SimpleNamespace(Linear=Linear)
optim = types.SimpleNamespace(Adam=Adam)
