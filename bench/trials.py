"""Trials of small ECOs: what Noodle 2 takes for them, other means for the same scripts, and the engine for the changes alone.

Nothing here is part of the product.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess

from measuring import timed
from peers import cold_by_xargs, installed

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


def study(folder: pathlib.Path, name: str, design: str, platform: str, trials: int) -> pathlib.Path:
    """A study of one stage whose trials resize a few cells each, without trying and taking back."""
    base = SHARED / "designs" / f"{design}.{platform}"
    top = next(line.split(":")[1].strip() for line in (base / "design.txt").read_text().splitlines() if line.startswith("top"))
    cells = list(range(1, 5))
    paths = list(range(1, -(-trials // len(cells)) + 1))
    text = f"""name: {name}
safety_domain: sandbox
design:
  case_name: {name}
  top: {top}
  netlists: [{base / 'netlist.v'}]
  platform: {platform}
  platform_root: {SHARED / 'pdk' / platform}
  unconstrained_endpoints: 100000
scenes: [{{name: typical, sdc: [{base / 'constraints.sdc'}]}}]
engine: {{kind: opensta, audit: 0}}
objective: {{rank: [setup_wns_ps, setup_tns_ps]}}
stages:
  - name: resize
    trials: {trials}
    ecos:
      - name: upsize_critical
        parameters: {{max_cells: {cells}, paths: {paths}, portions: 1, verify: false}}
"""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def scripts_of(run: pathlib.Path, into: pathlib.Path) -> list[pathlib.Path]:
    """Copies of the folders of all trials of a run, as they were before they ran."""
    folders = []
    for attempt in sorted(run.glob("trials/*/1")):
        if attempt.parent.name.endswith("_0_0"):
            continue
        copy = into / attempt.parent.name
        copy.mkdir(parents=True)
        shutil.copy(attempt / "script.tcl", copy)
        shutil.copytree(attempt / "eco", copy / "eco")
        folders.append(copy)
    return folders


def check_whole(folders: list[pathlib.Path], who: str) -> None:
    """What was compared did the whole work."""
    for folder in folders:
        result = folder / "result.tsv"
        if not result.exists() or not result.read_text().splitlines()[-1].startswith("end\t"):
            raise SystemExit(f"bench: {who} left no whole result in {folder}")


LIMIT = """
catch {load libtclx8.4.so Tclx}
catch {load libtclx8.4.so.0 Tclx}
catch {package require Tclx}
%(load)s
::n2::compile_procedures
::sta::set_thread_count 0
foreach trial [list %(folders)s] {
  if {[fork] == 0} {
    ::sta::set_thread_count 1
    cd $trial
    source edit.tcl
    ::n2::apply_eco eco/eco.tcl
    ::sta::find_timing
    ::sta::worst_slack_corner [::sta::find_corner typical] max
    # Nanoseconds of each thread; the clock that counts ticks is too coarse.
    set spent 0
    foreach path [glob /proc/self/task/*/schedstat] {
      set channel [open $path r]
      incr spent [lindex [read $channel] 0]
      close $channel
    }
    set channel [open spent.txt w]
    puts $channel $spent
    close $channel
    kill KILL [pid]
  }
  wait
}
"""


def limit_of(folders: list[pathlib.Path]) -> float:
    """Processor seconds of the changes of all trials and of the engine's own incremental timing behind them, as the
    engine measures them: each in a fork of a process that has loaded and timed the design. Nothing is measured, written
    or read back."""
    lines = (folders[0] / "script.tcl").read_text().splitlines()
    main = next(number for number, line in enumerate(lines) if line.startswith("::n2::main"))
    edit = next(number for number, line in enumerate(lines) if "::n2::parameter(" in line)
    for folder in folders:
        own = (folder / "script.tcl").read_text().splitlines()
        (folder / "edit.tcl").write_text("\n".join(line for line in own[edit:] if line.split()[0] in ("set", "lappend", "::n2::withhold")))
    script = folders[0].parent / "limit.tcl"
    host = pathlib.Path(__file__).resolve().parents[1] / "crates/engine/tcl/host.tcl"
    load = "\n".join(lines[:main] + [f"source {host}"] + lines[main + 1 : edit])
    script.write_text(LIMIT % {"load": load, "folders": " ".join(map(str, folders))})
    subprocess.run(["sta", "-no_init", "-no_splash", "-exit", str(script)], cwd=script.parent, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return sum(int((folder / "spent.txt").read_text()) for folder in folders) / 1e9


def against_others(noodle2: str, name: str, design: str, platform: str, options, scratch: pathlib.Path) -> list[dict]:
    """One design: Noodle 2 with forks and without, the same scripts by other means, and what no means could beat."""
    workers = options.workers
    path = study(scratch, name, design, platform, options.trials)
    warm = scratch / f"{name}-warm"
    words = [noodle2, "run", str(path), "--quiet", "-j", str(workers), "--no-cache", "--out"]
    ours = timed([*words, str(warm), "--engine-mode", "warm"])
    every = scripts_of(warm, scratch / f"{name}-limit")
    rate = len(every) / ours["wall_s"]
    rows = [{"what": f"{name}: noodle2, warm", "trials": len(every), "trials_per_s": rate, **ours}]

    limit = limit_of(every) / workers
    rows.append({"what": f"{name}: ECO and incremental timing alone", "trials": len(every), "wall_s": limit,
                 "whole_run_over_this": ours["wall_s"] / limit})
    # The other means start everything anew for each trial: a sample tells their rate.
    count = min(options.peer_trials, len(every))
    path = study(scratch, f"{name}_cold", design, platform, count)
    words[2] = str(path)
    cold = timed([*words, str(scratch / f"{name}-cold-run"), "--engine-mode", "cold"])
    means = {"noodle2 cold": None, "xargs": lambda folders, workers, _: cold_by_xargs(folders, workers), **installed(options.peers)}
    for who, run_by in means.items():
        row = {"what": f"{name}: {who}"}
        rows.append(row)
        if who == "noodle2 cold":
            figures = cold
        elif run_by is None:
            row["missing"] = "not installed"
            continue
        else:
            place = scratch / f"{name}-{who}"
            # Spread over all, since the trials differ.
            folders = scripts_of(warm, place)[:: max(1, len(every) // count)][:count]
            figures = run_by(folders, workers, place)
            check_whole(folders, who)
        row.update(trials=count, trials_per_s=count / figures["wall_s"], **figures)
        row["noodle2_is_faster_by"] = rate / row["trials_per_s"]
    return rows
