"""`netc replay RUN`: trains again what a run's folder holds, and says whether the bits are the same."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE, INTERRUPTED, NOT_AS_EXPECTED

if TYPE_CHECKING:
    from netc.kept_run import Manifest
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session

COMPARED = ("theta.safetensors", "history.csv", "runs.csv", "runs.parquet", "phases.csv")
"""Files of a run whose bytes follow from its program, data and vectors."""


@click.command("replay")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no messages but errors.")
def command(run: Path, as_json: bool, quiet: bool) -> int:
    """Train again what the folder RUN holds, and compare the bits.

    The program is its spec.net; seed, vectors and data are those of its manifest. Where the bits are not the same,
    what is different here is listed: versions, processor, vectors, data. The exit status is then 5.
    """
    from netc.kept_run import manifest_of, session_of
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.folder_reader import tensors_of
    from netc.runtime.results.sweep_folder import halted

    if (run / "points").is_dir():
        raise click.UsageError(
            f"'{run}' is the folder of a sweep; a point of it is replayed: {run / 'points' / '00001'}"
        )
    folder = RunFolder(run)
    manifest = manifest_of(folder)
    if folder.can_go_on or not (run / "theta.safetensors").is_file():
        raise click.UsageError(f"'{run}' has not come to its end; {folder.way_on}")
    try:
        tensors_of(run / "theta.safetensors")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"'{run}' is damaged: {error}") from None
    if halted(run):
        raise click.UsageError(f"'{run}' was stopped by halving: its file alone trains on to the end")
    session = session_of(run, manifest)
    with tempfile.TemporaryDirectory(prefix="netc-") as place:
        again = RunFolder(Path(place))
        result = _trained(session, again, manifest, quiet)
        if result.interrupted:
            click.echo("netc: interrupted", err=True)
            return INTERRUPTED
        others = [name for name in COMPARED if _bytes(run / name) != _bytes(again.path / name)]
    differences = list(_differences(session, manifest))
    if as_json:
        click.echo(
            json.dumps({"folder": str(run), "same": not others, "files": others, "different": differences})
        )
    else:
        click.echo("\n".join(_told(run, others, differences)))
    return NOT_AS_EXPECTED if others else DONE


def _trained(session: Session, again: Any, manifest: Manifest, quiet: bool) -> Result:
    from netc.one_run import watching

    with watching(session, quiet) as watch:
        _, result = session.train(watch, None, again.rows)
    if not result.interrupted:
        again.write_result(replace(result, file=manifest.given), session.program, session.scalers())
    return result


def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _differences(session: Session, manifest: Manifest) -> Iterator[str]:
    """What is not here as it was there, and may be why bits differ."""
    from netc.kept_run import fingerprint
    from netc.runtime.devices.simd_llvm import has_fma
    from netc.runtime.results.folder import processor, versions

    if session.data is not None and session.data.digest != manifest.data:
        yield "data: they are not those of the run"
    elif fingerprint(session) != manifest.program:
        yield "program: spec.net is not what ran"
    here = versions()
    for name in sorted({*here, *manifest.versions}):
        there = manifest.versions.get(name, "none")
        if here.get(name, "none") != there:
            yield f"{name}: {there} then, {here.get(name, 'none')} here"
    if has_fma() != manifest.fma:
        yield f"fused multiply-add: {'with' if manifest.fma else 'without'} then"
    if processor() != manifest.processor:
        yield f"processor: {manifest.processor} then, {processor()} here"


def _told(run: Path, others: list[str], differences: list[str]) -> Iterator[str]:
    if not others:
        yield f"{run}: the same bits"
    else:
        yield f"{run}: other bits, in {', '.join(others)}"
        yield "  different here: " + (
            "; ".join(differences) if differences else "nothing that is known to matter"
        )
        return
    if differences:
        yield f"  though different here: {'; '.join(differences)}"
