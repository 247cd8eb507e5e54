"""A Spark standalone cluster on this machine, whose hosts share no disk and no network interface with the driver.

Each host is a process in network and mount namespaces of its own: it has an address on a bridge, an empty /tmp, and an empty folder
where the sources lie. Without the right to make namespaces, hosts are processes with working folders of their own, and `is_isolated`
is false.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

from lake.session import java_home

ROOT = Path(__file__).resolve().parents[2]
NET = "10.77.13"
BRIDGE = "pfbr0"
START_S = 60
SPARK = Path("/opt/playfirst-anywhere/spark")  # outside of /tmp and of the sources, which hosts do not see


def can_isolate() -> bool:
    """Whether this process may make network and mount namespaces."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, timeout=20, check=False).returncode == 0


@dataclass
class Host:
    """One host of the cluster: its address, working folder and main process."""

    name: str
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None


@dataclass
class Cluster:
    """A master and workers; use it as a context manager.

    Args:
        folder: for the hosts' working folders and logs; not under /tmp if hosts are isolated.
        worker_memory: of each worker, as Spark writes it.
        worker_cores: of each worker.
    """

    folder: Path
    worker_memory: str = "1500m"
    worker_cores: int = 1
    is_isolated: bool = field(default_factory=can_isolate)
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def driver_host(self) -> str:
        """The address under which hosts reach this process."""
        return f"{NET}.1" if self.is_isolated else "127.0.0.1"

    @property
    def master(self) -> str:
        """The master's URL."""
        return f"spark://{self.hosts['master'].address}:7077"

    def __enter__(self) -> Cluster:
        """Start the network and the master."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _copy_spark()
        if self.is_isolated:
            _remove_network()
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("addr", "add", f"{NET}.1/24", "dev", BRIDGE)
            _ip("link", "set", BRIDGE, "up")
        self._start("master", "org.apache.spark.deploy.master.Master", "--port", "7077", "--webui-port", "0")
        _await_port(self.hosts["master"].address, 7077)
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes and remove the network."""
        for host in self.hosts.values():
            self._end(host)
        if self.is_isolated:
            _remove_network()

    def add_worker(self, name: str) -> Host:
        """Start a worker and return its host."""
        arguments = ["--memory", self.worker_memory, "--cores", str(self.worker_cores), "--webui-port", "0"]
        host = self._start(name, "org.apache.spark.deploy.worker.Worker", *arguments, self.master)
        return host

    def kill_executor(self, name: str) -> int:
        """kill -9 every executor of a worker; returns how many there were."""
        killed = 0
        for pid in _descendants(self.hosts[name].process.pid):  # type: ignore[union-attr]
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"CoarseGrainedExecutorBackend" in command.read_bytes():
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return killed

    def _start(self, name: str, main: str, *arguments: str) -> Host:
        number = len(self.hosts) + 2
        host = Host(name, f"{NET}.{number}" if self.is_isolated else "127.0.0.1", self.folder / name)
        shutil.rmtree(host.folder, ignore_errors=True)
        (host.folder / "home").mkdir(parents=True)
        env = {
            "PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "JAVA_HOME": java_home(),
            "SPARK_HOME": str(SPARK),
            "SPARK_LOCAL_DIRS": str(host.folder / "local"),
            "SPARK_WORKER_DIR": str(host.folder / "work"),
            "SPARK_DAEMON_MEMORY": "256m",
            "HOME": str(host.folder / "home"),
        }
        run = [str(SPARK / "bin" / "spark-class"), main, "--host", host.address, *arguments]
        if self.is_isolated:
            run = ["unshare", "-m", "-n", str(self._host_script(host, number)), *run]
        log = (self.folder / f"{name}.log").open("wb")
        host.process = subprocess.Popen(
            run, env=env, cwd=host.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.hosts[name] = host
        if self.is_isolated:
            self._connect(host, number)
        return host

    def _host_script(self, host: Host, number: int) -> Path:
        """A script that waits for the host's network, hides /tmp and the sources, and runs its arguments."""
        script = host.folder / "host.sh"
        hidden = " ".join(str(p) for p in (Path("/tmp"), ROOT) if not self.folder.is_relative_to(p))
        script.write_text(
            "#!/bin/sh\nset -e\n"
            f"for i in $(seq 200); do ip link show pf{number}h >/dev/null 2>&1 && break; sleep 0.05; done\n"
            "ip link set lo up\n"
            f"ip addr add {host.address}/24 dev pf{number}h && ip link set pf{number}h up\n"
            f"for hidden in {hidden}; do mount -t tmpfs none $hidden; done\n"
            'exec "$@"\n'
        )
        script.chmod(0o755)
        return script

    def _connect(self, host: Host, number: int) -> None:
        assert host.process is not None
        _ip("link", "add", f"pf{number}", "type", "veth", "peer", "name", f"pf{number}h")
        _ip("link", "set", f"pf{number}", "master", BRIDGE)
        _ip("link", "set", f"pf{number}", "up")
        deadline = time.monotonic() + START_S
        while os.readlink(f"/proc/{host.process.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{host.name} has no network namespace")
            time.sleep(0.02)
        _ip("link", "set", f"pf{number}h", "netns", str(host.process.pid))

    def _end(self, host: Host) -> None:
        if host.process is None:
            return
        for pid in [*_descendants(host.process.pid), host.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        host.process.wait(timeout=START_S)


def _copy_spark() -> None:
    """Spark's JARs and Python as a worker has them: without our packages beside."""
    source = Path(pyspark.__file__).parent
    if (SPARK / "bin" / "spark-class").exists():
        return
    SPARK.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, SPARK, dirs_exist_ok=True)
    # a worker puts SPARK_HOME/python and its py4j before the path of its Python processes
    target = SPARK / "python" / "pyspark"
    target.parent.mkdir(exist_ok=True)
    if not target.exists():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("jars", "examples", "data"))
    import py4j

    shutil.copytree(Path(py4j.__file__).parent, SPARK / "python" / "py4j", dirs_exist_ok=True)


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(status.parent.name))
    out, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        out += below
        todo += below
    return out


def _await_port(address: str, port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((address, port), timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


def _remove_network() -> None:
    for link in [*sorted(Path("/sys/class/net").glob("pf[0-9]*")), Path("/sys/class/net") / BRIDGE]:
        if link.exists():
            subprocess.run(["ip", "link", "del", link.name], capture_output=True, timeout=20, check=False)
