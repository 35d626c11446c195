"""A language model of two layers, with its optimizer: what it knows is arrays by name."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float64]]

EMBEDDING = 8
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass
class Model:
    """Guesses a character from those before it; learns by Adam. `first` and `second` are Adam's moments."""

    weights: Arrays
    first: Arrays
    second: Arrays
    step: int = 0

    @classmethod
    def fresh(cls, alphabet: int, context: int, hidden: int, rng: np.random.Generator) -> "Model":
        """One that knows nothing yet."""
        width = context * EMBEDDING
        weights = {
            "embedding": rng.normal(0, 0.3, (alphabet, EMBEDDING)),
            "inner": rng.normal(0, width**-0.5, (width, hidden)),
            "inner_bias": np.zeros(hidden),
            "outer": rng.normal(0, hidden**-0.5, (hidden, alphabet)),
            "outer_bias": np.zeros(alphabet),
        }
        return cls(weights, zeros_like(weights), zeros_like(weights))

    def learn(self, before: NDArray[np.int64], target: NDArray[np.int64], rate: float) -> float:
        """One step; gives the loss before it, in nats a character."""
        loss, gradients = self.gradients(before, target)
        self.step += 1
        for name, gradient in gradients.items():
            self.first[name] += (1 - BETA_1) * (gradient - self.first[name])
            self.second[name] += (1 - BETA_2) * (gradient**2 - self.second[name])
            mean = self.first[name] / (1 - BETA_1**self.step)
            spread = np.sqrt(self.second[name] / (1 - BETA_2**self.step))
            self.weights[name] -= rate * mean / (spread + EPSILON)
        return loss

    def gradients(self, before: NDArray[np.int64], target: NDArray[np.int64]) -> tuple[float, Arrays]:
        """The loss, and how it changes with each weight."""
        weights, rows = self.weights, np.arange(len(target))
        seen = weights["embedding"][before].reshape(len(target), -1)
        inner = np.tanh(seen @ weights["inner"] + weights["inner_bias"])
        scores = inner @ weights["outer"] + weights["outer_bias"]
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        loss = float(-np.log(chances[rows, target]).mean())

        chances[rows, target] -= 1
        chances /= len(target)
        inner_gradient = (chances @ weights["outer"].T) * (1 - inner**2)
        embedding = np.zeros_like(weights["embedding"])
        np.add.at(embedding, before, (inner_gradient @ weights["inner"].T).reshape(*before.shape, EMBEDDING))
        return loss, {
            "embedding": embedding,
            "inner": seen.T @ inner_gradient,
            "inner_bias": inner_gradient.sum(axis=0),
            "outer": inner.T @ chances,
            "outer_bias": chances.sum(axis=0),
        }


def zeros_like(weights: Arrays) -> Arrays:
    """Arrays of the same names and shapes."""
    return {name: np.zeros_like(array) for name, array in weights.items()}
