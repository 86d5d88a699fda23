"""Backgrounds, one module each: ``paint(variant, rng)`` makes the ground of one site."""

from functools import lru_cache
from importlib import import_module

from builders.aerosynth.canvas import Ground
from builders.aerosynth.seeds import stable_rng


@lru_cache(maxsize=64)
def ground_of(scene: str, variant: int) -> Ground:
    """Paint the ground of a site, or hand out the one painted before in this process.

    Args:
        scene: Name of a module of this package.
        variant: Number of the site among those of the scene.

    Returns:
        The ground; its arrays are shared and must not be changed.
    """
    module = import_module(f"{__name__}.{scene}")
    ground: Ground = module.paint(variant, stable_rng("ground", scene, variant))
    for layer in (ground.albedo, ground.shade, ground.water, ground.under):
        layer.flags.writeable = False
    return ground
