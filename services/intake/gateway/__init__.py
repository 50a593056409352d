"""The HTTP gateway of the door: who may say what, and how it becomes a command. See docs/gateway.md."""
