"""Backgrounds, one module each; ``paint(variant, rng)`` returns the ground of one site."""

from functools import cache
from importlib import import_module

from builders.aerosynth.canvas import Ground
from builders.aerosynth.seeds import stable_rng


@cache
def ground_of(scene: str, variant: int) -> Ground:
    """Paint the ground of a site, or return the one painted earlier in this process.

    Args:
        scene: Name of a module of this package.
        variant: Number of the site among those of the scene.

    Returns:
        The ground; its arrays are shared and must not be changed. All 36 sites of the largest
        sizes together take 100 MB.
    """
    module = import_module(f"{__name__}.{scene}")
    ground: Ground = module.paint(variant, stable_rng("ground", scene, variant))
    for layer in (ground.picture, ground.water, ground.under):
        if layer is not None:
            layer.flags.writeable = False
    return ground
