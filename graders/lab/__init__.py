"""What a lab says: its manifest, its notebooks as percent text, its planted answers."""
