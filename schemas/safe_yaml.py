"""The safe loader of YAML: libyaml's where PyYAML was built with it, six times as fast on the files of `ops`."""

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

__all__ = ["SafeLoader"]
