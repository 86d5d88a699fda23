"""The objects of a story, with their tracks."""

from dataclasses import dataclass

from builders.aerosynth.motion import Track


@dataclass(frozen=True)
class Actor:
    """One object that can move during a clip.

    Attributes:
        kind: car, van, truck, bus, tractor, harvester, boat, person, ball or smoke.
        colour: A key of ``palette.NAMED``.
        track: Where it is at each time; for smoke: the way in which it drifts.
        action: What it does, in the words of the captions.
        direction: Where it ends relative to its start, as seen by a camera without yaw: left,
            right, top, bottom, or None if it stays, returns or is a secondary object.
        scale: Size factor.
        hops: Flights through the air as (start seconds, end seconds, height in world units).
    """

    kind: str
    colour: str
    track: Track
    action: str
    direction: str | None
    scale: float = 1.0
    hops: tuple[tuple[float, float, float], ...] = ()

    def height(self, time_seconds: float) -> float:
        """Height above the ground at one time.

        Args:
            time_seconds: Seconds from the start of the clip.

        Returns:
            World units.
        """
        for start, end, top in self.hops:
            if start < time_seconds < end:
                progress = (time_seconds - start) / (end - start)
                return 4 * top * progress * (1 - progress)
        return 0.0


LENGTHS: dict[str, float] = {
    "car": 27,
    "van": 33,
    "truck": 47,
    "bus": 56,
    "tractor": 52,
    "harvester": 46,
    "boat": 44,
    "person": 13,
    "ball": 7,
}
"""Length of each kind of object in world units."""
