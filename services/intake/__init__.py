"""The door: validates, classifies and passes on what upstream platforms and actors say."""
