"""Runs a command to its end: prints seconds, seconds of processors and megabytes, of it and all that it starts.

`watch.py OUTPUT COMMAND…`: what the command prints goes to a file. Memory is what its processes hold at
once, asked for twenty times a second.
"""

import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil


def held(root: psutil.Process) -> int:
    """Bytes of a process and those that it started."""
    total = 0
    try:
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        pass
    return total


def main(output: Path, command: list[str]) -> int:
    peak, over = 0, threading.Event()
    started = time.perf_counter()
    with output.open("wb") as file, subprocess.Popen(command, stdout=file) as process:
        root = psutil.Process(process.pid)

        def watch() -> None:
            nonlocal peak
            while not over.wait(0.05):
                peak = max(peak, held(root))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        seconds = time.perf_counter() - started
        over.set()
        watcher.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(seconds, used.ru_utime + used.ru_stime, peak / 2**20)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
