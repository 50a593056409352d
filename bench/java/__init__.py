"""Kafka Streams: its jars through jgo, our job compiled by the JDK of this machine."""

import os
import shutil
import subprocess
from pathlib import Path

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext, PythonResolver

from services.runtime.embedded.home import cache_folder
from services.runtime.embedded.jars import LOGGING_BACKEND, kafka_version

SOURCE = Path(__file__).with_name("StreamJob.java")


class NoJdkError(RuntimeError):
    """There is no Java compiler on this machine."""


def command(classes: Path) -> list[str]:
    """Compile the job into `classes` and give the command line up to its arguments; raises `NoJdkError`."""
    compiler, program = shutil.which("javac"), shutil.which("java")
    if compiler is None or program is None:
        raise NoJdkError("no JDK (javac) on this machine")
    url = os.environ.get("HOTLINE_MAVEN_REPOSITORY", MAVEN_CENTRAL_URL).rstrip("/")
    maven = MavenContext(resolver=PythonResolver(), repo_cache=cache_folder() / "maven", remote_repos={"maven": url})
    roots = [f"org.apache.kafka:kafka-streams:{kafka_version()}", LOGGING_BACKEND]
    wanted, others = maven.resolver.resolve([maven.create_dependency(root) for root in roots])
    needed = [*wanted, *(found for found in others if found.scope in ("compile", "runtime"))]
    jars = os.pathsep.join(str(found.artifact.resolve()) for found in needed)
    subprocess.run([compiler, "-cp", jars, "-d", classes, SOURCE], check=True)
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return [program, "-Xmx1g", quiet, "-cp", os.pathsep.join((str(classes), jars)), SOURCE.stem]
