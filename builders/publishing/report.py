"""What `dvtr-bench push` prints."""

from rich.console import Console
from rich.text import Text

from builders.problems import bullets
from builders.publishing.push import PushPlan, PushSettings
from builders.summary import FINGERPRINT_SHOWN, size_text


def print_plan(plan: PushPlan, settings: PushSettings) -> None:
    """Print what will be published, before it is.

    Args:
        plan: What will be done.
        settings: What the user asked for.
    """
    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    manifest = plan.manifest
    where = f"{settings.repo} as {plan.tag}"
    if plan.is_published:
        say(f"{where} is published already, byte for byte: nothing to do")
        return
    say(f"{manifest.name} {manifest.version} to {where}", "bold")
    say(f"fingerprint {manifest.fingerprint[:FINGERPRINT_SHOWN]}", "dim")
    frames = manifest.frames
    held = "annotations only, no frames" if frames is None else f"{frames.num_frames:,} frames"
    say(f"{held}; {len(plan.files)} files, {size_text(plan.size_bytes)}")
    if settings.dry_run:
        for file in plan.files:
            say(f"  {size_text(file.size_bytes):>9}  {file.path}")
    if plan.stale:
        say(f"removed from main, in earlier versions still:{bullets(plan.stale)}")
    licence = manifest.licence
    say(f"licence {licence.id}: {licence.statement}")
    if licence.id == "unknown":
        say("note: readers are not told what they may do with it", "yellow")
    say(_visibility(plan, settings))
    if settings.dry_run:
        say("dry run: nothing was sent")


def print_done(plan: PushPlan, settings: PushSettings) -> None:
    """Print where a dataset is now, and how to read it.

    Args:
        plan: What was done.
        settings: What the user asked for.
    """
    console = Console(highlight=False)
    console.print(Text(f"published: {plan.url}/tree/{plan.tag}"), soft_wrap=True)
    call = f"datasets.load_dataset({settings.repo!r}, revision={plan.tag!r})"
    console.print(Text(f"read it:  {call}"), soft_wrap=True)


def _visibility(plan: PushPlan, settings: PushSettings) -> str:
    if plan.remote is None:
        return f"a new repository, {'private' if settings.private else 'public'}"
    return f"into the repository that is there, {'private' if plan.remote.is_private else 'public'}"
