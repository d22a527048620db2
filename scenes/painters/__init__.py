"""What paints the things, people and places of a scene."""
