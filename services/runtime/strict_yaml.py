"""YAML as policy files have it: a key that stands twice is an error, because the second would silently win."""

from typing import Any

import yaml

from schemas.safe_yaml import SafeLoader


class StrictLoader(SafeLoader):
    """A safe loader that refuses duplicate keys, naming the line."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Build a mapping; raises `yaml.constructor.ConstructorError` for a key that is there already."""
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)
