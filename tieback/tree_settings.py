"""What the environment says of trees that are made as they are needed."""

from typing import NamedTuple

from environs import Env, validate


class UsualTree(NamedTuple):
    """The shape of a tree that nobody has asked for by hand."""

    depth: int
    buffer: int
    canopy: int


def read_usual_tree(env: Env) -> UsualTree:
    """Return its shape; whether there is such a one is a system check's to say."""
    return UsualTree(
        depth=env.int("SOLANA_TREE_DEPTH", 20, validate=validate.Range(3, 30)) or 0,
        buffer=env.int("SOLANA_TREE_BUFFER", 64, validate=validate.Range(min=8)) or 0,
        canopy=env.int("SOLANA_TREE_CANOPY", 10, validate=validate.Range(0, 30)) or 0,
    )
